"""The severities that a rule may open an incident with."""

from router.core.rules.lint import contradiction
from router.core.rules.matcher import Matcher, MatchOp
from router.core.rules.rule import Rule, SeverityFrom
from router.model.incident import Severity


def opened_as(rule: Rule) -> list[Severity]:
    """The severities that the rule may open an incident with; none if it opens nothing."""
    if rule.heartbeat or rule.ignores:
        return []
    if rule.severity_from is not None:
        return sorted(_mapped(rule, rule.severity_from))
    return [severity for severity, _ in rule.thresholds] or [rule.severity]


def _mapped(rule: Rule, given: SeverityFrom) -> set[Severity]:
    """The severities that the rule's matchers allow. Unmapped values result in `severity`."""
    label = given.label
    absent = contradiction((*rule.matchers, Matcher(label, MatchOp.EQUAL, ""))) is None
    found = {
        severity
        for value, severity in given.map.items()
        # Without the label, an annotation of that name is used.
        if absent or contradiction((*rule.matchers, Matcher(label, MatchOp.EQUAL, value))) is None
    }
    others = (Matcher(label, MatchOp.NOT_EQUAL, value) for value in given.map)
    return found | ({rule.severity} if contradiction((*rule.matchers, *others)) is None else set())
