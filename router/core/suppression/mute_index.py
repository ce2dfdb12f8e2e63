"""An index of silences and inhibitions by the labels and rules that they concern.

Built on first use, once for the active settings.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

from router.core.rules.matcher import Matcher, MatchOp, match_all
from router.core.rules.matcher_index import MatcherIndex
from router.core.rules.rule import RuleSet
from router.core.suppression.inhibition import Inhibition
from router.core.suppression.recurring_silence import RecurringSilence
from router.model.incident import Incident


class MuteIndex:
    """The silences and inhibitions of the settings, by the labels they match."""

    def __init__(
        self, silences: Sequence[RecurringSilence], inhibitions: Sequence[Inhibition]
    ) -> None:
        self._silences = silences
        self._inhibitions = inhibitions
        self._other_rules: dict[Inhibition, frozenset[str]] = {}

    def silence(self, labels: dict[str, str], at: float) -> tuple[RecurringSilence, float] | None:
        """The first silence that mutes these labels at `at` (UTC seconds), and its end."""
        return next(self.silences(labels, at), None)

    def silences(
        self, labels: dict[str, str], at: float
    ) -> Iterator[tuple[RecurringSilence, float]]:
        """Each silence that mutes these labels at `at` (UTC seconds), and its end."""
        for position in self._by_matchers.candidates(labels):
            silence = self._silences[position]
            if (until := silence.until(labels, at)) is not None:
                yield silence, until

    def targeting(self, labels: dict[str, str]) -> list[Inhibition]:
        """The inhibitions whose target matches an alert with these labels."""
        index = self._by_target
        return [
            self._inhibitions[position]
            for position in index.candidates(labels)
            if match_all(index.rest[position], labels)
        ]

    def sourced_by(self, incident: Incident) -> list[Inhibition]:
        """The inhibitions of which the incident is a source while it's open."""
        found = (*self._by_rule.get("", ()), *self._by_rule.get(incident.rule, ()))
        return [inhibition for inhibition in found if inhibition.is_source(incident)]

    def rules_besides(self, inhibition: Inhibition, rules: RuleSet) -> frozenset[str]:
        """The rules whose incidents can't be a source of this inhibition (which names no rule)."""
        if inhibition not in self._other_rules:
            self._other_rules[inhibition] = frozenset(
                rule.name for rule in rules.rules if _contradict(rule.matchers, inhibition.source)
            )
        return self._other_rules[inhibition]

    @cached_property
    def _by_matchers(self) -> MatcherIndex:
        return MatcherIndex([silence.matchers for silence in self._silences])

    @cached_property
    def _by_target(self) -> MatcherIndex:
        return MatcherIndex([inhibition.target for inhibition in self._inhibitions])

    @cached_property
    def _by_rule(self) -> dict[str, list[Inhibition]]:
        found: dict[str, list[Inhibition]] = {}
        for inhibition in self._inhibitions:
            found.setdefault(inhibition.rule, []).append(inhibition)
        return found


def _contradict(item: Iterable[Matcher], other: Iterable[Matcher]) -> bool:
    """Check if no labels can match both: they require different values of the same label."""
    wanted = {matcher.name: matcher.values for matcher in other if _is_list(matcher)}
    return any(
        _is_list(matcher)
        and matcher.name in wanted
        and (matcher.values or set()).isdisjoint(wanted[matcher.name] or ())
        for matcher in item
    )


def _is_list(matcher: Matcher) -> bool:
    return matcher.op in {MatchOp.EQUAL, MatchOp.MATCHES} and matcher.values is not None
