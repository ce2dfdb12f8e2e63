"""The whole router in memory and in virtual time, for rule tests, simulation and replay.

Every event goes through `Batch`, as in the daemon; nothing else decides. A deadline fires exactly
when it's due. A message is sent immediately, and `post` returns the result. A failed message is
retried after the daemon's backoff, halfway between its minimum and maximum.
"""

from collections.abc import Callable

from msgspec import Struct

from router.core.incident.batch import Batch
from router.core.incident.settings import Settings
from router.core.incident.snapshot import Writes
from router.core.outbox.bundle import Bundle
from router.core.virtual.memory_store import MemoryStore
from router.core.virtual.worker import MemoryWorker
from router.model.event import DeliverySettled, Event
from router.model.incident import Incident
from router.model.notification import Attempt, Notification, Result, Sent, Uncertain, channel_of
from router.model.reason import Reason

JITTER = 0.5

Post = Callable[[Notification, float], Result]
"""Returns the result of sending a message at a given time."""


class VirtualDelivery(Struct, frozen=True, gc=False):
    """A delivered message: its time, address, reason, and the incident at that time.

    `known` is the id of the newest timeline entry of any incident. `also` are further incidents in
    the same message, if a throttle bundled them.
    """

    at: float
    address: str
    reason: Reason
    incident: Incident
    known: int
    also: tuple[Incident, ...] = ()


def arrives(_message: Notification, _at: float) -> Result:
    """Let every message arrive."""
    return Sent()


class VirtualRouter:
    """A router that starts empty, at the time `now` (UTC epoch seconds).

    `settings` may be replaced, as by a reload. `delivered` are all deliveries, in order. Without
    `post`, messages stay pending until a caller claims and settles them. `watch` is called with the
    writes before they are stored.
    """

    def __init__(
        self,
        settings: Settings,
        now: float,
        post: Post | None = arrives,
        watch: Callable[[Writes], None] | None = None,
    ) -> None:
        self.settings = settings
        self.now = now
        self.memory = MemoryStore()
        self.delivered: list[VirtualDelivery] = []
        self.post = post
        self.watch = watch
        self._counter = MemoryWorker(self.memory)

    def happen(self, *events: Event) -> list[Reason]:
        """Process these events in one transaction, and send the messages. Returns the reasons."""
        reasons = self._commit(*events)
        self._deliver()
        return reasons

    def decide(self, *events: Event) -> tuple[Writes, list[Reason]]:
        """The writes and reasons that these events would result in; nothing is written."""
        batch = Batch(self.settings, events)
        for plan in batch.reads:
            batch.view.add(self.memory.load(plan))
        return batch.decide()

    @property
    def next_due(self) -> float | None:
        """The time of the next event if nobody acts; None if there is none."""
        firsts = (self.memory.timers.first(), self.memory.waiting.first() if self.post else None)
        return min((first[0] for first in firsts if first), default=None)

    def run_until(self, at: float) -> None:
        """Let time pass until `at`, and process everything due by then, in order."""
        while (due := self.next_due) is not None and due <= at:
            self.now = max(self.now, due)
            if timer := self.memory.next_timer(self.now):
                self._commit(timer)
            self._deliver()
        self.now = max(self.now, at)

    def _commit(self, *events: Event) -> list[Reason]:
        changes, reasons = self.decide(*events)
        if changes:
            if self.watch:
                self.watch(changes)
            self.memory.save(changes)
        return reasons

    def _deliver(self) -> None:
        """Send due messages, and those that result from them."""
        if self.post is None:
            return
        while claimed := self._counter.claim(self.settings, self.now):
            known = len(self.memory.timeline)
            results = [(bundle, self.post(bundle.messages[0], self.now)) for bundle in claimed]
            self.delivered += [
                self._delivered(bundle, known)
                for bundle, result in results
                if isinstance(result, Sent)
            ]
            self._commit(
                *(
                    settled
                    for bundle, result in results
                    for settled in self._settled(bundle, result)
                )
            )
            for bundle, result in results:
                if not isinstance(result, Sent | Uncertain):
                    self._counter.give_back(bundle, self.now)

    def _delivered(self, bundle: Bundle, known: int) -> VirtualDelivery:
        first = bundle.messages[0]
        incident, *also = (
            self.memory.incidents[message.incident_id] for message in bundle.messages
        )
        return VirtualDelivery(self.now, first.channel, first.reason, incident, known, tuple(also))

    def _settled(self, bundle: Bundle, result: Result) -> list[DeliverySettled]:
        first = bundle.messages[0]
        if result == Sent() and self._edits_within_limit(first.channel):
            result = Sent(f"{first.channel}:{first.incident_id}")
        seen = [self.memory.newest_entry.get(message.incident_id, 0) for message in bundle.messages]
        return bundle.settled(self.now, (Attempt(self.now, 0.0, result),), seen, JITTER)

    def _edits_within_limit(self, address: str) -> bool:
        """Check if later messages edit this one in place, so that its limit doesn't delay them."""
        edits = channel_of(address) in self.settings.edited
        return edits and self.settings.limit_of(address) is not None
