"""The structs of the API's answers, made from the model. Times are RFC 3339 in UTC."""

from datetime import UTC, datetime
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from router.core.deployments.suspect import minutes_before
from router.core.explain.alert import Explanation, RuleOutcome
from router.core.messages.timeline import describe
from router.core.oncall.business_hours import written
from router.core.oncall.recipients import Recipients
from router.core.oncall.schedule import Schedule, gaps, on_call, shifts
from router.model.alert import AlertStatus
from router.model.decision import Entry
from router.model.deployment import Deployment, DeployOutcome
from router.model.incident import Incident, Severity, Status
from router.model.notification import Notification, NotificationState
from router.model.reason import Reason
from router.ports.store import AlertRow
from router.web.api.content import Time


def when(at: float | None) -> str | None:
    """Return UTC epoch seconds as RFC 3339, in UTC, to the millisecond; None for None."""
    return None if at is None else exactly(at)


def exactly(at: float) -> str:
    """Return UTC epoch seconds as RFC 3339, in UTC, to the millisecond."""
    there = datetime.fromtimestamp(at, UTC)
    return there.isoformat(timespec="milliseconds").replace("+00:00", "Z")


# --- deployments


class DeploymentView(Struct, frozen=True):
    """A deployment. `name` is its version, or else its short commit."""

    id: str
    at: Time
    name: str
    services: tuple[str, ...]
    outcome: DeployOutcome
    version: str | None
    commit: str | None
    previous: str | None
    repository: str | None
    environment: str | None
    branch: str | None
    author: str | None
    url: str | None
    compare: str | None
    source: str


class SuspectView(DeploymentView, frozen=True):
    """The deployment that may be the cause, and how long before the incident it was."""

    minutes_before: int


def deployment(one: Deployment) -> DeploymentView:
    return DeploymentView(
        id=one.id,
        at=exactly(one.at),
        name=one.name,
        services=one.services,
        outcome=one.outcome,
        version=one.version or None,
        commit=one.commit or None,
        previous=one.previous or None,
        repository=one.repository or None,
        environment=one.environment or None,
        branch=one.branch or None,
        author=one.author or None,
        url=one.url or None,
        compare=one.compare or None,
        source=one.source,
    )


def suspect(one: Incident) -> SuspectView | None:
    found = one.suspect
    if found is None:
        return None
    return SuspectView(**asdict(deployment(found)), minutes_before=minutes_before(found, one))


# --- incidents


class MutedView(Struct, frozen=True):
    """The silence or the incident that suppresses the pages."""

    reason: Reason
    by: str


class IncidentView(Struct, frozen=True):
    """An incident as it is now. `name` is its short id; `channels` were notified of it.

    `firing` counts its firing alerts, also after a person closed it. `related` are the numbers of
    linked incidents.
    """

    id: int
    name: str
    key: str
    rule: str
    source: str
    title: str
    severity: Severity
    status: Status
    open: bool
    opened_at: Time
    updated_at: Time
    acknowledged_at: Time | None
    acknowledged_by: str | None
    lead: str | None
    closed_at: Time | None
    closed_by: str | None
    firing: int
    alerts: int
    reopened: int
    labels: dict[str, str]
    annotations: dict[str, str]
    url: str | None
    runbook: str | None
    component: str | None
    public_title: str | None
    published_at: Time | None
    announced_at: Time | None
    drill: bool
    suspect: SuspectView | None
    channels: tuple[str, ...]
    muted: MutedView | None
    snoozed_until: Time | None
    merged_into: int | None
    related: tuple[int, ...]


class EntryView(Struct, frozen=True):
    """An entry of a timeline: `text` for readers, `data` with the particulars of `what`."""

    id: int
    at: Time
    what: Reason
    by: str | None
    text: str
    data: dict[str, Any]


class NotificationView(Struct, frozen=True):
    """The messages about one incident for one address.

    `sent` counts those that the address got, `attempts` those at the latest one, and `error` is
    the last failure. `may_be_doubled`: whether the latest one arrived is not known.
    """

    incident: int
    channel: str
    state: NotificationState
    reason: Reason
    owed_at: Time
    due_at: Time
    attempts: int
    sent: int
    ref: str | None
    error: str | None
    may_be_doubled: bool


class IncidentDetail(IncidentView, frozen=True):
    """An incident with its timeline, oldest entry first, and its messages."""

    timeline: list[EntryView]
    notifications: list[NotificationView]


def incident(one: Incident) -> IncidentView:
    return IncidentView(
        id=one.id,
        name=one.name,
        key=one.key,
        rule=one.rule,
        source=one.source,
        title=one.title,
        severity=one.severity,
        status=one.status,
        open=one.is_open,
        opened_at=exactly(one.opened_at),
        updated_at=exactly(one.updated_at),
        acknowledged_at=when(one.acknowledged_at),
        acknowledged_by=one.acknowledged_by or None,
        lead=one.lead or None,
        closed_at=when(one.closed_at),
        closed_by=one.closed_by or None,
        firing=one.firing,
        alerts=one.alerts,
        reopened=one.reopened,
        labels=one.labels,
        annotations=one.annotations,
        url=one.url or None,
        runbook=one.runbook or None,
        component=one.component or None,
        public_title=one.public_title or None,
        published_at=when(one.published_at),
        announced_at=when(one.announced_at),
        drill=one.drill,
        suspect=suspect(one),
        channels=one.told,
        muted=MutedView(*one.muted) if one.muted else None,
        snoozed_until=when(one.snoozed_until),
        merged_into=one.merged_into or None,
        related=one.related,
    )


def entry(one: Entry) -> EntryView:
    return EntryView(one.id, exactly(one.at), one.what, one.by or None, describe(one), one.data)


def notification(one: Notification) -> NotificationView:
    return NotificationView(
        incident=one.incident_id,
        channel=one.channel,
        state=one.state,
        reason=one.reason,
        owed_at=exactly(one.owed_at),
        due_at=exactly(one.due_at),
        attempts=one.attempts,
        sent=one.sent,
        ref=one.ref or None,
        error=one.error or None,
        may_be_doubled=one.may_be_doubled,
    )


# --- alerts


class AlertView(Struct, frozen=True):
    """An alert, and the result of one rule: `rule`, `severity`, `reason` and `incident`."""

    fingerprint: str
    source: str
    status: AlertStatus
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: Time
    ends_at: Time | None
    last_seen: Time
    url: str | None
    rule: str
    severity: Severity | None
    reason: Reason
    incident: int | None


def alert(row: AlertRow) -> AlertView:
    rule_match, one = row.rule_match, row.alert
    return AlertView(
        fingerprint=one.fingerprint,
        source=one.source,
        status=rule_match.status,
        labels=one.labels,
        annotations=one.annotations,
        starts_at=exactly(one.starts_at),
        ends_at=when(one.ends_at),
        last_seen=exactly(rule_match.last_seen),
        url=one.url or None,
        rule=rule_match.rule,
        severity=rule_match.severity,
        reason=rule_match.reason,
        incident=rule_match.incident_id,
    )


# --- why


class RuleView(Struct, frozen=True):
    """The result of a rule for an alert: `matcher` is the one that did not match."""

    rule: str
    at: str
    reason: Reason
    matcher: str | None


class QuietView(Struct, frozen=True):
    """The silence or the incident that suppresses the alert, until the next look."""

    reason: Reason
    by: str
    until: Time | None


class LaterView(Struct, frozen=True):
    """An address that is notified `after` seconds, unless somebody acknowledges."""

    after: float
    channel: str


class StepView(Struct, frozen=True):
    """A step of the policy: its targets, their addresses now and later, and `problems`.

    `taken` is false where the step's condition is false.
    """

    after: str
    notify: tuple[str, ...]
    unless: str
    when: str | None
    taken: bool
    channels: tuple[str, ...]
    later: list[LaterView]
    problems: list[str]


class OutcomeView(Struct, frozen=True):
    """The incident and the notifications that a matching rule results in."""

    rule: str
    incident_key: str
    severity: Severity | None
    reason: Reason
    value: float | None
    read: str | None
    threshold: str | None
    policy: str | None
    steps: list[StepView]


class ExplanationView(Struct, frozen=True):
    """The result of every rule for one alert."""

    fingerprint: str
    labels: dict[str, str]
    rules: list[RuleView]
    quiet: QuietView | None
    outcomes: list[OutcomeView]


def explanation(one: Explanation) -> ExplanationView:
    quiet = one.quiet
    return ExplanationView(
        fingerprint=one.alert.fingerprint,
        labels=one.alert.labels,
        rules=[
            RuleView(
                verdict.rule.name,
                verdict.rule.origin,
                verdict.reason,
                str(verdict.failed) if verdict.failed else None,
            )
            for verdict in one.verdicts
        ],
        quiet=QuietView(quiet.reason, quiet.by, when(quiet.until)) if quiet else None,
        outcomes=[_outcome(outcome) for outcome in one.outcomes],
    )


def _outcome(one: RuleOutcome) -> OutcomeView:
    judgement = one.judgement
    return OutcomeView(
        rule=one.rule.name,
        incident_key=one.key,
        severity=judgement.severity,
        reason=judgement.reason,
        value=judgement.value,
        read=judgement.read,
        threshold=judgement.threshold.text if judgement.threshold else None,
        policy=one.policy.name if one.policy else None,
        steps=_steps(one),
    )


def _steps(one: RuleOutcome) -> list[StepView]:
    steps = one.policy.steps if one.policy else ()
    return [
        StepView(
            after=written(step.after),
            notify=step.notify,
            unless=step.unless,
            when=step.when.source if step.when else None,
            taken=holds,
            **_reached(reached),
        )
        for step, reached, holds in zip(steps, one.reached, one.holds, strict=True)
    ]


def _reached(one: Recipients) -> dict[str, Any]:
    return {
        "channels": one.now,
        "later": [LaterView(after, address) for after, address in one.later],
        "problems": [f"{target}: {why}" for target, why in one.problems],
    }


# --- schedules


class ShiftView(Struct, frozen=True):
    """A time in which one contact is on call."""

    contact: str
    start: Time
    end: Time


class GapView(Struct, frozen=True):
    """A time in which nobody is on call."""

    start: Time
    end: Time


class ScheduleView(Struct, frozen=True):
    """The contacts on call now, and the requested shifts and gaps."""

    name: str
    time_zone: str
    on_call: tuple[str, ...]
    shifts: list[ShiftView]
    gaps: list[GapView]


def schedule(one: Schedule, now: float, start: float, end: float) -> ScheduleView:
    """Return who is on call now, and the shifts and gaps from `start` until `end`."""
    return ScheduleView(
        name=one.name,
        time_zone=one.time_zone,
        on_call=on_call(one, now),
        shifts=[
            ShiftView(shift.contact, exactly(shift.start), exactly(shift.end))
            for shift in shifts(one, start, end)
        ],
        gaps=[GapView(exactly(gap.start), exactly(gap.end)) for gap in gaps(one, start, end)],
    )
