"""Why an alert does, or doesn't, page somebody: what each rule says to it, and what follows.

Nothing here decides: it asks the functions that do, and keeps what they say.
"""

from msgspec import Struct

from router.core.rule import Judgement, Rule, Verdict, judge
from router.core.settings import Settings
from router.model.alert import Alert
from router.model.policy import Policy


class Outcome(Struct, frozen=True):
    """What one rule that takes the alert makes of it. `policy` is None where nobody is told."""

    rule: Rule
    key: str
    judgement: Judgement
    policy: Policy | None


class Explanation(Struct, frozen=True):
    """`verdicts` has a word from every rule, in the order in which they're tried, the default last."""

    alert: Alert
    verdicts: tuple[Verdict, ...]
    outcomes: tuple[Outcome, ...]


def explain(settings: Settings, alert: Alert, count: int = 1) -> Explanation:
    """What the rules in force make of `alert`; `count` is what a counting rule would have counted."""
    outcomes = []
    for rule in settings.rules.takers(alert):
        judgement = judge(rule, alert, count)
        policy = settings.policy(judgement.severity) if judgement.severity else None
        outcomes.append(Outcome(rule, rule.key(alert), judgement, policy))
    return Explanation(alert, tuple(settings.rules.verdicts(alert)), tuple(outcomes))
