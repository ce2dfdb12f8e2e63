"""Rate limits for one address: some messages are sent now, some wait, some are combined.

Invariant: a limit never drops a message. It delays the message in the outbox until the limit allows
another one, and then all messages waiting for the same address are sent as one. Some messages are
never delayed or bundled, and don't count: those about a P0; those about a drill, because a drill
must not delay real pages; and edits, because a bundle would leave the earlier message outdated.
Each address has its own limit: a full mailbox must not delay a call.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from router.core.outbox.rate_limit import Limit, RateLimit
from router.model.incident import Incident, Severity
from router.model.notification import Notification

PREEMPTS = Severity.P0
"""The severity, at the time of sending, whose messages are never delayed."""

MOST = 250
"""Maximum incidents in one message: each must be settled within the lease."""


class Standing(NamedTuple):
    """The data of an incident that decide the order of messages.

    `unanswered`: open, and nobody has acknowledged it.
    """

    id: int
    severity: Severity
    drill: bool
    unanswered: bool

    @classmethod
    def of(cls, incident: Incident) -> "Standing":
        return cls(incident.id, incident.severity, incident.drill, unanswered(incident))


class Waiting(NamedTuple):
    """A due message, and the current state of its incident.

    is_edit: the channel edits the incident's earlier message instead of posting another.
    """

    message: Notification
    incident: Standing
    is_edit: bool = False


DigestGroup = tuple[Waiting, ...]
"""Messages that are sent as one, mainly about the first."""


class Plan(NamedTuple):
    """The messages to send now, and those that the limit delays."""

    now: tuple[DigestGroup, ...]
    held: tuple[Waiting, ...]


def plan(waiting: Iterable[Waiting], room: int) -> Plan:
    """Plan the messages to one address. The limit allows `room` more messages now."""
    ranked = sorted(waiting, key=_rank)
    urgent = tuple((waiting,) for waiting in ranked if is_free(waiting))
    others = tuple(waiting for waiting in ranked if not is_free(waiting))
    if room <= 0:
        return Plan(urgent, others)
    if len(others) <= room:
        return Plan((*urgent, *((other,) for other in others)), ())
    return Plan((*urgent, others[:MOST]), others[MOST:])


def _rank(waiting: Waiting) -> tuple[bool, Severity, float, int]:
    """Order by unanswered first, then by severity, then by age."""
    incident = waiting.incident
    return not incident.unanswered, incident.severity, waiting.message.queued_at, incident.id


def is_free(waiting: Waiting) -> bool:
    """Check if the message is sent at once and alone, without counting towards the limit."""
    incident = waiting.incident
    return waiting.is_edit or incident.drill or incident.severity is PREEMPTS


def unanswered(incident: Incident) -> bool:
    return incident.is_open and incident.acknowledged_at is None


def counts(bundle: DigestGroup, *, is_paging: bool) -> bool:
    """Return whether the message counts. Paging channels don't send about answered incidents."""
    return any(
        not is_free(waiting) and (waiting.incident.unanswered or not is_paging)
        for waiting in bundle
    )


def held_for(message: Notification, window: RateLimit, now: float) -> float:
    """Seconds for which the limit has delayed the message. They don't count as lateness."""
    until = now if window.free(now) <= 0 else min(now, window.freed_at)
    return max(0.0, until - message.due_at)


class Throttle:
    """The rate limits of people and channels, by address."""

    def __init__(self) -> None:
        self._windows: dict[str, RateLimit] = {}

    def window(self, address: str, limit: Limit) -> RateLimit:
        """Return the rate limit of an address. A changed limit starts empty."""
        window = self._windows.get(address)
        if window is None or window.limit != limit:
            window = self._windows[address] = RateLimit(limit.count, limit.per)
        return window


def split(waiting: Sequence[Waiting]) -> dict[str, list[Waiting]]:
    """Group the messages by address."""
    groups: dict[str, list[Waiting]] = {}
    for due in waiting:
        groups.setdefault(due.message.channel, []).append(due)
    return groups
