"""Explains why an alert would or would not page somebody: each rule's result and its effects.

This module decides nothing: it calls the functions that decide, and records their results.
"""

from collections.abc import Collection

from msgspec import Struct

from router.core.incident.policy import Policy
from router.core.incident.settings import Settings
from router.core.incident.suppression import Suppression, suppression
from router.core.oncall.recipients import Recipients
from router.core.rules.matcher import match_all
from router.core.rules.rule import Judgement, Rule, Verdict, judge
from router.core.suppression.inhibition import Inhibition
from router.model.alert import Alert, AlertStatus
from router.model.incident import Incident


class RuleOutcome(Struct, frozen=True):
    """The result of one rule that matches the alert. `policy` is None if nobody is notified.

    That is so if the alert is resolved, or if the rule opens no incident. `reached` has the
    recipients of each step, and `holds` the results of their conditions.
    """

    rule: Rule
    key: str
    judgement: Judgement
    policy: Policy | None
    reached: tuple[Recipients, ...] = ()
    holds: tuple[bool, ...] = ()


class Explanation(Struct, frozen=True):
    """The explanation; `verdicts` has each rule's result in order, the default last.

    `outcomes` are the results of the matching rules as if nothing were muted; `quiet` is the mute.
    `inhibitions` are those by which an incident could mute the alert.
    """

    alert: Alert
    verdicts: tuple[Verdict, ...]
    outcomes: tuple[RuleOutcome, ...]
    quiet: Suppression | None = None
    inhibitions: tuple[Inhibition, ...] = ()


def explain(
    settings: Settings,
    alert: Alert,
    at: float,
    *,
    count: int = 1,
    incidents: Collection[Incident] = (),
) -> Explanation:
    """Explain the current rules' effect on `alert` at `at` (UTC epoch seconds).

    `count` is the count of a counting rule.
    """
    outcomes = []
    for rule in settings.rules.matching_rules(alert):
        judgement = judge(rule, alert, count)
        key, severity = rule.key(alert), judgement.severity
        if severity is None or alert.status is AlertStatus.RESOLVED:
            outcomes.append(RuleOutcome(rule, key, judgement, None))
            continue
        policy = settings.policy(severity, rule.name)
        reached = tuple(
            settings.people.reach(step.notify, severity, settings.calendar.after(step.after, at))
            for step in policy.steps
        )
        holds = tuple(
            step.when is None or step.when.holds(labels=alert.labels, annotations=alert.annotations)
            for step in policy.steps
        )
        outcomes.append(RuleOutcome(rule, key, judgement, policy, reached, holds))
    return Explanation(
        alert,
        tuple(settings.rules.verdicts(alert)),
        tuple(outcomes),
        None if alert.by or alert.is_drill else suppression(settings, alert.labels, at, incidents),
        tuple(
            inhibition
            for inhibition in settings.inhibitions
            if match_all(inhibition.target, alert.labels)
        ),
    )
