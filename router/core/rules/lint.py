"""Lint: finds rules without effect, because earlier rules cover them or they contradict themselves.

A problem is reported only if it exists for all possible alerts. A regular expression is compared by
its values if it is a list of plain texts (`error|fatal`), by its literal beginning, or as a whole.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import product
from math import floor, inf, isfinite, nextafter

from msgspec import Struct
from msgspec.structs import replace

from router.core.rules import heartbeat, manual_alert
from router.core.rules.matcher import Matcher, MatchOp
from router.core.rules.rule import Rule
from router.core.text.units import Dimension
from router.model.incident import Severity

BUILT_IN = frozenset({heartbeat.SOURCE, manual_alert.SOURCE})
"""The router's own sources of alerts."""

MOST_CASES = 64
"""Maximum combinations of label values into which a rule is split."""

_NOT = {MatchOp.NOT_EQUAL: MatchOp.EQUAL, MatchOp.NOT_MATCHES: MatchOp.MATCHES}
_SPECIAL = frozenset(".*+?()[]{}^$\\|")
_REPEATS = frozenset("*?{")


class LintWarning(Struct, frozen=True):
    """A warning about a rule."""

    rule: Rule
    message: str


def doubts(rules: Sequence[Rule], sources: Collection[str] | None = None) -> list[LintWarning]:
    """All warnings about these rules, which are tried in this order.

    `sources` are the names of the configured sources; None if unknown: then any source may exist.
    """
    return [
        LintWarning(rule, message)
        for position, rule in enumerate(rules)
        for message in _doubts(rule, rules[:position], sources)
    ]


def _doubts(rule: Rule, earlier: Sequence[Rule], sources: Collection[str] | None) -> Iterator[str]:
    if why := takes_nothing(rule, earlier, sources):
        yield f"rule '{rule.name}' matches no alert: {why}"
    yield from idle_tiers(rule).values()
    yield from _tiers_above_all(rule)
    if rule.count_over is not None and rule.measure != "value":
        yield f"rule '{rule.name}' counts alerts, so its measure '{rule.measure}' is not used"


def takes_nothing(
    rule: Rule, earlier: Sequence[Rule], sources: Collection[str] | None = None
) -> str:
    """The reason why no alert can match the rule after these earlier rules; "" if one may."""
    if sources is not None and not any(map(rule.is_from, {*sources, *BUILT_IN})):
        return f"no source '{rule.source}' is configured"
    label = contradiction(rule.matchers)
    if label is not None:
        return f"its matchers of '{label}' contradict each other"
    if covering := shadowed(rule, earlier):
        names = " and ".join(f"'{rule_.name}' ({rule_.origin})" for rule_ in covering)
        return f"earlier rules match all its alerts: {names}; set `continue` there"
    return ""


def may_match(rule: Rule, matchers: Iterable[Matcher], earlier: Iterable[Rule]) -> bool:
    """Check if the rule, after earlier ones, may match an alert that `matchers` also match."""
    both = replace(rule, matchers=(*rule.matchers, *matchers))
    return contradiction(both.matchers) is None and not shadowed(both, earlier)


def idle_tiers(rule: Rule) -> dict[Severity, str]:
    """The severities that no value of the rule results in, with the reason."""
    return dict(_idle_tiers(rule))


# --- matchers


def contradiction(matchers: Iterable[Matcher]) -> str | None:
    """A label for which certainly no value passes all matchers; None if there is none."""
    for name, of_label in _by_label(matchers).items():
        values = _values(of_label)
        if values is not None and not values:
            return name
        asked = {(matcher.op, matcher.value) for matcher in of_label}
        if any((_NOT[op], value) in asked for op, value in asked if op in _NOT):
            return name
        if _begin_differently(of_label):
            return name
    return None


def shadowed(rule: Rule, earlier: Iterable[Rule]) -> tuple[Rule, ...]:
    """Rules among `earlier` that together match all alerts of `rule`; () if not certain."""
    able = [other for other in earlier if not other.continues and other.source in {"", rule.source}]
    covering: dict[str, Rule] = {}
    for case in _cases(rule.matchers):
        found = next((other for other in able if implies(case, other.matchers)), None)
        if found is None:
            return ()
        covering[found.name] = found
    return tuple(covering.values())


def implies(matchers: Sequence[Matcher], others: Iterable[Matcher]) -> bool:
    """Check if `others` certainly match all labels that `matchers` do."""
    asked = _by_label(matchers)
    return all(_is_implied(asked.get(other.name, []), other) for other in others)


def _is_implied(of_label: Sequence[Matcher], other: Matcher) -> bool:
    """Check if the matchers of one label imply `other`."""
    values = _values(of_label)
    if values is not None:
        return all(other.matches({other.name: value}) for value in values)
    if any((matcher.op, matcher.value) == (other.op, other.value) for matcher in of_label):
        return True
    refused = other.values if other.op in _NOT else None
    return refused is not None and not any(_hold(of_label, value) for value in refused)


def _cases(matchers: Sequence[Matcher]) -> Iterator[list[Matcher]]:
    """Split the matchers into a case for each combination of the values that they list."""
    listed = {
        name: values
        for name, of_label in _by_label(matchers).items()
        if (values := _values(of_label))
    }
    combinations = 1
    for name in list(listed):
        if combinations * len(listed[name]) > MOST_CASES:
            del listed[name]
        else:
            combinations *= len(listed[name])
    for chosen in product(*(sorted(values) for values in listed.values())):
        fixed = [
            Matcher(name, MatchOp.EQUAL, value) for name, value in zip(listed, chosen, strict=True)
        ]
        yield [*fixed, *(matcher for matcher in matchers if matcher.name not in listed)]


def _by_label(matchers: Iterable[Matcher]) -> dict[str, list[Matcher]]:
    found: dict[str, list[Matcher]] = {}
    for matcher in matchers:
        found.setdefault(matcher.name, []).append(matcher)
    return found


def _values(of_label: Iterable[Matcher]) -> frozenset[str] | None:
    """The values that all matchers accept, if one of them lists its own; "" is a missing label."""
    of_label = list(of_label)
    lists = [
        values
        for matcher in of_label
        if matcher.op not in _NOT and (values := matcher.values) is not None
    ]
    return frozenset(value for value in lists[0] if _hold(of_label, value)) if lists else None


def _hold(of_label: Iterable[Matcher], value: str) -> bool:
    return all(matcher.matches({matcher.name: value}) for matcher in of_label)


def _begin_differently(of_label: Iterable[Matcher]) -> bool:
    """Check if two patterns start with different text, so that no value matches both."""
    beginnings = [
        literal_beginning(matcher.value) for matcher in of_label if matcher.op is MatchOp.MATCHES
    ]
    return any(
        not (beginning.startswith(two) or two.startswith(beginning))
        for beginning in beginnings
        for two in beginnings
    )


def literal_beginning(pattern: str) -> str:
    """The plain text that every match of a regular expression begins with; "" if not certain."""
    if "|" in pattern:
        return ""
    length = next((at for at, letter in enumerate(pattern) if letter in _SPECIAL), len(pattern))
    # The last character may be optional, because of a quantifier.
    return (
        pattern[: length - 1]
        if pattern[length : length + 1] in _REPEATS and length
        else pattern[:length]
    )


# --- thresholds


def _idle_tiers(rule: Rule) -> Iterator[tuple[Severity, str]]:
    for position, (severity, threshold) in enumerate(rule.thresholds):
        worse = [threshold for _, threshold in rule.thresholds[:position]]
        holding = [value for value in _samples(rule) if threshold.holds(value)]
        tier = f"the tier {severity} of rule '{rule.name}'"
        if not holding:
            yield severity, f"no count can reach {tier}: '{threshold.text}'"
        elif all(any(threshold.holds(value) for threshold in worse) for value in holding):
            yield (
                severity,
                f"no value results in {tier}: a worse one applies if '{threshold.text}' holds",
            )


def _tiers_above_all(rule: Rule) -> Iterator[str]:
    """Warn of tiers that only a ratio of more than 100% reaches."""
    for severity, threshold in rule.thresholds:
        is_above = threshold.limit > 1 and threshold.op in {">", ">="}
        if threshold.dimension is Dimension.RATIO and is_above:
            yield f"the tier {severity} of rule '{rule.name}' starts above 100%: '{threshold.text}'"


def _samples(rule: Rule) -> list[float]:
    """Example values on both sides of each threshold: the limits, and their neighbors."""
    limits = [threshold.limit for _, threshold in rule.thresholds]
    if rule.count_over is None:
        around = (
            value
            for limit in limits
            for value in (nextafter(limit, -inf), limit, nextafter(limit, inf))
        )
        return [value for value in around if isfinite(value)]
    near = {floor(limit) + step for limit in limits for step in (-1, 0, 1)}
    return [float(count) for count in sorted({1, *near}) if count >= 1]
