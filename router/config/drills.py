"""Drills: the file of a scenario, and when drills and canaries are due."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct

from router.config.convert import Context, Trail, convert
from router.config.located import Invalid, Problem, read
from router.config.people_check import check_name
from router.config.scalar import FAILED
from router.config.shapes import Hooks
from router.core.drill.cadence import Cadence
from router.core.incident.policy import Target, split_target
from router.core.oncall.rotation import Handover
from router.core.rules.heartbeat import SOURCE as HEARTBEAT
from router.core.rules.manual_alert import SOURCE as PERSON
from router.model.drill import DrillPlan, DrillStep, Kind, PosedAlert
from router.model.scalars import Duration

Preview = Literal["internal", "status"]
PREVIEWS: Mapping[Preview, str] = {
    "internal": "The internal alert has everything it needs",
    "status": "The text for the status page has everything it needs",
}
"""Texts that a drill may review, with their checklist item."""

WEEK = 604_800.0


class DrillAlert(Struct, frozen=True, kw_only=True):
    """An alert as `source` would report it."""

    labels: dict[str, str]
    annotations: dict[str, str] = {}
    source: str = "alertmanager"


class ScenarioStep(Struct, frozen=True, kw_only=True):
    """An alert at the time `at` after the start, or an expectation from then on.

    The expectation must be met `within` a time. `expect` is about messages and people; `by` names
    who must acknowledge; `practise` is an action, which ends with its dry run; people confirm
    `communicate` and `review`.
    """

    name: str = ""
    at: Duration = Duration(0.0)
    within: Duration | None = None
    alert: DrillAlert | None = None
    expect: Literal["delivered", "acknowledged", "resolved"] | None = None
    by: list[Target] = []
    practise: str = ""
    communicate: list[Preview] = []
    review: list[str] = []

    def __post_init__(self) -> None:
        given = (self.alert, self.expect, self.practise, self.communicate, self.review)
        if sum(map(bool, given)) != 1:
            raise ValueError("a step has one of alert, expect, practise, communicate and review")
        if self.by and self.expect != "acknowledged":
            raise ValueError("`by` names who acknowledges: it needs `expect: acknowledged`")
        if self.alert and self.within is not None:
            raise ValueError("`within` is only for expectations: for an alert, use `at`")
        if any(split_target(target)[0] == "channel" for target in self.by):
            raise ValueError(
                "`by` takes contact:NAME, role:NAME or schedule:NAME: "
                "a channel acknowledges nothing"
            )


class ScenarioConfig(Struct, frozen=True, kw_only=True):
    """The file of one scenario."""

    name: str
    steps: list[ScenarioStep]
    description: str = ""
    time_out: Duration = Duration(3600.0)

    def __post_init__(self) -> None:
        plan(self)


class CanaryConfig(Struct, frozen=True, kw_only=True):
    """Small messages that prove that channels and contact methods work."""

    every: Duration = Duration(4 * WEEK)
    channels: list[str] = []
    contacts: list[str] = []

    def __post_init__(self) -> None:
        if self.every < SHORTEST:
            raise ValueError("every: a canary is sent at most once a day")
        if not (self.channels or self.contacts):
            raise ValueError("name the channels or the contacts that receive the canary")


SHORTEST = 86_400.0
"""Minimum seconds between two drills, canaries or reminders."""


class DrillsConfig(Struct, frozen=True, kw_only=True):
    """Scenario files, and the regular drill: `scenario` every `every`, `at` a time of the week."""

    scenarios: list[str] = []
    scenario: str = ""
    every: Duration = Duration(13 * WEEK)
    at: Handover = Handover(600, 1)
    remind: Duration = Duration(2 * WEEK)
    tell: list[Target] = []
    start: Literal["by-hand", "auto"] = "by-hand"
    canary: CanaryConfig | None = None

    def __post_init__(self) -> None:
        if min(self.every, self.remind) < SHORTEST:
            raise ValueError("every and remind: the minimum is one day")


def plan(document: ScenarioConfig) -> DrillPlan:
    """Convert to the core's plan. Raises: ValueError."""
    steps = tuple(_step(step, document.time_out) for step in document.steps)
    return DrillPlan(document.name, steps, document.time_out, document.description)


def _step(step: ScenarioStep, time_out: float) -> DrillStep:
    within = time_out - step.at if step.within is None else step.within
    if alert := step.alert:
        name = step.name or f"{alert.labels.get('alertname', 'an alert')} fires"
        return DrillStep(
            Kind.ALERT,
            name,
            step.at,
            alert=PosedAlert(alert.labels, alert.annotations, alert.source),
        )
    if step.expect:
        by = tuple(step.by)
        name = step.name or " ".join([step.expect, *(["by", ", ".join(by)] if by else [])])
        return DrillStep(Kind(step.expect), name, step.at, within, by=by)
    if step.practise:
        name = step.name or f"{step.practise} is practised"
        return DrillStep(Kind.PRACTISED, name, step.at, within, action=step.practise)
    if step.communicate:
        items = tuple(PREVIEWS[preview] for preview in step.communicate)
        return DrillStep(
            Kind.COMMUNICATED, step.name or "communication", step.at, within, items=items
        )
    return DrillStep(
        Kind.REVIEWED, step.name or "review", step.at, within, items=tuple(step.review)
    )


def cadence(document: DrillsConfig | None, zone: str) -> Cadence | None:
    """The regular drill; None if there is none."""
    if document is None or not document.scenario:
        return None
    tell = tuple(document.tell)
    return Cadence(
        document.scenario,
        document.every,
        document.at,
        zone,
        document.remind,
        tell,
        auto=document.start == "auto",
    )


# --- reading, and checks


def read_scenarios(paths: Sequence[Path], context: Context) -> dict[str, DrillPlan]:
    """The scenarios in these files, by name. Problems are reported to the context."""
    found: dict[str, DrillPlan] = {}
    for path in paths:
        trail: Trail = ("drill file", str(path))
        root = read(path, context.problems)
        document = FAILED if root is None else convert(root, ScenarioConfig, context, trail)
        if document is FAILED:
            continue
        if document.name in found:
            context.report(
                context.place_of((*trail, "name")), f"scenario '{document.name}' already exists"
            )
        found[document.name] = plan(document)
    return found


def check_drills(context: Context, known: Sequence[str]) -> None:
    """Report unknown names in scenarios and in `drills`. `known` are the scenarios."""
    scenario = context.values.get(("drills", "scenario"))
    if scenario:
        check_name("scenario", scenario, list(known), ("drills", "scenario"), context)
    for key, what in (("channels", "channel"), ("contacts", "contact")):
        for trail, name in list(context.all_of(str)):
            if trail[:3] == ("drills", "canary", key):
                check_name(what, name, context.names_at((key,)), trail, context)
    sources = [*context.names_at(("sources",)), PERSON, HEARTBEAT]
    names = {
        f"{kind}s": context.names_at((f"{kind}s",))
        for kind in ("contact", "role", "schedule", "action")
    }
    _check_steps(context, sources, names)


def _check_steps(
    context: Context, sources: Sequence[str], names: Mapping[str, Sequence[str]]
) -> None:
    for trail, step in list(context.all_of(ScenarioStep)):
        if step.practise:
            check_name(
                "action", step.practise, list(names["actions"]), (*trail, "practise"), context
            )
        if step.alert:
            check_name(
                "source", step.alert.source, list(sources), (*trail, "alert", "source"), context
            )


def load_scenario(
    path: Path, hooks: Hooks, env: Mapping[str, str], names: Mapping[str, Sequence[str]]
) -> DrillPlan:
    """The scenario in a file that the config doesn't list.

    `names` are the known names, by their key in the config.
    Raises: Invalid, with every problem.
    """
    problems: list[Problem] = []
    context = Context(env=env, base=path.parent, hooks=hooks, problems=problems)
    root = read(path, problems)
    document = FAILED if root is None else convert(root, ScenarioConfig, context)
    for trail, target in context.declared(Target):
        kind, name = split_target(target)
        check_name(kind, name, list(names[f"{kind}s"]), trail, context)
    _check_steps(context, [*names["sources"], PERSON, HEARTBEAT], names)
    if problems or document is FAILED:
        raise Invalid(problems)
    return plan(document)
