"""A scenario: events for a router over time, and the expected results.

`play` runs it in virtual time.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from itertools import count

from msgspec import Struct
from msgspec.structs import replace

from router.core.incident.settings import Settings
from router.core.incident.snapshot import Writes
from router.core.virtual.router import VirtualDelivery, VirtualRouter
from router.model.alert import Alert, AlertStatus
from router.model.event import AlertSeen, Command, Commanded, Event
from router.model.incident import Incident, Severity, Status
from router.model.notification import Notification, Rejected, Result, Retry, Sent, channel_of
from router.model.reason import Reason


class Failing(StrEnum):
    """A channel's failure: it rejects messages permanently, or is down and they're retried."""

    REFUSES = "refuses"
    DOWN = "down"


class Reported(Struct, frozen=True):
    """An alert as its source reports it.

    `times`: the number of separate occurrences; None for a state that lasts until it's resolved.
    `dated`: the payload has its own times; otherwise the alert starts to fire at the first report.
    """

    alert: Alert
    times: int = 0
    dated: bool = False


class ScenarioEvent(Struct, frozen=True):
    """Events after `after` seconds: channel failures and recoveries, then alerts, then a command.

    `incident` is the id of the command's incident (they are numbered from 1 as they open); None:
    the newest open incident.
    """

    after: float
    reported: tuple[Reported, ...] = ()
    command: Command | None = None
    by: str = ""
    incident: int | None = None
    text: str = ""
    severity: Severity | None = None
    status: Status | None = None
    title: str = ""
    fails: Mapping[str, Failing] = {}
    works: tuple[str, ...] = ()


class Message(Struct, frozen=True):
    """A message expected after `after` seconds, or up to `within` later.

    `to` is an address (a channel, or a person over one), or `contact:NAME` for a person over any
    contact method. A field that is None is not compared.
    """

    after: float
    to: str
    within: float = 0.0
    reason: Reason | None = None
    severity: Severity | None = None
    title: str | None = None


class ScenarioState(Struct, frozen=True):
    """All incidents that must exist `after` seconds, each with these fields."""

    after: float
    incidents: tuple[Mapping[str, object], ...]


class Scenario(Struct, frozen=True):
    """A scenario, from `start` (UTC epoch seconds) until `end` seconds later, shown in `zone`.

    `reasons` are the expected decisions as (after seconds, reason).
    """

    name: str
    start: float
    zone: str
    timeline: tuple[ScenarioEvent, ...]
    messages: tuple[Message, ...] = ()
    snapshots: tuple[ScenarioState, ...] = ()
    reasons: tuple[tuple[float, Reason], ...] = ()
    end: float = 0.0


class ScenarioResult(Struct, frozen=True):
    """The result of a scenario.

    `reasons` are all decisions, with their times. `incidents` are by the seconds after the start.
    """

    delivered: tuple[VirtualDelivery, ...]
    reasons: tuple[tuple[float, Reason], ...]
    incidents: Mapping[float, tuple[Incident, ...]]


Watch = Callable[[VirtualRouter, Writes], None]
"""A function called before each write to the store, with the router and the writes."""


def play(scenario: Scenario, settings: Settings, watch: Watch | None = None) -> ScenarioResult:
    """Run the scenario.

    At the same time, deadlines are processed first, then the events in the order given.
    """
    return _Run(scenario, settings, watch).play()


class _Run:
    """One run of a scenario."""

    def __init__(self, scenario: Scenario, settings: Settings, watch: Watch | None) -> None:
        self.scenario = scenario
        self.router = VirtualRouter(settings, scenario.start, self._send)
        if watch:
            self.router.watch = lambda changes: watch(self.router, changes)
        self._failing: dict[str, Failing] = {}
        self._firing_since: dict[str, float] = {}
        self._occurrences = count(1)
        self._reasons: list[tuple[float, Reason]] = []

    def play(self) -> ScenarioResult:
        scenario, router = self.scenario, self.router
        timeline = sorted(scenario.timeline, key=lambda moment: moment.after)
        seen = {shot.after for shot in scenario.snapshots}
        incidents = {}
        for after in sorted({scenario.end, *seen, *(moment.after for moment in timeline)}):
            router.run_until(scenario.start + after)
            for happening in (moment for moment in timeline if moment.after == after):
                self._happen(happening)
            if after in seen:
                incidents[after] = tuple(router.memory.incidents.values())
        noted = ((entry.at - scenario.start, entry.what) for entry in router.memory.timeline)
        return ScenarioResult(tuple(router.delivered), (*self._reasons, *noted), incidents)

    def _happen(self, happening: ScenarioEvent) -> None:
        self._failing |= happening.fails
        for channel in happening.works:
            self._failing.pop(channel, None)
        if alerts := [
            AlertSeen(self.router.now, alert)
            for report in happening.reported
            for alert in self._alerts(report)
        ]:
            self._submit(alerts)
        if happening.command is not None:
            self._submit([self._command(happening, happening.command)])

    def _submit(self, events: Sequence[Event]) -> None:
        self._reasons += [
            (self.router.now - self.scenario.start, reason)
            for reason in self.router.happen(*events)
        ]

    def _alerts(self, reported: Reported) -> Iterator[Alert]:
        alert, now = reported.alert, self.router.now
        if reported.dated:
            yield alert
        elif reported.times:
            for _ in range(reported.times):
                yield replace(
                    alert, starts_at=now, event_id=f"occurrence {next(self._occurrences)}"
                )
        elif alert.status is AlertStatus.FIRING:
            yield replace(alert, starts_at=self._firing_since.setdefault(alert.fingerprint, now))
        else:
            yield replace(
                alert, starts_at=self._firing_since.pop(alert.fingerprint, now), ends_at=now
            )

    def _command(self, happening: ScenarioEvent, command: Command) -> Commanded:
        target = happening.incident
        if target is None:
            incidents = self.router.memory.incidents
            target = max(
                (incident.id for incident in incidents.values() if incident.is_open),
                default=max(incidents, default=0),
            )
        return Commanded(
            self.router.now,
            target,
            happening.by,
            command,
            happening.text,
            happening.severity,
            status=happening.status,
            title=happening.title,
        )

    def _send(self, message: Notification, _at: float) -> Result:
        match self._failing.get(channel_of(message.channel)):
            case Failing.REFUSES:
                return Rejected("the channel rejects it")
            case Failing.DOWN:
                return Retry("the channel is down")
            case _:
                return Sent()
