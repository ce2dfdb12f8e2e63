"""Messages that are sent as one, and the results for each of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from router.core.outbox.digest import DigestGroup, counts, held_for
from router.core.outbox.rate_limit import RateLimit
from router.model.event import DeliverySettled
from router.model.notification import Attempt, Notification

Key = tuple[int, str]
"""An incident's id and an address."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """Messages that are sent as one. It's mainly about the first message's incident.

    held: the seconds for which a rate limit delayed each message. window: the rate limit that
    counted the bundle at `at`; None if it doesn't count.
    """

    messages: tuple[Notification, ...]
    at: float
    held: Mapping[Key, float] = field(default_factory=dict)
    window: RateLimit | None = None

    def give_back(self, now: float) -> None:
        """Uncount the bundle in the rate limit, because it didn't arrive."""
        if self.window:
            self.window.give_back(self.at, now)

    def settled(
        self, at: float, attempts: tuple[Attempt, ...], seen: Sequence[int], jitter: float
    ) -> list[DeliverySettled]:
        """Return the same result for each message, so that they are also retried together.

        `seen` is the event's `seen_entry` for each message.
        """
        ids = tuple(message.incident_id for message in self.messages)
        bundle = ids if len(ids) > 1 else ()
        return [
            DeliverySettled(
                at,
                message,
                attempts,
                known,
                jitter,
                self.held.get(key_of(message), 0.0),
                bundle,
                self.at,
            )
            for message, known in zip(self.messages, seen, strict=True)
        ]


def key_of(message: Notification) -> Key:
    return message.incident_id, message.channel


def pack(
    bundle: DigestGroup,
    claimed: Mapping[Key, Notification],
    window: RateLimit,
    now: float,
    *,
    is_paging: bool,
) -> Bundle:
    """Make a bundle of the messages that were claimed, and count it."""
    leased = tuple(waiting for waiting in bundle if key_of(waiting.message) in claimed)
    held = {
        key_of(waiting.message): 0.0 if waiting.is_edit else held_for(waiting.message, window, now)
        for waiting in leased
    }
    takes_room = counts(leased, is_paging=is_paging)
    if takes_room:
        window.take(now)
    return Bundle(tuple(claimed[key] for key in held), now, held, window if takes_room else None)
