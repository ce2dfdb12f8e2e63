"""Rules: which alerts they match, how severe the alerts are, and which incident they join."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from msgspec import Struct, json

from router.core.rules.matcher import Matcher, match_all
from router.core.rules.matcher_index import MatcherIndex
from router.core.text.template import Template, compile_template
from router.core.text.units import Threshold, read_value
from router.model.alert import DRILL, Alert
from router.model.incident import Severity
from router.model.reason import Reason
from router.model.scalars import Duration


class SeverityFrom(Struct, frozen=True, kw_only=True):
    """A label or annotation that gives the severity: `map` has the severity of each value.

    `follow`: the severity of an incident with a single alert drops with the alert's, unless a
    person set it.
    """

    label: str
    map: dict[str, Severity]
    follow: bool = False

    def __post_init__(self) -> None:
        if not self.map:
            raise ValueError("severity_from needs a map, such as {critical: P1, warning: P2}")


class Flapping(Struct, frozen=True, kw_only=True):
    """An incident flaps after `changes` changes of its state within `within`.

    It settles after `settle` without a change. 0 `changes`: it never flaps.
    """

    changes: int = 6
    within: Duration = Duration(3_600.0)
    settle: Duration = Duration(1_800.0)

    def __post_init__(self) -> None:
        if self.changes != 0 and not 2 <= self.changes <= 100:
            raise ValueError("flapping.changes is 0, for never, or from 2 to 100")
        if self.within <= 0 or self.settle <= 0:
            raise ValueError("flapping.within and flapping.settle must be longer than 0s")


class Rule(Struct, frozen=True):
    """One rule, ready to use. `origin` is where it's written, as `file:line:column`.

    Either `thresholds` are set, worst first, or `severity_from`, or only `severity`, which is also
    the severity of a value that `severity_from` doesn't map. `count_over`: the measured value is
    the number of alerts that the rule matched within that many seconds. `resolve_after`: seconds
    without a firing alert until an incident is resolved. `expire_after`: seconds without a report
    until an alert is stale; None for the default. `resolve_stale`: a stale alert ends; otherwise
    people are asked. `actions`: those that may be run against the incidents. `public`: the state of
    the incidents is published without approval. `flapping`: how often incidents may change.
    `sources` are the names of the sources whose type `source` is. `policy` replaces the policy of
    the severity; "" for none. Alerts of a rule with `ignores` open nothing, nor do those named in
    `ignored`. An alert that a rule with a `heartbeat` matches is a beat of that heartbeat, and
    opens nothing.
    """

    name: str
    group_by: tuple[str, ...]
    summary: Template
    resolve_after: float
    matchers: tuple[Matcher, ...] = ()
    source: str = ""
    measure: str = "value"
    thresholds: tuple[tuple[Severity, Threshold], ...] = ()
    severity: Severity = Severity.P2
    count_over: float | None = None
    continues: bool = False
    runbook: str = ""
    component: str = ""
    actions: tuple[str, ...] = ()
    public: bool = False
    origin: str = ""
    heartbeat: str = ""
    ignored: tuple[str, ...] = ()
    severity_from: SeverityFrom | None = None
    expire_after: float | None = None
    resolve_stale: bool = False
    sources: tuple[str, ...] = ()
    policy: str = ""
    ignores: bool = False
    flapping: Flapping = Flapping()

    def is_from(self, source: str) -> bool:
        """Check if the rule is for alerts of the source: it names the source, its type, or none."""
        return not self.source or source == self.source or source in self.sources

    def key(self, alert: Alert) -> str:
        """The key of the alert's incident under this rule.

        A drill never has the key of a real incident.
        """
        labels = alert.labels
        if alert.group_as:
            labels = labels | {"alertname": alert.group_as}
        grouped = ",".join(
            [f"{name}={json.encode(labels.get(name, '')).decode()}" for name in self.group_by]
        )
        key = f"{self.name}{{{grouped}}}"
        return f"{key} drill {alert.drill}" if alert.source == DRILL else key


class Verdict(Struct, frozen=True):
    """The result of comparing a rule with an alert; `failed` is the first matcher that fails."""

    rule: Rule
    reason: Reason
    failed: Matcher | None = None

    @property
    def matched(self) -> bool:
        return self.reason is Reason.MATCHED


class Judgement(Struct, frozen=True):
    """The severity that a rule gives an alert; None under all thresholds, and for a heartbeat.

    `threshold` is the crossed threshold, or the lowest if none was crossed; `read` is the text of
    the value.
    """

    severity: Severity | None
    reason: Reason
    value: float | None = None
    threshold: Threshold | None = None
    read: str | None = None


CANARY = Rule(
    "canary", (), compile_template("{{ annotations.summary }}"), 0.0, severity=Severity.P3
)
"""The rule that matches a canary, before all rules of the config."""


def try_rule(rule: Rule, alert: Alert) -> Verdict:
    """Compare the rule with the alert: the source and every matcher must hold."""
    if not rule.is_from(alert.stands_for or alert.source):
        return Verdict(rule, Reason.SOURCE_DIFFERS)
    for matcher in rule.matchers:
        if not matcher.matches(alert.labels):
            return Verdict(rule, Reason.MATCHER_FAILED, matcher)
    return Verdict(rule, Reason.MATCHED)


def judge(rule: Rule, alert: Alert, count: int = 0, held: Severity | None = None) -> Judgement:
    """Give the alert a severity: that of the first threshold that it crosses, from P0 down.

    `held` is the current tier: it and lower tiers still apply within their hysteresis. A value that
    is missing or can't be read gets the lowest tier, because not to alert would be worse. A
    severity that a person set takes precedence.
    """
    if (given := _without_value(rule, alert)) is not None:
        return given
    lowest_severity, lowest = rule.thresholds[-1]
    if rule.count_over is not None:
        value, read = float(count), str(count)
    else:
        read = alert.annotations.get(rule.measure) or alert.labels.get(rule.measure) or ""
        try:
            value = read_value(read, lowest.dimension)
        except ValueError:
            return Judgement(lowest_severity, Reason.VALUE_UNREADABLE, None, lowest, read)
    for severity, threshold in rule.thresholds:
        if threshold.holds(value):
            return Judgement(severity, Reason.ABOVE_THRESHOLD, value, threshold, read)
        if held is not None and not severity.worse_than(held) and threshold.still_holds(value):
            return Judgement(severity, Reason.WITHIN_HYSTERESIS, value, threshold, read)
    return Judgement(None, Reason.BELOW_THRESHOLD, value, lowest, read)


def _without_value(rule: Rule, alert: Alert) -> Judgement | None:
    """The judgement of an alert that needs no measured value."""
    if alert.severity is not None:
        return Judgement(alert.severity, Reason.SEVERITY_SET)
    if rule.heartbeat:
        return Judgement(None, Reason.HEARTBEAT)
    if rule.ignores or (rule.ignored and alert.labels.get("alertname") in rule.ignored):
        return Judgement(None, Reason.IGNORED)
    if rule.severity_from is not None:
        return _mapped(rule, rule.severity_from, alert)
    if not rule.thresholds:
        return Judgement(rule.severity, Reason.MATCHED)
    return None


def _mapped(rule: Rule, given: SeverityFrom, alert: Alert) -> Judgement:
    read = alert.labels.get(given.label) or alert.annotations.get(given.label) or ""
    severity = given.map.get(read) or given.map.get(read.strip().lower())
    if severity is None:
        return Judgement(rule.severity, Reason.SEVERITY_UNMAPPED, read=read)
    return Judgement(severity, Reason.SEVERITY_MAPPED, read=read)


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules in file order, the default rule for unmatched alerts, and an index over their matchers.

    `revision` names this set of rules: it changes when any of them does.
    """

    rules: tuple[Rule, ...]
    default: Rule
    revision: str
    _by_name: dict[str, Rule]
    _index: MatcherIndex

    @classmethod
    def of(cls, rules: Sequence[Rule], default: Rule, revision: str) -> "RuleSet":
        """Index the rules, so that an alert is compared with few of them."""
        by_name = {rule.name: rule for rule in rules}
        return cls(
            tuple(rules),
            default,
            revision,
            by_name,
            MatcherIndex([rule.matchers for rule in rules]),
        )

    def named(self, name: str) -> Rule:
        """The rule with that name, or the default if it doesn't exist any more."""
        return self._by_name.get(name, self.default)

    def matching_rules(self, alert: Alert) -> list[Rule]:
        """The rules that match the alert: the first, and later ones while each has `continue`."""
        if alert.to:
            return [CANARY]
        try:
            matching_rules = []
            labels, source = alert.labels, alert.stands_for or alert.source
            for position in self._index.candidates(labels):
                rule, rest = self.rules[position], self._index.rest[position]
                if rule.source and not rule.is_from(source):
                    continue
                if not rest or match_all(rest, labels):
                    matching_rules.append(rule)
                    if not rule.continues:
                        break
        except Exception:  # noqa: BLE001 - a fault in one rule must not lose alerts
            matching_rules = []
        return matching_rules or [self.default]

    def verdicts(self, alert: Alert) -> list[Verdict]:
        """The outcome for each rule in order, the default last, also for rules that don't match."""
        if alert.to:
            return [Verdict(CANARY, Reason.MATCHED)]
        verdicts = list(self._verdicts(alert, self.rules))
        taken = any(verdict.matched for verdict in verdicts)
        untried = self.rules[len(verdicts) :]
        return [
            *verdicts,
            *(Verdict(rule, Reason.TAKEN_BEFORE) for rule in untried),
            Verdict(self.default, Reason.TAKEN_BEFORE if taken else Reason.MATCHED),
        ]

    @staticmethod
    def _verdicts(alert: Alert, rules: Sequence[Rule]) -> Iterator[Verdict]:
        for rule in rules:
            verdict = try_rule(rule, alert)
            yield verdict
            if verdict.matched and not rule.continues:
                return
