"""Read files of rule tests, check them against the config, and convert them to scenarios."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct, structs

from router.config.convert import Context, Trail, convert
from router.config.load import Config
from router.config.located import Invalid, Place, Problem, read
from router.config.people_check import check_name
from router.config.rule_tests import (
    ExpectedIncident,
    RuleTest,
    RuleTests,
    ShownAlert,
    TimelineStep,
    hooks,
)
from router.config.shapes import Hooks
from router.core.oncall.local_time import instant
from router.core.rules.fingerprint import fingerprint
from router.core.rules.manual_alert import SOURCE
from router.core.virtual.scenario import Message, Reported, Scenario, ScenarioEvent, ScenarioState
from router.model.alert import Alert
from router.model.notification import channel_of, person_of

Decode = Callable[[str, str, Path], Sequence[Alert]]
"""Decodes the alerts in a file with a webhook's body, by the source's name and Sentry's resource.

Raises: ValueError, if it can't be decoded.
"""


class Located(Struct, frozen=True):
    """A scenario, and its place in the file."""

    place: Place
    scenario: Scenario


def load_scenarios(
    paths: Sequence[Path],
    config: Config,
    config_hooks: Hooks,
    env: Mapping[str, str],
    decode: Decode,
) -> list[Located]:
    """The tests in these files, in order. Raises: Invalid, with every problem."""
    problems: list[Problem] = []
    found: list[Located] = []
    for path in paths:
        context = Context(env=env, base=path.parent, hooks=hooks(config_hooks), problems=problems)
        root = read(path, problems)
        if root is None:
            continue
        convert(root, RuleTests, context)
        _check(context, config)
        reader = _Reader(context, config, _payloads(context, decode))
        found += [reader.located(trail, test) for trail, test in list(context.all_of(RuleTest))]
    if problems:
        raise Invalid(problems)
    return found


# --- checks against the config


def _check(context: Context, config: Config) -> None:
    channels, contacts = list(config.channels), list(config.file.contacts)
    rules = [*(rule.name for rule in config.settings.rules.rules), "default"]
    names: dict[str, Place] = {}
    for trail, value in list(context.values.items()):
        match trail:
            case ("tests", _, "name"):
                if value in names:
                    context.report(
                        context.place_of(trail),
                        f"test '{value}' already exists, at {names[value]}",
                    )
                names.setdefault(value, context.place_of(trail))
            case ("tests", _, "timeline", _, "works", _):
                check_name("channel", value, channels, trail, context)
            case ("tests", _, "timeline", _, "fails", name):
                check_name("channel", str(name), channels, trail, context)
            case ("tests", _, "timeline", _, "source"):
                check_name("source", value, [*config.sources, SOURCE], trail, context)
            case ("tests", _, "expect", "incidents", _, "rule"):
                check_name("rule", value, rules, trail, context)
            case ("tests", _, "expect", "notified", _, "to", _):
                _check_recipient(value, channels, contacts, trail, context)


def _check_recipient(
    to: str, channels: list[str], contacts: list[str], trail: Trail, context: Context
) -> None:
    if to.startswith("contact:"):
        check_name("contact", to.removeprefix("contact:"), contacts, trail, context)
        return
    if to not in channels and to in contacts:
        context.report(
            context.place_of(trail), f"unknown channel '{to}': a contact is written contact:{to}"
        )
        return
    check_name("channel", channel_of(to), channels, trail, context)
    if person := person_of(to):
        check_name("contact", person, contacts, trail, context)


_DEFAULTS = {field.name: field.default for field in structs.fields(TimelineStep)}


def _payloads(context: Context, decode: Decode) -> dict[Trail, Sequence[Alert]]:
    """The alerts of each payload, by its place in the file, even for tests with other errors."""
    found: dict[Trail, Sequence[Alert]] = {}
    for trail, name in list(context.all_of(str)):
        if trail[-1] != "payload" or not name:
            continue
        step = trail[:-1]
        source = context.values.get((*step, "source"), _DEFAULTS["source"])
        resource = context.values.get((*step, "resource"), _DEFAULTS["resource"])
        try:
            found[trail] = decode(source, resource, context.base / name)
        except ValueError as error:
            context.report(context.place_of(trail), f"{name}: {error}")
    return found


# --- conversion to core types


class _Reader:
    def __init__(
        self, context: Context, config: Config, payloads: Mapping[Trail, Sequence[Alert]]
    ) -> None:
        self.context = context
        self.payloads = payloads
        self.zone = config.file.company.time_zone

    def located(self, trail: Trail, test: RuleTest) -> Located:
        zone = test.time_zone or self.zone
        start = test.start.timestamp() if test.start.tzinfo else instant(test.start, zone)
        expect = test.expect
        last = max(
            (
                *(step.at for step in test.timeline),
                *(message.at + message.within for message in expect.notified),
                *(incident.at or 0.0 for incident in expect.incidents or ()),
                *(reason.at for reason in expect.reasons),
            ),
            default=0.0,
        )
        end = last if test.until is None else test.until
        if end < last:
            self.context.report(
                self.context.place_of((*trail, "until")), "the test has times after its `until`"
            )
        scenario = Scenario(
            name=test.name,
            start=start,
            zone=zone,
            timeline=tuple(
                self.happening((*trail, "timeline", n), step)
                for n, step in enumerate(test.timeline)
            ),
            messages=tuple(
                Message(
                    message.at, to, message.within, message.reason, message.severity, message.title
                )
                for message in expect.notified
                for to in message.to
            ),
            snapshots=_snapshots(expect.incidents, end),
            reasons=tuple((reason.at, reason.reason) for reason in expect.reasons),
            end=end,
        )
        return Located(self.context.place_of(trail), scenario)

    def happening(self, trail: Trail, step: TimelineStep) -> ScenarioEvent:
        reported = [Reported(_alert(alert, step.source), alert.times) for alert in step.alerts]
        reported += [
            Reported(alert, dated=True) for alert in self.payloads.get((*trail, "payload"), ())
        ]
        return ScenarioEvent(
            step.at,
            tuple(reported),
            step.do,
            step.by,
            step.incident,
            step.text,
            step.severity,
            step.status,
            step.title,
            step.fails,
            tuple(step.works),
        )


def _alert(shown: ShownAlert, source: str) -> Alert:
    return Alert(
        source, fingerprint(shown.labels), shown.status, shown.labels, shown.annotations, 0.0
    )


def _snapshots(
    expected: Sequence[ExpectedIncident] | None, end: float
) -> tuple[ScenarioState, ...]:
    if expected is None:
        return ()
    shots: dict[float, list[Mapping[str, object]]] = {} if expected else {end: []}
    for incident in expected:
        fields = {
            name: getattr(incident, name) for name in incident.__struct_fields__ if name != "at"
        }
        given = {name: value for name, value in fields.items() if value is not None}
        shots.setdefault(end if incident.at is None else incident.at, []).append(given)
    return tuple(ScenarioState(after, tuple(incidents)) for after, incidents in shots.items())
