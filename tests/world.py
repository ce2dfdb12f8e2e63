"""A virtual router stepped by a test: messages are sent and time passes on request.

Also default settings, rules and alerts for tests of the core.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from router.core.incident.policy import Policy, SeverityPlan, Step, Unless
from router.core.incident.settings import Settings
from router.core.rules.matcher import parse_matchers
from router.core.rules.rule import Rule, RuleSet
from router.core.text.template import compile_template
from router.core.text.units import Threshold
from router.core.virtual.router import VirtualRouter
from router.model.alert import Alert, AlertStatus, RuleMatch
from router.model.decision import Queued
from router.model.event import AlertSeen, Command, Commanded, DeliverySettled, TimerDue
from router.model.incident import Incident, Severity
from router.model.notification import Attempt, Notification, NotificationState, Result, Sent
from router.model.reason import Reason

NOW = 1_770_000_000.0

POLICIES = {
    "critical": Policy(
        "critical",
        (
            Step(after=0, notify=("slack", "pager")),
            Step(after=300, notify=("phone",), unless=Unless.ACKNOWLEDGED),
            Step(after=1800, notify=("cto",)),
        ),
        fallback=("mail",),
    ),
    "high": Policy(
        "high",
        (
            Step(after=0, notify=("slack",)),
            Step(after=1800, notify=("pager",), unless=Unless.ACKNOWLEDGED),
        ),
        fallback=("mail",),
    ),
    "low": Policy("low", (Step(after=0, notify=("slack",)),)),
}
PLANS = {
    Severity.P0: SeverityPlan("critical"),
    Severity.P1: SeverityPlan("high"),
    Severity.P2: SeverityPlan("low"),
    Severity.P3: SeverityPlan("low"),
}


def rule(name: str = "payments", match: str = "alertname=Payments", **changed: Any) -> Rule:
    """A rule for the alert named Payments: P0 over 10 %, P1 over 1 %, an incident for each
    service.
    """
    thresholds = changed.pop(
        "thresholds", {} if "severity" in changed else {"P0": "> 10%", "P1": "> 1%"}
    )
    values: dict[str, Any] = {
        "matchers": parse_matchers(match) if match else (),
        "thresholds": tuple(
            (Severity(tier), Threshold.parse(text)) for tier, text in thresholds.items()
        ),
        "group_by": ("service",),
        "summary": compile_template("{{ labels.alertname }} on {{ labels.service }}"),
        "resolve_after": 0.0,
    }
    return Rule(name=name, **(values | changed))


def settings(*rules: Rule, policies: Mapping[str, Policy] = POLICIES, **changed: Any) -> Settings:
    """Settings with these rules, or the default one, and a P2 for unmatched alerts.

    Slack is edited in place.
    """
    rules = rules or (rule(),)
    default = rule("default", "", severity=Severity.P2, group_by=("alertname",))
    values: dict[str, Any] = {
        "severities": PLANS,
        "policies": policies,
        "edited": frozenset({"slack"}),
    }
    return Settings(RuleSet.of(rules, default, revision=repr(rules)), **(values | changed))


def alert(
    fingerprint: str = "f1", value: str = "20%", *, service: str = "api", **changed: Any
) -> Alert:
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


class World(VirtualRouter):
    """A virtual router that delivers on request only, and helpers for tests."""

    def __init__(self, config: Settings | None = None) -> None:
        super().__init__(
            config or settings(),
            NOW,
            post=None,
            watch=lambda changes: self.queued.extend(changes.queued),
        )
        self.queued: list[Queued] = []

    def __getattr__(self, name: str) -> Any:
        """Stored data, by its name in `Memory`."""
        return getattr(self.__dict__["memory"], name)

    # --- what happens

    def see(self, *alerts: Alert) -> list[Reason]:
        """A webhook with these alerts."""
        return self.happen(*(AlertSeen(self.now, seen) for seen in alerts))

    def command(
        self, command: Command, incident_id: int = 1, by: str = "ana", **particulars: Any
    ) -> Reason:
        return self.happen(Commanded(self.now, incident_id, by, command, **particulars))[0]

    def advance(self, seconds: float) -> None:
        """Let time pass; each timer comes when it's due."""
        self.run_until(self.now + seconds)

    def due(self, now: float) -> list[TimerDue]:
        timers = sorted((at, *timer) for timer, at in self.timers.items() if at <= now)
        return [TimerDue(now, incident_id, name, at) for at, incident_id, name in timers]

    def claim(self, channel: str) -> Iterator[Notification]:
        """Lease the channel's messages due by now."""
        for key, row in sorted(self.outbox.items()):
            free = (
                row.state is NotificationState.PENDING
                and row.due_at <= self.now
                and row.lease_until <= self.now
            )
            if row.channel == channel and free:
                yield self.memory.lease(key, self.now)

    def settle(self, held: Notification, *results: Result) -> Reason:
        attempts = tuple(Attempt(self.now, 0.0, result) for result in results)
        seen_entry = max(entry.id for entry in self.timeline)
        return self.happen(DeliverySettled(self.now, held, attempts, seen_entry))[0]

    def deliver(self, *channels: str, result: Result | None = None) -> list[tuple[str, Reason]]:
        """Serve these channels, or else all: the reasons sent to each."""
        sent = []
        for channel in channels or sorted({channel for _, channel in self.outbox}):
            for held in list(self.claim(channel)):
                sent.append((held.channel, held.reason))
                self.settle(held, result or Sent())
        return sent

    # --- what a test looks at

    @property
    def rule_matches(self) -> dict[tuple[str, str], RuleMatch]:
        """Rule matches by fingerprint and rule."""
        return {
            (alert.fingerprint, alert.rule): alert
            for of in self.memory.rule_matches.values()
            for alert in of.values()
        }

    @property
    def timers(self) -> dict[tuple[int, str], float]:
        return self.memory.timers.at

    @property
    def incident(self) -> Incident:
        """The newest."""
        return self.memory.incidents[max(self.memory.incidents)]

    def story(self, incident_id: int = 1) -> list[Reason]:
        return [entry.what for entry in self.memory.timeline if entry.incident_id == incident_id]
