"""An index over matchers, to try few rules, silences or inhibitions for an alert.

The law: the candidates include every position whose matchers all match. There may be others among
them, so the `rest` of each candidate is still tried. One matcher of each set is indexed: an
equality if there is one, else a regular expression.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import re2

from router.core.rules.matcher import Matcher, MatchOp

_MEMORY = 64 << 20
"""Bytes that RE2 may use for the states of one set of expressions."""


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
        # Few labels are indexed, unless there are many rules: a loop is faster than a set.
        for name in self._names if len(self._names) <= len(labels) else labels:
            if (value := labels.get(name)) is not None and name in self._by_value:
                positions += self._by_value[name].get(value, ())
        for name, expressions in self._by_expression.items():
            positions += expressions.holding(labels.get(name, ""))
        if len(positions) > 1:
            positions.sort()
        return positions


class _Expressions:
    """Regular expressions about one label, compared with its value in one pass."""

    def __init__(self, found: Sequence[tuple[int, str]]) -> None:
        options = re2.Options()
        options.log_errors = False
        options.max_mem = _MEMORY
        self._positions = [position for position, _ in found]
        self._set: Any = re2.Set.FullMatchSet(options)
        for _, pattern in found:
            self._set.Add(pattern)
        # RE2 reports too little memory as no match. This expression always matches, so its absence
        # shows that.
        self._sentinel = self._set.Add("(?s).*")
        try:
            self._set.Compile()
        except re2.error:  # too large: compare each of them
            self._set = None

    def holding(self, value: str) -> list[int]:
        if self._set is None:
            return self._positions
        held = self._set.Match(value.encode("utf-8", "surrogatepass"))
        if self._sentinel not in held:
            return self._positions
        return [self._positions[index] for index in held if index != self._sentinel]


def _equality(matchers: Sequence[Matcher]) -> Matcher | None:
    """The matcher to look up by value.

    Most rules name an alert: few indexed labels mean few lookups.
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
