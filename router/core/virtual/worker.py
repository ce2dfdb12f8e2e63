"""Claims the messages of a store in memory, within the rate limits."""

from collections import defaultdict
from collections.abc import Iterable

from router.core.incident.settings import Settings
from router.core.outbox.bundle import Bundle, key_of, pack
from router.core.outbox.digest import Standing, Throttle, Waiting, plan
from router.core.outbox.rate_limit import RateLimit
from router.core.virtual.memory_store import Key, MemoryStore
from router.model.notification import Notification, NotificationState, channel_of


class MemoryWorker:
    """Claims due messages.

    A message that a rate limit delays is tried again when the limit allows it, or when a new
    message is queued.
    """

    def __init__(self, memory: MemoryStore) -> None:
        self._memory = memory
        self._throttle = Throttle()
        self._held: defaultdict[str, set[Key]] = defaultdict(set)

    def claim(self, settings: Settings, now: float) -> list[Bundle]:
        """Lease all messages that may be sent now, the most overdue first."""
        due = self._memory.due(now)
        free = [message for message in due if settings.limit_of(message.channel) is None]
        bundles = [Bundle((self._memory.lease(key_of(message), now),), now) for message in free]
        for address in dict.fromkeys(message.channel for message in due):
            if limit := settings.limit_of(address):
                window = self._throttle.window(address, limit)
                bundles += self._limited(address, window, due, settings, now)
        return bundles

    def give_back(self, bundle: Bundle, now: float) -> None:
        """Uncount a bundle that didn't arrive, so that the rate limit allows waiting messages."""
        bundle.give_back(now)
        if bundle.window:
            for message in self._waiting(bundle.messages[0].channel, now):
                self._memory.hold(message, now)

    def _limited(
        self,
        address: str,
        window: RateLimit,
        due: Iterable[Notification],
        settings: Settings,
        now: float,
    ) -> list[Bundle]:
        edits = channel_of(address) in settings.edited
        rows = {key_of(message): message for message in due if message.channel == address}
        rows |= {key_of(message): message for message in self._waiting(address, now)}
        incidents = self._memory.incidents
        waiting = [
            Waiting(row, Standing.of(incidents[row.incident_id]), edits and bool(row.ref))
            for row in rows.values()
        ]
        planned = plan(waiting, window.free(now))
        bundles = []
        for group in planned.now:
            leased = {
                key: self._memory.lease(key, now)
                for key in (key_of(member.message) for member in group)
            }
            bundles.append(
                pack(group, leased, window, now, is_paging=channel_of(address) in settings.paging)
            )
        self._held[address] = {key_of(held.message) for held in planned.held}
        for held in planned.held:
            self._memory.hold(held.message, now + window.next_free(now))
        return bundles

    def _waiting(self, address: str, now: float) -> list[Notification]:
        """The delayed messages that are still pending and due."""
        rows = (self._memory.outbox[key] for key in self._held[address])
        return [
            row
            for row in rows
            if row.state is NotificationState.PENDING and row.due_at <= now and not row.lease
        ]
