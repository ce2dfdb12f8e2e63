"""Grafana OnCall: answers of its public API, or the resources `grafana_oncall_…` of Terraform.

https://grafana.com/docs/oncall/latest/oncall-api-reference/
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta

from router.importers.pagers.build import Builder, ByKind, local, moment
from router.importers.pagers.model import DAY as DAY_SECONDS
from router.importers.pagers.model import HOUR, Change, ContactMethod, Stage, Turns
from router.importers.pagers.model import WEEK as WEEK_SECONDS
from router.importers.pagers.week import DAY, Span, daily
from router.importers.source import Section

UNITS = {"hourly": HOUR, "daily": DAY_SECONDS, "weekly": WEEK_SECONDS}
WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
VIAS = {
    "notify_by_email": "mail",
    "notify_by_sms": "text",
    "notify_by_phone_call": "call",
}
REPEATS = 5
"""Repetitions of an escalation chain in OnCall."""

QUIET = (
    "id", "name", "team_id", "role", "grafana_id", "teams", "username", "slack",
    "is_phone_number_verified", "on_call_now", "enable_web_overrides", "source", "timezone",
)  # fmt: skip
"""Keys that don't affect who is on call or who is notified."""


def kind_of(kind: str, section: Section) -> str:
    """The kind of an object: as given, or else recognized by its keys."""
    if any(kind == shape for shape, _ in SHAPES):
        return kind
    keys = set(section.keys)
    for shape, known in SHAPES:
        if known <= keys:
            return shape
    return kind


SHAPES = (
    ("final_shift", {"user_pk", "shift_start"}),
    ("policy", {"escalation_chain_id", "type"}),
    ("notification_rule", {"user_id", "type"}),
    ("shift", {"type", "start", "duration"}),
    ("schedule", {"name", "type"}),
    ("user", {"username"}),
    ("chain", {"name", "id"}),
)


def convert(exported: Sequence[tuple[str, Section]], build: Builder) -> None:
    """Add the objects of an export. Users come first, since others refer to them."""
    kinds = ByKind([(kind_of(kind, section), section) for kind, section in exported])
    for section in kinds.of("user"):
        _user(section, build)
    _notification_rules(kinds, build)
    shifts = {section.text("id"): section for section in kinds.of("shift")}
    for section in kinds.of("schedule"):
        _schedule(section, shifts, build)
    _remark_unused(shifts.values(), kinds)
    for section in kinds.of("final_shift"):
        _final_shift(section, build)
    _chains(kinds, build)
    kinds.rest({kind for kind, _ in SHAPES})


def _user(section: Section, build: Builder) -> None:
    person = build.person(
        section.text("id"), section.text("username"), build.email(section, "email")
    )
    for account in section.sections("slack"):
        person.slack = account.text("user_id")
    if "timezone" in section:
        person.time_zone = build.zone(section, "timezone")


def _notification_rules(kinds: ByKind, build: Builder) -> None:
    """The notification steps of each person. Important ones apply to urgent incidents."""
    steps: dict[tuple[str, bool], list[Section]] = {}
    for section in kinds.of("notification_rule"):
        steps.setdefault((section.text("user_id"), section.flag("important")), []).append(section)
    for (user, important), sections in steps.items():
        person, after = build.person(user, ""), 0
        for section in sorted(sections, key=lambda section: section.number("position")):
            type_ = section.text("type")
            if type_ == "wait":
                after += int(section.number("duration"))
            elif via := VIAS.get(type_):
                person.methods.append(
                    ContactMethod(via, after, ("P0", "P1") if important else ("P2", "P3"))
                )
            else:
                section.leave_out(f"{person.name}: no counterpart of {type_}: left out")


# --- schedules


def _schedule(section: Section, shifts: dict[str, Section], build: Builder) -> None:
    id_, name = section.text("id"), section.text("name")
    zone = build.zone(section, "time_zone")
    if section.text("type") == "ical":
        message = f"schedule '{name}' is an iCal URL: give a layer `calendar: {{url: …}}`"
        section.report.add(section.place, message)
    used = [shifts[text] for text in section.texts("shifts") if text in shifts]
    for missing in [text for text in section.texts("shifts") if text not in shifts]:
        section.report.add(section.place, f"the export has no shift '{missing}' of '{name}'")
    ordered = sorted(used, key=lambda layer: layer.number("level"))
    repeated = [
        shift for shift in ordered if shift.text("type") not in {"override", "single_event"}
    ]
    layers = [layer for shift in repeated for layer in _turns(shift, zone, build)]
    build.schedule(id_, name, zone, layers, section.place)
    for shift in ordered:
        if shift.text("type") in {"override", "single_event"}:
            _single(shift, id_, zone, build)
    section.skip("ical_url_primary", "ical_url_overrides")


def _turns(shift: Section, zone: str, build: Builder) -> Iterator[tuple[str, Turns]]:
    zone = build.zone(shift, "time_zone") if "time_zone" in shift else zone
    start, until = moment(shift, "rotation_start", zone), moment(shift, "until", zone)
    start = moment(shift, "start", zone) if start is None else start
    frequency = shift.text("frequency")
    for key in ("by_month", "by_monthday"):
        if shift.items(key):
            shift.remark(
                key, f"`{key}`: a layer can't recur by month, so '{shift.text('name')}' does"
            )
    if start is None or (until and until <= build.now):
        shift.leave_out()
        return
    if until:
        shift.remark("until", f"the shift ends at {shift.text('until')}: remove it then")
    people = list(_people(shift, build))
    first = int(shift.number("start_rotation_from_user_index"))
    people = [*people[first:], *people[:first]]
    unit = UNITS.get(frequency, 0)
    length = int(shift.number("interval", 1)) * unit
    begin = _week_start(shift, local(start, zone)) if shift.texts("by_day") else local(start, zone)
    made = build.turns(people, begin.replace(tzinfo=start.tzinfo), length, zone, shift.place)
    if made is None:
        return
    seconds = int(shift.number("duration"))
    at = local(moment(shift, "start", zone) or start, zone)
    spans = _spans(shift, at, seconds // 60, unit)
    yield shift.text("name"), Turns(made.people, begin, made.seconds, zone, spans)
    shift.skip("type", "level", "week_start")


def _week_start(shift: Section, start: datetime) -> datetime:
    """Start turns by weekdays at the beginning of the week."""
    first = WEEKDAYS.index(shift.text("week_start", "SU"))
    midnight = start.replace(hour=0, minute=0)
    return midnight - timedelta(days=(midnight.weekday() - first) % 7)


def _spans(shift: Section, at: datetime, minutes: int, unit: int) -> tuple[Span, ...]:
    """The parts of the week in which somebody is on call; () for the whole week."""
    if minutes * 60 >= unit and not shift.texts("by_day"):
        return ()
    start = at.hour * 60 + at.minute
    if days := shift.texts("by_day"):
        return daily(start, minutes, [WEEKDAYS.index(day) for day in days if day in WEEKDAYS])
    if unit == WEEK_SECONDS:
        begin = at.weekday() * DAY + start
        return (Span(begin, begin + minutes),)
    return daily(start, minutes)


def _people(shift: Section, build: Builder) -> Iterator[str]:
    """One person of each turn."""
    for group in shift.items("rolling_users"):
        ids = Section.of(group.place, {"ids": group}, shift.report).texts("ids")
        if len(ids) > 1:
            message = f"{len(ids)} people share a turn: only the first is on call here"
            shift.report.add(group.place, message)
        if ids:
            yield build.known(ids[0], group.place)
    for id_ in shift.texts("users")[:1]:
        yield build.known(id_, shift.at("users"))
    if len(shift.texts("users")) > 1:
        shift.remark("users", "several people are on call together: only the first is on call here")


def _remark_unused(shifts: Iterable[Section], kinds: ByKind) -> None:
    """Report the shifts that no schedule names."""
    used = {id_ for schedule in kinds.of("schedule") for id_ in schedule.texts("shifts")}
    for shift in shifts:
        if shift.text("id") not in used:
            name = shift.text("name") or shift.text("id")
            shift.leave_out(f"shift '{name}' is in no schedule of the export: left out")


def _single(shift: Section, schedule: str, zone: str, build: Builder) -> None:
    zone = build.zone(shift, "time_zone") if "time_zone" in shift else zone
    start = moment(shift, "start", zone)
    for person in list(_people(shift, build))[:1]:
        if start:
            end = start + timedelta(seconds=shift.number("duration"))
            build.change(schedule, Change(person, start, end), shift.place)


def _final_shift(section: Section, build: Builder) -> None:
    start, end = moment(section, "shift_start"), moment(section, "shift_end")
    schedules = list(build.setup.schedules)
    schedule = section.text("schedule_id") or (schedules[0] if len(schedules) == 1 else "")
    if not schedule:
        message = "shifts of an unknown schedule: add its `schedule_id` to each to compare them"
        section.report.add(section.place, message)
    elif start and end:
        person = build.known(section.text("user_pk"), section.place, section.text("user_username"))
        build.shift(schedule, person, start, end)


# --- policies


def _chains(kinds: ByKind, build: Builder) -> None:
    names = {section.text("id"): section.text("name") for section in kinds.of("chain")}
    steps: dict[str, list[Section]] = {}
    for section in kinds.of("policy"):
        steps.setdefault(section.text("escalation_chain_id"), []).append(section)
    for section in kinds.of("chain"):
        if section.text("id") not in steps:
            message = f"chain '{section.text('name')}' has no steps in the export: left out"
            section.report.add(section.place, message)
    for id_, sections in steps.items():
        _chain(id_, names.get(id_) or id_, sections, build)


def _chain(id_: str, name: str, sections: Sequence[Section], build: Builder) -> None:
    after, times, stages = 0, 0, []
    for section in sorted(sections, key=lambda section: section.number("position")):
        type_ = section.text("type")
        if type_ == "wait":
            after += int(section.number("duration"))
        elif type_ == "repeat_escalation":
            times = REPEATS
        else:
            stages.append(Stage(after, _targets(type_, section, build)))
    build.policy(id_, name, stages, sections[0].place, (after, times))


def _targets(type_: str, section: Section, build: Builder) -> tuple[str, ...]:
    if type_ == "notify_on_call_from_schedule":
        return build.targets(section.text("notify_on_call_from_schedule"), section.place)
    if type_ in {"notify_persons", "notify_person_next_each_time"}:
        if type_ != "notify_persons":
            section.report.add(
                section.place, "OnCall notifies one person in turn: here everybody is notified"
            )
        ids = section.texts("persons_to_notify") or section.texts(f"persons_to_{type_[7:]}")
        ids = ids or section.texts("persons_to_notify_next_each_time")
        return tuple(f"contact:{build.known(id_, section.place)}" for id_ in ids)
    section.leave_out(f"the step {type_} is left out")
    return ()
