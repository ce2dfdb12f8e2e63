"""Why an alert would or would not page somebody: the result of each rule, and what follows.

Nothing here decides: it asks the functions that do, and keeps their answers.
"""

from collections.abc import Collection

from msgspec import Struct

from router.core.incident.policy import Policy
from router.core.incident.settings import Settings
from router.core.incident.suppression import Suppression, suppression
from router.core.oncall.recipients import Recipients
from router.core.rules.matcher import takes
from router.core.rules.rule import Judgement, Rule, Verdict, judge
from router.core.suppression.inhibition import Inhibition
from router.model.alert import Alert
from router.model.incident import Incident


class RuleOutcome(Struct, frozen=True):
    """The result of one rule that matches the alert. `policy` is None where nobody is notified.

    `reached` has the recipients of each step, and `holds` whether its condition is true.
    """

    rule: Rule
    key: str
    judgement: Judgement
    policy: Policy | None
    reached: tuple[Recipients, ...] = ()
    holds: tuple[bool, ...] = ()


class Explanation(Struct, frozen=True):
    """`verdicts` has the result of every rule, in the order in which they are tried, the default
    last.

    `outcomes` are the results of the matching rules if nothing mutes the alert; `quiet` is what
    mutes it. `inhibitions` are those by which an incident could.
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
    """What the rules in force do with `alert` at `at` (UTC epoch seconds), while these incidents
    are open.

    `count` is the count of a counting rule.
    """
    outcomes = []
    for rule in settings.rules.matching_rules(alert):
        judgement = judge(rule, alert, count)
        key, severity = rule.key(alert), judgement.severity
        if severity is None:
            outcomes.append(RuleOutcome(rule, key, judgement, None))
            continue
        policy = settings.policy(severity)
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
        tuple(one for one in settings.inhibitions if takes(one.target, alert.labels)),
    )
