"""Rules: which alerts they take, how bad those are, and which incident they belong to."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from msgspec import Struct, json

from router.core.rules.matcher import Matcher, MatchOp
from router.core.text.template import Template, compile_template
from router.core.text.units import Threshold, read_value
from router.model.alert import Alert
from router.model.incident import Severity
from router.model.reason import Reason


class Rule(Struct, frozen=True):
    """One rule, ready to use. `origin` is where it's written, as `file:line:column`.

    Either `severity` is set, or `thresholds` are, worst first. `count_over` makes the measured
    value the number of times the rule took an alert within that many seconds. `resolve_after` is
    how long an incident stays quiet before it's resolved, in seconds. `actions` are those that may
    be run against its incidents. `public`: what stands of them is published without anybody's
    approval. What a rule with a `heartbeat` takes is a beat of that one, and opens nothing.
    `ignored` are names of alerts for which it opens nothing.
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

    def key(self, alert: Alert) -> str:
        """The key of the incident that this rule puts the alert in.

        That of a drill is never a real one's: those end with a brace.
        """
        labels = ",".join(f"{name}={_quoted(alert.labels.get(name, ''))}" for name in self.group_by)
        key = f"{self.name}{{{labels}}}"
        return f"{key} drill {alert.drill}" if alert.is_drill else key


def _quoted(value: str) -> str:
    return json.encode(value).decode()


class Verdict(Struct, frozen=True):
    """Whether a rule takes an alert, and if not, for which matcher."""

    rule: Rule
    reason: Reason
    failed: Matcher | None = None

    @property
    def takes(self) -> bool:
        return self.reason is Reason.MATCHED


class Judgement(Struct, frozen=True):
    """How bad an alert is by a rule. `severity` is None under every threshold, and of a heartbeat.

    `threshold` is the one that held, or else the lowest, which didn't; `read` is the text the value
    was read from.
    """

    severity: Severity | None
    reason: Reason
    value: float | None = None
    threshold: Threshold | None = None
    read: str | None = None


CANARY = Rule(
    "canary", (), compile_template("{{ annotations.summary }}"), 0.0, severity=Severity.P3
)
"""What takes a canary, before all rules of the config."""


def try_rule(rule: Rule, alert: Alert) -> Verdict:
    """Does the rule take the alert? The source and every matcher must hold."""
    if rule.source and rule.source != (alert.stands_for or alert.source):
        return Verdict(rule, Reason.SOURCE_DIFFERS)
    for matcher in rule.matchers:
        if not matcher.matches(alert.labels):
            return Verdict(rule, Reason.MATCHER_FAILED, matcher)
    return Verdict(rule, Reason.MATCHED)


def judge(rule: Rule, alert: Alert, count: int = 0, held: Severity | None = None) -> Judgement:
    """How bad the alert is: the first threshold that holds, from P0 down.

    `held` is the tier that it has had so far: that one and those below still hold within their
    hysteresis. A value that is missing or can't be read gets the lowest tier: silence would be the
    worse error. What a person says it is overrules all of that.
    """
    if alert.severity is not None:
        return Judgement(alert.severity, Reason.SEVERITY_SET)
    if rule.heartbeat:
        return Judgement(None, Reason.HEARTBEAT)
    if rule.ignored and alert.labels.get("alertname") in rule.ignored:
        return Judgement(None, Reason.IGNORED)
    if not rule.thresholds:
        return Judgement(rule.severity, Reason.MATCHED)
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


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Rules in file order with the one for alerts that none of them takes, and an index over their
    equalities.

    `revision` names this very set of rules: it changes when any of them does.
    """

    rules: tuple[Rule, ...]
    default: Rule
    revision: str
    _by_name: dict[str, Rule]
    _indexed: dict[str, dict[str, list[int]]]
    _always: list[int]

    @classmethod
    def of(cls, rules: Sequence[Rule], default: Rule, revision: str) -> "RuleSet":
        """Index each rule by one equality it asks for, so that an alert is tried on the few rules
        that may take it.
        """
        indexed: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
        always: list[int] = []
        for position, rule in enumerate(rules):
            equalities = [
                matcher
                for matcher in rule.matchers
                if matcher.op is MatchOp.EQUAL and matcher.value
            ]
            if equalities:
                # Most rules name an alert: the fewer labels are indexed, the fewer look-ups an
                # alert costs.
                best = min(equalities, key=lambda matcher: matcher.name != "alertname")
                indexed[best.name][best.value].append(position)
            else:
                always.append(position)
        by_name = {rule.name: rule for rule in rules}
        return cls(tuple(rules), default, revision, by_name, indexed, always)

    def named(self, name: str) -> Rule:
        """The rule of that name, or the default if there's none any more."""
        return self._by_name.get(name, self.default)

    def matching_rules(self, alert: Alert) -> list[Rule]:
        """The rules that take the alert: the first that matches, those after it while they say
        `continue`.
        """
        if alert.to:
            return [CANARY]
        try:
            matching_rules = [
                verdict.rule
                for verdict in self._verdicts(alert, self._candidates(alert))
                if verdict.takes
            ]
        except Exception:  # noqa: BLE001 - a fault of one rule must lose no alert, nor those it came with
            matching_rules = []
        return matching_rules or [self.default]

    def verdicts(self, alert: Alert) -> list[Verdict]:
        """What each rule says to the alert, in order, the default last: the long form of `takers`."""
        if alert.to:
            return [Verdict(CANARY, Reason.MATCHED)]
        verdicts = list(self._verdicts(alert, self.rules))
        taken = any(verdict.takes for verdict in verdicts)
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
            if verdict.takes and not rule.continues:
                return

    def _candidates(self, alert: Alert) -> list[Rule]:
        positions = list(self._always)
        for name, values in self._indexed.items():
            positions += values.get(alert.labels.get(name, ""), ())
        positions.sort()
        return [self.rules[position] for position in positions]
