"""Rules that can do nothing: which take no alert since another takes them all before, or which
contradict themselves.

Everything said here is so for every alert there could be; what can't be proven isn't said. A
regular expression is understood where it's a list of plain texts (`error|fatal`), and otherwise is
itself and nothing else.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from math import floor, inf, isfinite, nextafter

from msgspec import Struct

from router.core.rules.matcher import Matcher, MatchOp
from router.core.rules.rule import Rule
from router.core.text.units import Dimension

MOST_CASES = 64
"""How many combinations of values a rule is taken apart into, at the most."""

_NOT = {MatchOp.NOT_EQUAL: MatchOp.EQUAL, MatchOp.NOT_MATCHES: MatchOp.MATCHES}


class LintWarning(Struct, frozen=True):
    """What is doubtful about a rule."""

    rule: Rule
    message: str


def doubts(rules: Sequence[Rule]) -> list[LintWarning]:
    """All that is doubtful about these rules, which are tried in this order."""
    return [
        LintWarning(rule, message)
        for position, rule in enumerate(rules)
        for message in _doubts(rule, rules[:position])
    ]


def _doubts(rule: Rule, earlier: Sequence[Rule]) -> Iterator[str]:
    label = contradiction(rule.matchers)
    if label is not None:
        yield f"rule '{rule.name}' takes no alert: its matchers of '{label}' contradict one another"
    elif covering := shadowed(rule, earlier):
        names = " and ".join(f"'{one.name}' ({one.origin})" for one in covering)
        yield f"rule '{rule.name}' takes no alert: before it, {names} takes all that it would; set continue there"
    yield from _tiers(rule)
    if rule.count_over is not None and rule.measure != "value":
        yield f"rule '{rule.name}' counts, so what it measures ('{rule.measure}') isn't read"


# --- matchers


def contradiction(matchers: Iterable[Matcher]) -> str | None:
    """The name of a label that has no value for which all of these hold, if that's certain."""
    for name, those in _by_label(matchers).items():
        values = _values(those)
        if values is not None and not values:
            return name
        asked = {(one.op, one.value) for one in those}
        if any((_NOT[op], value) in asked for op, value in asked if op in _NOT):
            return name
    return None


def shadowed(rule: Rule, earlier: Iterable[Rule]) -> tuple[Rule, ...]:
    """Rules among `earlier` that take between them every alert which `rule` would; () if that isn't
    certain.
    """
    able = [one for one in earlier if not one.continues and one.source in {"", rule.source}]
    covering: dict[str, Rule] = {}
    for case in _cases(rule.matchers):
        found = next((one for one in able if implies(case, one.matchers)), None)
        if found is None:
            return ()
        covering[found.name] = found
    return tuple(covering.values())


def implies(matchers: Sequence[Matcher], others: Iterable[Matcher]) -> bool:
    """Is it certain that `others` hold for all labels for which `matchers` do?"""
    asked = _by_label(matchers)
    return all(_is_implied(asked.get(other.name, []), other) for other in others)


def _is_implied(those: Sequence[Matcher], other: Matcher) -> bool:
    """`those` are about the same label."""
    values = _values(those)
    if values is not None:
        return all(other.matches({other.name: value}) for value in values)
    if any((one.op, one.value) == (other.op, other.value) for one in those):
        return True
    refused = other.values if other.op in _NOT else None
    return refused is not None and not any(_hold(those, value) for value in refused)


def _cases(matchers: Sequence[Matcher]) -> Iterator[list[Matcher]]:
    """The matchers, taken apart into one case for each combination of values, where they list
    values.
    """
    listed = {
        name: values for name, those in _by_label(matchers).items() if (values := _values(those))
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
        yield [*fixed, *(one for one in matchers if one.name not in listed)]


def _by_label(matchers: Iterable[Matcher]) -> dict[str, list[Matcher]]:
    found: dict[str, list[Matcher]] = {}
    for matcher in matchers:
        found.setdefault(matcher.name, []).append(matcher)
    return found


def _values(those: Iterable[Matcher]) -> frozenset[str] | None:
    """The values for which all of these hold, if one of them lists its own; "" is a label that's
    missing.
    """
    those = list(those)
    lists = [values for one in those if one.op not in _NOT and (values := one.values) is not None]
    return frozenset(value for value in lists[0] if _hold(those, value)) if lists else None


def _hold(those: Iterable[Matcher], value: str) -> bool:
    return all(one.matches({one.name: value}) for one in those)


# --- thresholds


def _tiers(rule: Rule) -> Iterator[str]:
    for position, (severity, threshold) in enumerate(rule.thresholds):
        worse = [one for _, one in rule.thresholds[:position]]
        holding = [value for value in _samples(rule) if threshold.holds(value)]
        tier = f"the tier {severity} of rule '{rule.name}'"
        if not holding:
            yield f"no count reaches {tier}: '{threshold.text}'"
        elif all(any(one.holds(value) for one in worse) for value in holding):
            yield f"no value reaches {tier}: where '{threshold.text}' holds, a worse one does"
        if (
            threshold.dimension is Dimension.RATIO
            and threshold.limit > 1
            and threshold.op in {">", ">="}
        ):
            yield f"{tier} begins over 100%: '{threshold.text}'"


def _samples(rule: Rule) -> list[float]:
    """Values between which no threshold of the rule changes its mind: the limits, and those next to
    them.
    """
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
