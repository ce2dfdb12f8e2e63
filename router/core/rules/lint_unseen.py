"""Lint against stored alerts: labels or alert names that no stored alert of the source has.

Such an alert may still arrive, but the name is probably misspelled or has changed.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from router.core.rules.lint import LintWarning
from router.core.rules.matcher import Matcher, MatchOp
from router.core.rules.rule import Rule
from router.model.alert import Alert


class KnownLabels:
    """The labels and names of alerts, by source."""

    def __init__(self) -> None:
        self.alerts = 0
        self._labels: defaultdict[str, set[str]] = defaultdict(set)
        self._names: defaultdict[str, set[str]] = defaultdict(set)

    def add(self, alert: Alert) -> None:
        """Add an alert, unless it's a drill's: a drill may have the same typo as the rule."""
        if alert.is_drill:
            return
        self.alerts += 1
        for source in ("", alert.source):
            self._labels[source] |= alert.labels.keys()
            self._names[source].add(alert.labels.get("alertname", ""))

    def doubts(self, rules: Sequence[Rule]) -> list[LintWarning]:
        """Warnings about labels and names that these rules need and no alert had.

        A source without any alerts is skipped.
        """
        return [
            LintWarning(rule, f"rule '{rule.name}': {why}")
            for rule in rules
            for why in self._unseen(rule)
        ]

    def _unseen(self, rule: Rule) -> Iterator[str]:
        of = f" from {rule.source}" if rule.source else ""
        for matcher in rule.matchers if self._names[rule.source] else ():
            if matcher.name not in self._labels[rule.source]:
                yield f"no alert{of} has had the label '{matcher.name}'"
            elif _names_an_alert(matcher) and not _any(matcher, self._names[rule.source]):
                yield f"no alert{of} has had a name that {matcher} matches"


def _names_an_alert(matcher: Matcher) -> bool:
    return matcher.name == "alertname" and matcher.op in {MatchOp.EQUAL, MatchOp.MATCHES}


def _any(matcher: Matcher, names: Iterable[str]) -> bool:
    return any(matcher.matches({"alertname": name}) for name in names)
