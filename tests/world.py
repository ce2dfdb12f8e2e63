"""The router over a store in memory: whatever happens in it goes through `Fold`, and time passes when a test says so.

Also the settings, rules and alerts that tests of the core are about, all alike but for what a test says.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from router.core.fold import Fold
from router.core.matcher import parse_matchers
from router.core.quantity import Threshold
from router.core.rule import Rule, RuleSet
from router.core.settings import Settings
from router.core.template import compile_template
from router.core.view import Changes, View, Wanted
from router.model.alert import Alert, AlertStatus, Taking
from router.model.decision import Entry, Owed
from router.model.event import AlertSeen, Command, Commanded, DeliverySettled, Event, TimerDue
from router.model.incident import Incident, Severity
from router.model.notification import Attempt, Notification, NotificationState, Result, Sent
from router.model.policy import Policy, SeverityPlan, Step, Unless
from router.model.reason import Reason
from router.ports import Conflict

NOW = 1_770_000_000.0
LEASE = 60.0

POLICIES = {
    "critical": Policy(
        "critical",
        (Step(0, ("slack", "pager")), Step(300, ("phone",), Unless.ACKNOWLEDGED), Step(1800, ("cto",))),
        fallback=("mail",),
    ),
    "high": Policy("high", (Step(0, ("slack",)), Step(1800, ("pager",), Unless.ACKNOWLEDGED)), fallback=("mail",)),
    "low": Policy("low", (Step(0, ("slack",)),)),
}
PLANS = {
    Severity.P0: SeverityPlan("critical"),
    Severity.P1: SeverityPlan("high"),
    Severity.P2: SeverityPlan("low"),
    Severity.P3: SeverityPlan("low"),
}


def rule(name: str = "payments", match: str = "alertname=Payments", **changed: Any) -> Rule:
    """A rule for the alert named Payments: P0 over 10 %, P1 over 1 %, an incident for each service."""
    thresholds = changed.pop("thresholds", {} if "severity" in changed else {"P0": "> 10%", "P1": "> 1%"})
    values: dict[str, Any] = {
        "matchers": parse_matchers(match) if match else (),
        "thresholds": tuple((Severity(tier), Threshold.parse(text)) for tier, text in thresholds.items()),
        "group_by": ("service",),
        "summary": compile_template("{{ labels.alertname }} on {{ labels.service }}"),
        "resolve_after": 0.0,
    }
    return Rule(name=name, **(values | changed))


def settings(*rules: Rule, policies: Mapping[str, Policy] = POLICIES, **changed: Any) -> Settings:
    """These rules, or else the one above, and a P2 for whatever they don't take. Slack is edited in place."""
    rules = rules or (rule(),)
    default = rule("default", "", severity=Severity.P2, group_by=("alertname",))
    values: dict[str, Any] = {"severities": PLANS, "policies": policies, "edited": frozenset({"slack"})}
    return Settings(RuleSet.of(rules, default, revision=repr(rules)), **(values | changed))


def alert(fingerprint: str = "f1", value: str = "20%", *, service: str = "api", **changed: Any) -> Alert:
    values: dict[str, Any] = {
        "source": "alertmanager",
        "status": AlertStatus.FIRING,
        "labels": {"alertname": "Payments", "service": service},
        "annotations": {"value": value},
        "starts_at": NOW,
    }
    return Alert(fingerprint=fingerprint, **(values | changed))


def over(fingerprint: str = "f1", **changed: Any) -> Alert:
    """The same alert, resolved."""
    return alert(fingerprint, status=AlertStatus.RESOLVED, **changed)


class World:
    """A store as `Wanted`, `Changes` and the conformance suite describe it, the time, and a router over them."""

    def __init__(self, config: Settings | None = None) -> None:
        self.settings = config or settings()
        self.now = NOW
        self.takings: dict[tuple[str, str], Taking] = {}
        self.alerts: dict[str, Alert] = {}
        self.incidents: dict[int, Incident] = {}
        self.timeline: list[Entry] = []
        self.timers: dict[tuple[int, str], float] = {}
        self.outbox: dict[tuple[int, str], Notification] = {}
        self.owed: list[Owed] = []
        self.windows: dict[str, tuple[float, ...]] = {}
        self.receipts: set[str] = set()

    # --- what happens

    def happen(self, *events: Event) -> list[Reason]:
        changes, reasons = self.decide(*events)
        self.save(changes)
        return reasons

    def decide(self, *events: Event) -> tuple[Changes, list[Reason]]:
        fold = Fold(self.settings, events)
        view = self.load(fold.first())
        view.add(self.load(fold.second(view)))
        return fold.decide(view)

    def see(self, *alerts: Alert) -> list[Reason]:
        """A webhook with these alerts."""
        return self.happen(*(AlertSeen(self.now, seen) for seen in alerts))

    def command(self, command: Command, incident_id: int = 1, by: str = "ana", **particulars: Any) -> Reason:
        return self.happen(Commanded(self.now, incident_id, by, command, **particulars))[0]

    def advance(self, seconds: float) -> None:
        """Let time pass; each timer comes when it's due."""
        end = self.now + seconds
        while due := self.due(end):
            self.now = max(self.now, due[0].due_at)
            self.happen(replace(due[0], at=self.now))
        self.now = end

    def due(self, now: float) -> list[TimerDue]:
        timers = sorted((at, *timer) for timer, at in self.timers.items() if at <= now)
        return [TimerDue(now, incident_id, name, at) for at, incident_id, name in timers]

    def claim(self, channel: str) -> Iterator[Notification]:
        """Lease what the channel is owed by now."""
        for key, row in sorted(self.outbox.items()):
            free = row.state is NotificationState.PENDING and row.due_at <= self.now and row.lease_until <= self.now
            if row.channel == channel and free:
                doubled = row.may_be_doubled or bool(row.lease)
                self.outbox[key] = replace(
                    row, lease=f"{channel} {self.now}", lease_until=self.now + LEASE, may_be_doubled=doubled
                )
                yield self.outbox[key]

    def settle(self, held: Notification, *results: Result) -> Reason:
        attempts = tuple(Attempt(self.now, 0.0, result) for result in results)
        told = max(entry.id for entry in self.timeline)
        return self.happen(DeliverySettled(self.now, held, attempts, told))[0]

    def deliver(self, *channels: str, result: Result | None = None) -> list[tuple[str, Reason]]:
        """Serve these channels, or else all: what each was told, and why."""
        sent = []
        for channel in channels or sorted({channel for _, channel in self.outbox}):
            for held in list(self.claim(channel)):
                sent.append((held.channel, held.reason))
                self.settle(held, result or Sent())
        return sent

    # --- what a test looks at

    @property
    def incident(self) -> Incident:
        """The newest."""
        return self.incidents[max(self.incidents)]

    def story(self, incident_id: int = 1) -> list[Reason]:
        return [entry.what for entry in self.timeline if entry.incident_id == incident_id]

    # --- the store

    def load(self, wanted: Wanted) -> View:
        view = View(receipts=self.receipts & set(wanted.receipts))
        view.windows = {key: self.windows[key] for key in wanted.windows if key in self.windows}
        for (fingerprint, _), taking in self.takings.items():
            if fingerprint in wanted.fingerprints:
                view.takings.setdefault(fingerprint, []).append(taking)
        view.latest = {i.key: i.id for _, i in sorted(self.incidents.items()) if i.key in wanted.keys}
        ids = {*view.latest.values(), *wanted.incident_ids} & self.incidents.keys()
        view.incidents = {i: self.incidents[i] for i in ids}
        if wanted.keys:
            view.next_incident_id = max(self.incidents, default=0) + 1
        return view

    def save(self, changes: Changes) -> None:
        """Raises: Conflict."""
        self._save_incidents(changes.incidents)
        for key, taking in self.takings.items():
            if taking.counted and taking.incident_id in changes.detached:
                self.takings[key] = replace(taking, digest="", incident_id=None)
        for key in changes.forgotten:
            self.takings.pop(key, None)
        for key, (taking, seen) in changes.takings.items():
            self.takings[key], self.alerts[taking.fingerprint] = taking, seen
        for fingerprint, name, at in changes.seen:
            if taken := self.takings.get((fingerprint, name)):
                self.takings[fingerprint, name] = replace(taken, last_seen=at)
        self.timeline += [replace(entry, id=len(self.timeline) + n) for n, entry in enumerate(changes.entries, 1)]
        self._save_timers(changes)
        for settled in changes.settled:
            self._settle(*settled)
        self._owe(changes.owed)
        self.windows |= changes.windows
        self.receipts |= changes.receipts.keys()

    def _save_incidents(self, incidents: Mapping[int, Incident]) -> None:
        after = self.incidents | incidents
        for incident in incidents.values():
            stored = self.incidents.get(incident.id)
            if incident.version != (stored.version + 1 if stored else 1):
                raise Conflict(f"{incident.name} was written since it was read")
            if incident.is_open and any(i.is_open and i.key == incident.key and i != incident for i in after.values()):
                raise Conflict(f"{incident.key} is open already")
        self.incidents = after

    def _save_timers(self, changes: Changes) -> None:
        for done in changes.timers_done:
            if self.timers.get((done.incident_id, done.name)) == done.due_at:
                del self.timers[done.incident_id, done.name]
        for key in changes.timers_cleared:
            self.timers.pop(key, None)
        self.timers |= {key: timer.due_at for key, timer in changes.timers.items()}

    def _owe(self, owed: Sequence[Owed]) -> None:
        """One message for each channel and fold: owed since the first, for the reason of the last."""
        self.owed += owed
        latest: dict[tuple[int, str], Owed] = {}
        for one in owed:
            key = (one.incident_id, one.channel)
            latest[key] = replace(one, at=latest.get(key, one).at)
        for key, one in latest.items():
            before = self.outbox.get(key)
            new = Notification(*key, 1, NotificationState.PENDING, one.reason, one.at, one.at)
            if before and before.state is NotificationState.PENDING:
                in_flight = before.lease_until > one.at
                owed_at = one.at if in_flight else before.owed_at
                new = replace(before, seq=before.seq + 1, reason=one.reason, owed_at=owed_at)
            elif before:
                new = replace(new, seq=before.seq + 1, sent=before.sent, ref=before.ref, told=before.told)
            self.outbox[key] = new

    def _settle(self, after: Notification, lease: str, seq: int) -> None:
        key = (after.incident_id, after.channel)
        stored = self.outbox[key]
        if stored.lease != lease or not lease:
            return
        if stored.seq > seq:
            failed = after.state is NotificationState.PENDING
            fresh = Notification(
                *key, stored.seq, NotificationState.PENDING, stored.reason, stored.owed_at, stored.due_at
            )
            after = (
                replace(after, seq=stored.seq, reason=stored.reason)
                if failed
                else replace(fresh, sent=after.sent, ref=after.ref, told=after.told)
            )
        self.outbox[key] = after
