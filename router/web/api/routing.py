"""Rules and policies over the API: what the config says, and what it would do. Decides nothing."""

from collections.abc import Callable, Iterator
from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct

from router.config.people import moment_at
from router.config.times import parse_moment
from router.core.incident.policy import Policy
from router.core.incident.settings import Settings
from router.core.oncall.business_hours import written
from router.core.rules.lint import doubts
from router.core.rules.manual_alert import reported
from router.core.rules.rule import Rule
from router.core.virtual.simulation import Moment, simulate
from router.model.incident import Severity
from router.model.reason import Reason
from router.ports.clock import Clock
from router.ports.errors import InvalidInput
from router.ports.store import RuleUse, Store
from router.web.api.content import Time
from router.web.api.operation import operation, routes
from router.web.api.views import exactly, when

COUNTED = 30 * 86_400.0
"""Seconds in which the incidents of a rule are counted."""


class TierView(Struct, frozen=True):
    """A severity, and the threshold for it; null without one."""

    severity: Severity
    threshold: str | None


class ConfiguredRule(Struct, frozen=True):
    """A rule, in the order in which rules are tried.

    `at` is its place as `file:line:column`. `incidents` counts its incidents of the last 30 days,
    and `last_opened` is when the newest was opened. `warnings` are certain for every possible
    alert.
    """

    name: str
    at: str
    source: str | None
    match: list[str]
    measure: str
    tiers: list[TierView]
    group_by: tuple[str, ...]
    runbook: str | None
    incidents: int
    last_opened: Time | None
    warnings: list[str]


class RuleList(Struct, frozen=True):
    """The rules, the default rule last."""

    revision: str
    rules: list[ConfiguredRule]


class PolicyQuery(Struct, frozen=True):
    """The time."""

    at: Annotated[
        str,
        Meta(
            description="`2026-12-24 23:00` in the company's time, or with an offset. Default: now."
        ),
    ] = ""


class PolicyStep(Struct, frozen=True):
    """A step as configured. `when` is its condition."""

    after: str
    notify: tuple[str, ...]
    unless: str
    when: str | None


class MessageView(Struct, frozen=True):
    """A message `after` seconds to `who` over the channel `over`, or an entry of the timeline."""

    after: float
    who: str | None
    over: str | None
    reason: Reason
    text: str | None


class PolicyView(Struct, frozen=True):
    """The policy of a severity, and its messages for an incident that nobody answers.

    `messages` are simulated for an incident that a person opens at `at`. `respond_within` is as
    configured.
    """

    severity: Severity
    policy: str
    at: Time
    respond_within: str | None
    steps: list[PolicyStep]
    messages: list[MessageView]
    left_out: tuple[str, ...]


class PolicyList(Struct, frozen=True):
    """The policies, the most severe first."""

    policies: list[PolicyView]


class RoutingApi:
    """Shows the settings in effect."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        settings: Callable[[], Settings],
        zone: Callable[[], str],
    ) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._zone = zone

    def routes(self) -> list[web.RouteDef]:
        return routes(self)

    @operation("GET", "/rules", "List the rules, in the order in which they are tried.")
    async def list_rules(self) -> RuleList:
        rules = self._settings().rules
        used = await self._store.rule_use(self._clock.now() - COUNTED)
        warnings: dict[str, list[str]] = {}
        for doubt in doubts(rules.rules):
            warnings.setdefault(doubt.rule.name, []).append(doubt.message)
        return RuleList(
            rules.revision,
            [
                _rule(rule, used.get(rule.name), warnings.get(rule.name, []))
                for rule in (*rules.rules, rules.default)
            ],
        )

    @operation(
        "GET", "/policies", "Show the policy of each severity, and the messages it would send."
    )
    async def list_policies(self, query: PolicyQuery) -> PolicyList:
        at = self._moment(query.at) if query.at else self._clock.now()
        settings = self._settings()
        return PolicyList([_policy(settings, severity, at) for severity in settings.severities])

    def _moment(self, text: str) -> float:
        try:
            return moment_at(parse_moment(text), self._zone())
        except (ValueError, OverflowError) as error:
            raise InvalidInput(str(error), "/at") from None


def _rule(rule: Rule, used: RuleUse | None, warnings: list[str]) -> ConfiguredRule:
    return ConfiguredRule(
        name=rule.name,
        at=rule.origin,
        source=rule.source or None,
        match=[str(matcher) for matcher in rule.matchers],
        measure=rule.measure,
        tiers=list(_tiers(rule)),
        group_by=rule.group_by,
        runbook=rule.runbook or None,
        incidents=used.incidents if used else 0,
        last_opened=when(used.last_opened) if used else None,
        warnings=warnings,
    )


def _tiers(rule: Rule) -> Iterator[TierView]:
    for severity, threshold in rule.thresholds:
        yield TierView(severity, threshold.text)
    if rule.severity_from:
        label = rule.severity_from.label
        for value, severity in rule.severity_from.map.items():
            yield TierView(severity, f'{label}="{value}"')
    if not rule.thresholds:
        yield TierView(rule.severity, None)


def _policy(settings: Settings, severity: Severity, at: float) -> PolicyView:
    plan, policy = settings.severities[severity], settings.policy(severity)
    alert = reported(f"Simulated {severity}", "simulation", at, severity=severity)
    simulation = simulate(settings, [alert], at)
    return PolicyView(
        severity=severity,
        policy=policy.name,
        at=exactly(at),
        respond_within=written(plan.respond_within) if plan.respond_within is not None else None,
        steps=_steps(policy),
        messages=[_message(moment, at) for moment in simulation.moments],
        left_out=simulation.left_out,
    )


def _steps(policy: Policy) -> list[PolicyStep]:
    return [
        PolicyStep(
            written(step.after), step.notify, step.unless, step.when.source if step.when else None
        )
        for step in policy.steps
    ]


def _message(moment: Moment, at: float) -> MessageView:
    return MessageView(
        moment.at - at, moment.who or None, moment.over or None, moment.reason, moment.text or None
    )
