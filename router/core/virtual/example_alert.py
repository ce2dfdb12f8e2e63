"""An example alert that a rule matches and gives the requested severity."""

from collections.abc import Iterator, Mapping

from msgspec import Struct
from msgspec.structs import replace

from router.core.incident.batch import MAX_WINDOW
from router.core.rules.fingerprint import fingerprint
from router.core.rules.matcher import MatchOp
from router.core.rules.rule import Rule, RuleSet, judge
from router.core.rules.severities import opened_as
from router.model.alert import Alert, AlertStatus
from router.model.incident import Severity
from router.model.reason import Reason

_SPECIAL = frozenset(".*+?()[]{}^$\\")
"""Characters with a special meaning in a pattern."""


class ExampleAlert(Struct, frozen=True):
    """The alert, and how many times to report it: more than once for a counting rule."""

    alert: Alert
    times: int = 1


def example_alert(
    rules: RuleSet, rule: Rule, severity: Severity | None, given: Mapping[str, str], at: float
) -> ExampleAlert:
    """An alert to which `rule` gives `severity` (None: the worst possible), with these labels.

    Labels that the rule needs are added. It fires at `at` (UTC epoch seconds). Raises: ValueError,
    with the reason why there is no such alert.
    """
    wanted = severity or min(opened_as(rule), default=rule.severity)
    labels = {**dict(_labels(rule, wanted)), **given}
    alert = Alert(
        rule.source or "alertmanager", fingerprint(labels), AlertStatus.FIRING, labels, {}, at
    )
    _check_taken(rules, rule, alert)
    if rule.count_over is not None:
        for count in range(1, MAX_WINDOW):
            if judge(rule, alert, count).severity is wanted:
                return ExampleAlert(alert, count)
    for value in _values(rule, wanted):
        measured = replace(alert, annotations={rule.measure: value} if value else {})
        if judge(rule, measured).severity is wanted:
            return ExampleAlert(measured)
    raise ValueError(f"rule '{rule.name}' never results in the severity {wanted}")


def _labels(rule: Rule, wanted: Severity) -> Iterator[tuple[str, str]]:
    """Placeholders for the grouping labels, the severity label, and the labels of matchers."""
    yield from ((name, f"some-{name}") for name in rule.group_by)
    if rule.severity_from is not None:
        for value, severity in rule.severity_from.map.items():
            if severity is wanted:
                yield rule.severity_from.label, value
                break
    for matcher in rule.matchers:
        if matcher.op is MatchOp.EQUAL:
            yield matcher.name, matcher.value
        elif matcher.op is MatchOp.MATCHES:
            words = (word for word in matcher.value.split("|") if not _SPECIAL & set(word))
            yield (
                matcher.name,
                next((word for word in words if matcher.matches({matcher.name: word})), ""),
            )


def _check_taken(rules: RuleSet, rule: Rule, alert: Alert) -> None:
    if rule in rules.matching_rules(alert):
        return
    verdicts = rules.verdicts(alert)
    (own,) = [verdict for verdict in verdicts if verdict.rule == rule]
    if own.reason is Reason.TAKEN_BEFORE:
        by = next(verdict.rule for verdict in verdicts if verdict.matched)
        raise ValueError(
            f"rule '{by.name}' ({by.origin}) matches it before '{rule.name}': give it other labels"
        )
    raise ValueError(f"found no value that matches {own.failed} of rule '{rule.name}': give one")


def _values(rule: Rule, wanted: Severity) -> Iterator[str]:
    """Values on both sides of every threshold, as text in base units; the wanted tier's first."""
    if not rule.thresholds:
        yield ""
    for _, threshold in sorted(rule.thresholds, key=lambda tier: tier[0] is not wanted):
        for value in (*(threshold.limit * factor for factor in (1.1, 0.9, 1)), threshold.limit + 1):
            yield f"{value:.6g}"
