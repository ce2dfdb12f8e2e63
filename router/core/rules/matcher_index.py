"""An index over matchers, so that only few rules, silences or inhibitions are tried for an alert.

Invariant: the candidates include every position whose matchers all match. They may include others,
so the `rest` of each candidate's matchers must still be tried. One matcher of each set is indexed:
an equality if there is one, else a regular expression.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import re2

from router.core.rules.matcher import Matcher, MatchOp

_MEMORY = 64 << 20
"""Maximum bytes that RE2 may use for one set of expressions."""


class MatcherIndex:
    """Positions in a sequence of matcher sets, by the labels they may match.

    `rest`: the matchers of each set that a candidate may still fail.
    """

    def __init__(self, sets: Sequence[Sequence[Matcher]]) -> None:
        self.rest = [tuple(matchers) for matchers in sets]
        self._by_value: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        self._always: list[int] = []
        expressions: dict[str, list[tuple[int, str]]] = defaultdict(list)
        for position, matchers in enumerate(sets):
            if (equality := _equality(matchers)) is not None:
                self.rest[position] = tuple(each for each in matchers if each is not equality)
                for value in equality.values or ():
                    self._by_value[equality.name][value].append(position)
            elif (expression := _expression(matchers)) is not None:
                expressions[expression.name].append((position, expression.value))
            else:
                self._always.append(position)
        self._by_expression = {name: _Expressions(found) for name, found in expressions.items()}
        self._names = frozenset(self._by_value)

    def candidates(self, labels: Mapping[str, str]) -> list[int]:
        """The positions to try for these labels, in order."""
        positions = [*self._always]
        # Usually few labels are indexed, and then a loop is faster than a set.
        for name in self._names if len(self._names) <= len(labels) else labels:
            if (value := labels.get(name)) is not None and name in self._by_value:
                positions += self._by_value[name].get(value, ())
        for name, expressions in self._by_expression.items():
            positions += expressions.holding(labels.get(name, ""))
        if len(positions) > 1:
            positions.sort()
        return positions


class _Expressions:
    """Regular expressions for one label, which are all matched against its value in one pass."""

    def __init__(self, found: Sequence[tuple[int, str]]) -> None:
        options = re2.Options()
        options.log_errors = False
        options.max_mem = _MEMORY
        self._positions = [position for position, _ in found]
        self._set: Any = re2.Set.FullMatchSet(options)
        for _, pattern in found:
            self._set.Add(pattern)
        # When RE2 runs out of memory, it reports no matches. This expression always matches, so if
        # it's missing from the result, that has happened.
        self._sentinel = self._set.Add("(?s).*")
        try:
            self._set.Compile()
        except re2.error:  # too large: try each expression
            self._set = None

    def holding(self, value: str) -> list[int]:
        if self._set is None:
            return self._positions
        held = self._set.Match(value.encode("utf-8", "surrogatepass"))
        if self._sentinel not in held:
            return self._positions
        return [self._positions[index] for index in held if index != self._sentinel]


def _equality(matchers: Sequence[Matcher]) -> Matcher | None:
    """The matcher to look up by value, preferably of the alert's name.

    Most rules have that matcher, so few labels are indexed and need a lookup.
    """
    equalities = [
        matcher
        for matcher in matchers
        if matcher.op in {MatchOp.EQUAL, MatchOp.MATCHES}
        and matcher.values
        and "" not in matcher.values
    ]
    return min(equalities, key=lambda matcher: matcher.name != "alertname", default=None)


def _expression(matchers: Sequence[Matcher]) -> Matcher | None:
    return next(
        (
            matcher
            for matcher in matchers
            if matcher.op is MatchOp.MATCHES and matcher.values is None
        ),
        None,
    )
