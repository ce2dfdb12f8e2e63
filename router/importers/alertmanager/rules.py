"""Convert the decisions of the route tree to rules and policies."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from router.config.fields import parse_duration
from router.core.rules.matcher import Matcher, MatchOp
from router.importers.alertmanager.tree import ALL_LABELS, Outcome
from router.importers.source import Report
from router.importers.text import inline, slug, unique

LEVELS = {
    "critical": "P0", "page": "P0", "emergency": "P0", "disaster": "P0",
    "error": "P1", "high": "P1", "major": "P1",
    "warning": "P2", "medium": "P2", "minor": "P2",
    "info": "P3", "information": "P3", "low": "P3", "none": "P3",
}  # fmt: skip
"""The severity for each common value of the label `severity`."""

USUAL = ("critical", "error", "warning", "info")
OTHERWISE = "P2"
WEEK = 604_800.0
SHORTEST = 60.0


class Plan(Struct, frozen=True):
    """The channels of a policy, and its repeat interval."""

    receivers: tuple[str, ...]
    repeat: str


@dataclass
class Rules:
    """The rules for decisions, and the policies that they name."""

    channels: Mapping[str, Sequence[str]]
    report: Report
    policies: dict[Plan, str] = field(default_factory=dict)
    receivers: dict[str, tuple[str, ...]] = field(default_factory=dict)
    found: list[tuple[Outcome, dict[str, Any]]] = field(default_factory=list)

    def add(self, decisions: Sequence[Outcome]) -> None:
        levels = _levels([matcher for outcome in decisions for matcher in outcome.matchers])
        for outcome in decisions:
            self._add(outcome, levels)

    def _add(self, outcome: Outcome, levels: Mapping[str, str]) -> None:
        receivers = tuple(dict.fromkeys(route.receiver for route in outcome.routes))
        heard = tuple(name for name in receivers if self.channels.get(name))
        name = self._name(receivers, outcome.matchers)
        self.receivers[name] = receivers
        rule: dict[str, Any] = {"name": name}
        if outcome.matchers:
            rule["match"] = [str(matcher) for matcher in outcome.matchers]
        if not heard:
            rule["ignore"] = True
            message = f"receiver '{receivers[0]}' notifies nobody: its alerts open no incident"
            self.report.add(outcome.routes[0].place, message)
        else:
            rule |= self._severity(outcome, levels)
            rule["policy"] = self._policy(Plan(heard, self._repeat(outcome)))
            rule["group_by"] = self._group_by(outcome)
        self.found.append((outcome, rule))

    def _name(self, receivers: Sequence[str], matchers: Sequence[Matcher]) -> str:
        name = slug(receivers[-1])
        if name == "default":
            name = "everything-else"
        if name in self.receivers and matchers:
            name = f"{name}-{slug(matchers[-1].value)}"[:80]
        return unique(name, self.receivers)

    def _policy(self, plan: Plan) -> str:
        if plan not in self.policies:
            name = slug("-and-".join(plan.receivers))
            if name in self.policies.values():
                name = f"{name}-every-{slug(plan.repeat)}"
            self.policies[plan] = unique(name, self.policies.values())
        return self.policies[plan]

    def _repeat(self, outcome: Outcome) -> str:
        repeats = dict.fromkeys(route.repeat_interval for route in outcome.routes)
        if len(repeats) > 1:
            message = f"the shortest of several `repeat_interval`s is used: {', '.join(repeats)}"
            self.report.add(outcome.routes[-1].place, message)
        return min(repeats, key=parse_duration)

    def _group_by(self, outcome: Outcome) -> list[str]:
        ways = dict.fromkeys(route.group_by for route in outcome.routes)
        chosen = next(reversed(ways))
        if len(ways) > 1:
            message = (
                "`group_by` differs from that of a route with `continue` above: this one is used"
            )
            self.report.add(outcome.routes[-1].place, message)
        return ["alertname", "instance"] if ALL_LABELS in chosen else list(chosen)

    def _severity(self, outcome: Outcome, levels: Mapping[str, str]) -> dict[str, Any]:
        asked = [matcher for matcher in outcome.matchers if matcher.name == "severity"]
        values = [
            matcher.values for matcher in asked if matcher.op in {MatchOp.EQUAL, MatchOp.MATCHES}
        ]
        if values and values[0] is not None:
            known = {value: levels.get(value, OTHERWISE) for value in sorted(values[0])}
            for value in known.keys() - levels.keys():
                message = f"severity '{value}' becomes {OTHERWISE}: change it in the rule"
                self.report.add(outcome.routes[0].place, message)
            if len(set(known.values())) == 1:
                return {"severity": next(iter(known.values()))}
            return {"severity_from": {"label": "severity", "map": known}, "severity": OTHERWISE}
        return {"severity_from": {"label": "severity", "map": dict(levels)}, "severity": OTHERWISE}

    # --- text

    def rules_text(self, file: str) -> str:
        head = f"# The routes of {file}. The first rule that matches an alert decides.\nrules:\n"
        return head + "\n".join(self._rule_text(file, *rule) for rule in self.found)

    @staticmethod
    def _rule_text(file: str, outcome: Outcome, rule: Mapping[str, Any]) -> str:
        lines = " and ".join(str(route.place.line) for route in outcome.routes)
        keys = [f"{key}: {inline(value)}" for key, value in rule.items()]
        return f"  # {file}, line {lines}\n  - " + "\n    ".join(keys) + "\n"

    def policies_text(self) -> str:
        parts = [self._policy_text(name, plan) for plan, name in self.policies.items()]
        return "policies:\n" + "".join(parts)

    def _policy_text(self, name: str, plan: Plan) -> str:
        channels = dict.fromkeys(
            f"channel:{channel}" for who in plan.receivers for channel in self.channels[who]
        )
        every = max(parse_duration(plan.repeat), SHORTEST)
        shown = plan.repeat if every > SHORTEST else "1m"
        repeat = {"every": shown, "times": max(1, round(WEEK / every))}
        return (
            f"  {inline(name)}:\n    steps:\n      - notify: {inline(list(channels))}\n"
            f"    repeat: {inline(repeat)}\n"
        )


def _levels(matchers: Iterable[Matcher]) -> dict[str, str]:
    """The common severity values and those in the tree, the most severe first."""
    named = {
        value
        for matcher in matchers
        if matcher.name == "severity"
        for value in matcher.values or ()
        if value in LEVELS
    }
    return {value: level for value, level in LEVELS.items() if value in named or value in USUAL}
