"""Replays recorded events under other settings: external events are repeated, decisions are new.

Invariant: actions of a source, a person or a service are repeated at the same time. A deadline that
existed in the past fires at the same time as then, and a message that existed in the past is sent
at the same time, with the same result. So under the same settings the past is repeated exactly. New
deadlines fire when they are due, and new messages arrive at once.
"""

import heapq
import math
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

from msgspec.structs import replace

from router.core.incident.settings import Settings
from router.core.incident.suppression import NO_INCIDENT
from router.core.incident.timeout import is_end
from router.core.replay.history import History
from router.core.replay.incident_matching import IncidentMatching
from router.core.virtual.memory_store import Key
from router.core.virtual.router import VirtualDelivery, VirtualRouter
from router.model.event import (
    AlertSeen,
    Commanded,
    DeliverySettled,
    Event,
    Recorded,
    SilencesChanged,
    TimerDue,
    Undelivered,
)
from router.model.notification import Notification, NotificationState, Sent
from router.model.outbox import OutboxKind
from router.model.reason import Reason

TICK = 2.0
"""Seconds by which a deadline may have fired late, after events that came in the meantime."""


class Replay(VirtualRouter):
    """A router that repeats recorded events. Without `deliveries`, messages arrive immediately.

    `links` match its incidents with past ones.
    """

    def __init__(self, settings: Settings, past: History, *, deliveries: bool = True) -> None:
        super().__init__(settings, past.events[0].at if past.events else 0.0)
        self.links = IncidentMatching(past)
        self._past = past
        self._came: set[tuple[int, str, float]] = set()
        self._due: dict[Key, float] = {}
        self._sent: defaultdict[Key, set[float]] = defaultdict(set)
        self._unsent: defaultdict[Key, set[float]] = defaultdict(set)
        self._done = 0
        self._history: list[Event] = []
        self._held: dict[Key, Notification] = {}
        self._begun: list[tuple[float, int, DeliverySettled]] = []
        for number, event in enumerate(past.events):
            self._expect(number, event, deliveries=deliveries)
        for row in past.unsent if deliveries else ():
            self._unsent[row.incident_id, row.channel].add(row.queued_at)
        heapq.heapify(self._begun)

    def run(
        self, until: float = -math.inf, progress: Callable[[int], None] = lambda _: None
    ) -> None:
        """Process all events, and let time pass until `until`.

        `progress` receives the number of events of each step.
        """
        for _, group in groupby(self._past.events, key=_together):
            events = [*group]
            at = events[0].at
            self.run_until(at - TICK)
            self._begin(at)
            self.now = max(self.now, at)
            self._again(events)
            self._done += len(events)
            self._begin(self.now, reached=True)
            progress(len(events))
        self.run_until(until - TICK)

    @property
    def past(self) -> History:
        """The result as a history, for comparison."""
        memory = self.memory
        return History(
            self._history, memory.timeline, [*memory.incidents.values()], records=self._past.records
        )

    # --- expected events

    def _expect(self, number: int, event: Event, *, deliveries: bool) -> None:
        match event:
            case TimerDue():
                self._came.add((event.incident_id, event.name, event.due_at))
            case DeliverySettled(notification=row) if deliveries:
                self._sent[row.incident_id, row.channel].add(row.queued_at)
                self._begun.append((event.taken_at or _started(event), number, event))

    def _commit(self, *events: Event) -> list[Reason]:
        changes, reasons = self.decide(*events)
        if changes:
            self.links.add(changes)
            self.memory.save(changes)
            self._history += changes.history
            for key in changes.timers_cleared:
                self._due.pop(key, None)
            for key, timer in changes.timers.items():
                self._await_timer(key, timer.due_at)
            touched = {
                (message.incident_id, message.channel)
                for message in changes.queued
                if message.kind is OutboxKind.INCIDENT
            }
            touched |= {(row.incident_id, row.channel) for row, _, _ in changes.settled}
            for key in touched:
                self._await_sending(key)
        return reasons

    def _await_timer(self, key: Key, due_at: float) -> None:
        """Let a deadline of the past fire at the same time.

        Reports that the history leaves out may have moved an alert's end, so only the recorded
        deadline has the right time.
        """
        self._due.pop(key, None)
        incident_id, name = key
        if is_end(name):
            self.memory.timers.drop(key)
        if any((then, name, due_at) in self._came for then in self.links.then.get(incident_id, ())):
            self._due[key] = due_at
            self.memory.timers.drop(key)

    def _await_sending(self, key: Key) -> None:
        """If the message existed in the past, send it when it was sent then, if it was."""
        incident_id, address = key
        queued_at = self.memory.outbox[key].queued_at
        for then in self.links.then.get(incident_id, ()):
            if queued_at in self._sent[then, address] or queued_at in self._unsent[then, address]:
                self.memory.waiting.drop(key)

    def _begin(self, at: float, *, reached: bool = False) -> None:
        """Claim the messages whose sending began before `at`, as they were then."""
        while self._begun and (self._begun[0][0] < at or (reached and self._begun[0][0] <= at)):
            begun, number, event = heapq.heappop(self._begun)
            keys = [*self._rows(event)] if number >= self._done else []
            # The time of the claim isn't recorded: it's after the last entry that the message
            # contains.
            same = [self.memory.outbox[key].seq == event.notification.seq for key in keys]
            if number >= self._done and begun < _started(event) and not (same and all(same)):
                heapq.heappush(self._begun, (_started(event), number, event))
                continue
            for key in keys:
                self._lease(key, begun)

    def _rows(self, event: DeliverySettled) -> Iterator[Key]:
        """The keys of this router's messages that correspond to a recorded message."""
        row = event.notification
        for now in self.links.now.get(row.incident_id, ()):
            key = now, row.channel
            # While a message is being sent, its row may already have the next message.
            current = self._held.get(key) or self.memory.outbox.get(key)
            if (
                current
                and current.state is NotificationState.PENDING
                and current.queued_at == row.queued_at
            ):
                yield key

    def _lease(self, key: Key, at: float) -> Notification:
        """Return the message as claimed. Later changes belong to the next message."""
        if key not in self._held:
            self._held[key] = held = self.memory.lease(key, at)
            self.memory.outbox[key] = replace(held, lease_until=math.inf)
        return self._held[key]

    # --- events

    def _again(self, events: Sequence[Event]) -> None:
        if targets := [target for event in events for target in self._targeted(event)]:
            self.happen(*targets)

    def _targeted(self, event: Event) -> Iterator[Event]:
        """The event, applied to the replay's incidents."""
        match event:
            case AlertSeen() | SilencesChanged():
                yield event
            case DeliverySettled():
                yield from self._sent_again(event)
            case TimerDue(incident_id=then, name=name):
                if then == NO_INCIDENT:
                    yield event
                for now in self.links.now.get(then, ()):
                    if self._due.get((now, name)) == event.due_at:
                        del self._due[now, name]
                        yield replace(event, incident_id=now)
            case _:
                for number, now in enumerate(self.links.meant(event.incident_id)):
                    changed = replace(event, incident_id=now)
                    if (
                        number
                        and isinstance(changed, Commanded | Undelivered | Recorded)
                        and changed.receipt
                    ):
                        changed = replace(changed, receipt=f"{changed.receipt} {number}")
                    yield changed

    def _sent_again(self, event: DeliverySettled) -> Iterator[DeliverySettled]:
        """Repeat the result of a message, if this router has the same one."""
        arrived, first = isinstance(event.attempts[-1].result, Sent), event.notification.incident_id
        for key in [*self._rows(event)]:
            row = self._lease(key, event.at)
            del self._held[key]
            if arrived and event.bundle[:1] in {(), (first,)}:
                incident, known = self.memory.incidents[key[0]], len(self.memory.timeline)
                self.delivered.append(
                    VirtualDelivery(event.at, row.channel, row.reason, incident, known)
                )
            bundle = tuple(now for then in event.bundle for now in self.links.now.get(then, ()))
            seen_entry = self.memory.newest_entry[key[0]]
            yield replace(event, notification=row, seen_entry=seen_entry, bundle=bundle)


def _started(event: DeliverySettled) -> float:
    """Start of the first attempt to send it."""
    first = event.attempts[0]
    return first.at - first.took


def _together(event: Event) -> object:
    """Groups of events at the same moment, which shared a transaction."""
    return (
        (type(event), event.at)
        if isinstance(event, AlertSeen | TimerDue | DeliverySettled)
        else id(event)
    )
