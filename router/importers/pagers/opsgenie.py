"""Opsgenie: answers of its REST API, the files of its backup tool, or Terraform's resources.

https://docs.opsgenie.com/docs/api-overview. Answers don't name the kind of object, so it's
recognized by its keys.
"""

from collections.abc import Iterator, Sequence

from router.config.times import DAYS
from router.importers.pagers.build import Builder, ByKind, moment
from router.importers.pagers.model import DAY as DAY_SECONDS
from router.importers.pagers.model import HOUR, Change, ContactMethod, Stage, Turns
from router.importers.pagers.model import WEEK as WEEK_SECONDS
from router.importers.pagers.week import DAY, Span, between, daily
from router.importers.source import Section

UNITS = {"hourly": HOUR, "daily": DAY_SECONDS, "weekly": WEEK_SECONDS}
VIAS = {"email": "mail", "sms": "text", "voice": "call"}
MINUTES = {"minutes": 1, "hours": 60, "days": 1440, "": 1}
QUIET = (
    "id", "name", "description", "enabled", "ownerTeam", "createdAt", "role", "locale",
    "blocked", "verified", "tags", "userAddress", "details", "_parent", "links",
    "skypeUsername", "invitationDisabled", "mutedUntil", "type", "order", "username",
    "fullName", "took", "requestId", "expandable", "to",
)  # fmt: skip
"""Keys that don't affect who is on call or who is notified."""


def kind_of(section: Section) -> str:
    """The kind of an object, by its keys."""
    for kind, keys in SHAPES:
        if all(key in section.keys for key in keys):
            return kind
    return ""


SHAPES = (
    ("timeline", ("finalTimeline",)),
    ("schedule", ("timezone", "rotations")),
    ("schedule", ("timezone", "enabled", "name")),
    ("escalation", ("rules", "name")),
    ("user", ("username", "fullName")),
    ("contact", ("method", "to")),
    ("override", ("user", "startDate", "endDate")),
    ("rule", ("actionType", "steps")),
    ("team", ("members", "name")),
)


def convert(exported: Sequence[tuple[str, Section]], build: Builder) -> None:
    """Add the objects of an export. Users come first, since others refer to them."""
    kinds = ByKind([(kind_of(section), section) for _, section in exported])
    for section in kinds.of("user"):
        _user(section, build)
    for section in kinds.of("contact"):
        _contact(section, section.text("username"), build)
    for section in kinds.of("rule"):
        _notification_rule(section, section.text("username"), build)
    for section in kinds.of("schedule"):
        _schedule(section, build)
    for section in kinds.of("override"):
        _override(section, build)
    for section in kinds.of("timeline"):
        _timeline(section, build)
    for section in kinds.of("escalation"):
        _escalation(section, build)
    for section in kinds.of("team"):
        message = f"team '{section.text('name')}': the policy of a rule decides who is notified"
        section.leave_out(f"{message}, so teams are left out")
    _remark_disabled(exported)
    kinds.rest({kind for kind, _ in SHAPES})


def _remark_disabled(exported: Sequence[tuple[str, Section]]) -> None:
    for _, section in exported:
        if not section.flag("enabled", default=True):
            section.remark("enabled", "it is disabled in Opsgenie, but active here")


# --- people


def _user(section: Section, build: Builder) -> None:
    email = build.email(section, "username")
    person = build.person(section.text("id") or email, section.text("fullName"), email)
    build.setup.people.setdefault(section.text("username"), person)
    key = next((key for key in ("timeZone", "timezone") if key in section), "")
    if key:
        person.time_zone = build.zone(section, key)
    for contact in section.sections("userContacts"):
        _contact(contact, section.text("username"), build)
    for rule in section.sections("notificationRules"):
        _notification_rule(rule, section.text("username"), build)


def _contact(section: Section, username: str, build: Builder) -> None:
    person = build.person(username, "")
    method = section.text("method") or section.text("contactMethod")
    via = VIAS.get(method)
    if via is None:
        section.leave_out(f"{person.name}: no counterpart of {method}: left out")
    elif via != "mail":
        build.phone(person, section.text("to"), section.place)


def _notification_rule(section: Section, username: str, build: Builder) -> None:
    person = build.person(username, "")
    if section.text("actionType") != "create-alert":
        section.leave_out(f"{section.text('actionType')} of {person.name}: left out")
        return
    for step in section.sections("steps"):
        if not step.flag("enabled", default=True):
            step.leave_out(f"{person.name}: a step that is disabled in Opsgenie is left out")
            continue
        method = step.section("contact").text("method")
        via = VIAS.get(method)
        if via is None:
            step.leave_out(f"{person.name}: no counterpart of {method}: left out")
            continue
        after = step.section("sendAfter")
        unit = MINUTES.get(after.text("timeUnit"), 1)
        if via == "mail" or person.phone:
            person.methods.append(ContactMethod(via, int(after.number("timeAmount")) * unit * 60))
    if "criteria" in section and section.section("criteria").text("type") != "match-all":
        section.remark("criteria", f"{person.name}: this rule is for all alerts here")


# --- schedules


def _schedule(section: Section, build: Builder) -> None:
    id_, name = section.text("id"), section.text("name")
    zone = build.zone(section, "timezone")
    layers = [
        turn for rotation in section.sections("rotations") for turn in _turns(rotation, zone, build)
    ]
    build.parallel(id_, name, zone, layers, section.place)
    build.setup.schedules.setdefault(name, build.setup.schedules[id_])


def _turns(rotation: Section, zone: str, build: Builder) -> Iterator[tuple[str, Turns]]:
    start, end = moment(rotation, "startDate"), moment(rotation, "endDate")
    if end and end <= build.now:
        rotation.leave_out(f"the rotation ended at {rotation.text('endDate')}: left out")
        return
    if end:
        rotation.remark(
            "endDate", f"the rotation ends at {rotation.text('endDate')}: remove it then"
        )
    if start and start > build.now:
        rotation.remark("startDate", f"the rotation begins at {rotation.text('startDate')}")
    people = [
        person for who in rotation.sections("participants") for person in _participant(who, build)
    ]
    length = int(rotation.number("length", 1)) * UNITS.get(rotation.text("type"), 0)
    if start and (made := build.turns(people, start, length, zone, rotation.place)):
        spans = _spans(rotation.section("timeRestriction"))
        yield (
            rotation.text("name") or "rotation",
            Turns(made.people, made.start, made.seconds, made.zone, spans),
        )
    else:
        rotation.leave_out()


def _participant(section: Section, build: Builder) -> Iterator[str]:
    kind = section.text("type", "user")
    if kind == "user":
        id_ = section.text("id") or section.text("username")
        yield build.known(id_, section.place, section.text("username") or section.text("name"))
    else:
        message = f"a turn of {kind} {section.text('name') or section.text('id')}: left out"
        section.leave_out(f"{message}, so later turns begin earlier")


def _spans(restriction: Section) -> tuple[Span, ...]:
    """The parts of the week; () for the whole week."""
    if restriction.text("type") == "weekday-and-time-of-day":
        return tuple(
            between(_edge(section, "start"), _edge(section, "end"))
            for section in restriction.sections("restrictions")
        )
    spans: tuple[Span, ...] = ()
    for section in restriction.sections("restriction"):
        start, end = _minute(section, "start"), _minute(section, "end")
        spans += daily(start, (end - start - 1) % DAY + 1)
    return spans


def _edge(section: Section, which: str) -> tuple[int, int]:
    day = section.text(f"{which}Day").casefold()
    return (DAYS.index(day) if day in DAYS else 0), _minute(section, which)


def _minute(section: Section, which: str) -> int:
    return int(section.number(f"{which}Hour")) * 60 + int(section.number(f"{which}Min"))


def _override(section: Section, build: Builder) -> None:
    start, end = moment(section, "startDate"), moment(section, "endDate")
    parent = section.section("_parent") if "_parent" in section else section.section("schedule")
    ids = {id(schedule): key for key, schedule in build.setup.schedules.items()}
    only = next(iter(ids.values())) if len(ids) == 1 else "unknown"
    for person in _participant(section.section("user"), build):
        if start and end:
            schedule = parent.text("id") or parent.text("name") or only
            build.change(schedule, Change(person, start, end), section.place)


def _timeline(section: Section, build: Builder) -> None:
    parent = section.section("_parent")
    section.skip("startDate", "endDate")
    for rotation in section.section("finalTimeline").sections("rotations"):
        for period in rotation.sections("periods"):
            start, end = moment(period, "startDate"), moment(period, "endDate")
            recipient = period.section("recipient")
            if start and end and recipient.text("type", "user") == "user":
                for person in _participant(recipient, build):
                    build.shift(parent.text("id") or parent.text("name"), person, start, end)


# --- policies


def _escalation(section: Section, build: Builder) -> None:
    stages = [stage for rule in section.sections("rules") for stage in _stage(rule, build)]
    repeat = section.section("repeat")
    every, times = int(repeat.number("waitInterval")) * 60, int(repeat.number("count"))
    if repeat.flag("closeAlertAfterAll"):
        repeat.remark("closeAlertAfterAll", "an incident isn't closed after the last repetition")
    name = section.text("name")
    build.policy(
        section.text("id") or name, name, stages, section.place, (every, times if every else 0)
    )


def _stage(rule: Section, build: Builder) -> Iterator[Stage]:
    delay = rule.section("delay")
    after = int(delay.number("timeAmount")) * MINUTES.get(delay.text("timeUnit"), 1) * 60
    recipient = rule.section("recipient")
    kind, way = recipient.text("type"), rule.text("notifyType", "default")
    id_ = recipient.text("id") or recipient.text("username") or recipient.text("name")
    targets: tuple[str, ...] = ()
    if kind == "user":
        targets = (f"contact:{build.known(id_, recipient.place, recipient.text('username'))}",)
    elif kind == "schedule" and way == "default":
        targets = build.targets(id_, recipient.place)
    else:
        message = f"notifying {way} of {kind} '{recipient.text('name') or id_}' is left out"
        rule.leave_out(message)
    yield Stage(after, targets, rule.text("condition", "if-not-acked") == "if-not-acked")
