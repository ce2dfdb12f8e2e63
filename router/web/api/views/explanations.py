"""Explanations in answers: the result of every rule for an alert."""

from typing import Any

from msgspec import Struct

from router.core.explain.alert import Explanation, RuleOutcome
from router.core.oncall.business_hours import written
from router.core.oncall.recipients import Recipients
from router.model.alert import AlertStatus
from router.model.incident import Severity
from router.model.reason import Reason
from router.web.api.content import Time
from router.web.api.views.times import when


class RuleView(Struct, frozen=True):
    """The result of a rule for an alert: `matcher` is the one that did not match."""

    rule: str
    at: str
    reason: Reason
    matcher: str | None


class QuietView(Struct, frozen=True):
    """The silence or the incident that suppresses the alert, until the next check."""

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
    status: AlertStatus
    labels: dict[str, str]
    rules: list[RuleView]
    quiet: QuietView | None
    outcomes: list[OutcomeView]


def explanation(explained: Explanation) -> ExplanationView:
    quiet = explained.quiet
    return ExplanationView(
        fingerprint=explained.alert.fingerprint,
        status=explained.alert.status,
        labels=explained.alert.labels,
        rules=[
            RuleView(
                verdict.rule.name,
                verdict.rule.origin,
                verdict.reason,
                str(verdict.failed) if verdict.failed else None,
            )
            for verdict in explained.verdicts
        ],
        quiet=QuietView(quiet.reason, quiet.by, when(quiet.until)) if quiet else None,
        outcomes=[_outcome(outcome) for outcome in explained.outcomes],
    )


def _outcome(outcome: RuleOutcome) -> OutcomeView:
    judgement = outcome.judgement
    return OutcomeView(
        rule=outcome.rule.name,
        incident_key=outcome.key,
        severity=judgement.severity,
        reason=judgement.reason,
        value=judgement.value,
        read=judgement.read,
        threshold=judgement.threshold.text if judgement.threshold else None,
        policy=outcome.policy.name if outcome.policy else None,
        steps=_steps(outcome),
    )


def _steps(outcome: RuleOutcome) -> list[StepView]:
    steps = outcome.policy.steps if outcome.policy else ()
    return [
        StepView(
            after=written(step.after),
            notify=step.notify,
            unless=step.unless,
            when=step.when.source if step.when else None,
            taken=holds,
            **_reached(reached),
        )
        for step, reached, holds in zip(steps, outcome.reached, outcome.holds, strict=True)
    ]


def _reached(recipients: Recipients) -> dict[str, Any]:
    return {
        "channels": recipients.now,
        "later": [LaterView(after, address) for after, address in recipients.later],
        "problems": [f"{target}: {why}" for target, why in recipients.problems],
    }
