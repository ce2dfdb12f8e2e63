"""GoAlert: answers of its GraphQL API, with the fields that the query selected. No Terraform.

graphql2/schema.graphql of https://github.com/target/goalert
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta

from router.importers.pagers.build import Builder, ByKind, local, moment
from router.importers.pagers.model import DAY as DAY_SECONDS
from router.importers.pagers.model import HOUR, Change, ContactMethod, Service, Stage, Turns
from router.importers.pagers.model import WEEK as WEEK_SECONDS
from router.importers.pagers.week import DAY, Span
from router.importers.source import Section

UNITS = {"hourly": HOUR, "daily": DAY_SECONDS, "weekly": WEEK_SECONDS}
VIAS = {
    "EMAIL": "mail",
    "SMS": "text",
    "VOICE": "call",
    "builtin-smtp-email": "mail",
    "builtin-twilio-sms": "text",
    "builtin-twilio-voice": "call",
}
"""Contact methods by their `type`, or by the type of their `dest`, which replaced it."""

FOREVER = 48
"""Repetitions for a policy that repeats without an end."""

QUIET = (
    "id", "name", "description", "role", "isFavorite", "labels", "assignedTo", "__typename",
    "type", "nextHandoffTimes", "onCallNotificationRules", "notices", "authSubjects", "users",
    "scheduleID", "stepNumber", "displayInfo", "truncated", "formattedValue", "pending", "user",
    "statusUpdates", "addUser", "removeUser", "contactMethod", "escalationPolicy", "onCallUsers",
    "fieldID",
)  # fmt: skip
"""Keys that don't affect who is on call or who is notified."""


def convert(exported: Sequence[tuple[str, Section]], build: Builder) -> None:
    """Add the objects of an export. Users come first, since others refer to them."""
    kinds = ByKind(exported)
    for section in kinds.of("users", "user"):
        _user(section, build)
    rotations = {section.text("id"): section for section in kinds.of("rotations", "rotation")}
    for section in kinds.of("schedules", "schedule"):
        _schedule(section, rotations, build)
    for section in kinds.of("userOverrides"):
        _override(section, section.section("target").text("id"), build)
    for section in kinds.of("escalationPolicies", "escalationPolicy"):
        _policy(section, rotations, build)
    for section in kinds.of("services", "service"):
        policy = build.setup.policies.get(
            section.text("escalationPolicyID") or section.section("escalationPolicy").text("id")
        )
        if policy:
            build.setup.services.append(Service(section.text("name"), policy.key))
        else:
            section.leave_out(f"service '{section.text('name')}': its policy isn't in the export")
    kinds.rest(READ)


READ = frozenset({
    "users", "user", "rotations", "rotation", "schedules", "schedule", "userOverrides",
    "escalationPolicies", "escalationPolicy", "services", "service",
})  # fmt: skip


def _user(section: Section, build: Builder) -> None:
    person = build.person(section.text("id"), section.text("name"), build.email(section, "email"))
    vias: dict[str, str] = {}
    for method in section.sections("contactMethods"):
        dest = method.section("dest")
        type_ = method.text("type") or dest.text("type")
        via = VIAS.get(type_)
        if via is None:
            message = f"{person.name}: no counterpart of {type_ or 'a method without a type'}"
            method.leave_out(f"{message}: left out")
        elif method.flag("disabled"):
            method.leave_out(f"{person.name}: a disabled contact method is left out")
        elif via == "mail" or build.phone(person, _value(method, dest), method.place):
            vias[method.text("id")] = via
    for rule in section.sections("notificationRules"):
        if via := vias.get(
            rule.text("contactMethodID") or rule.section("contactMethod").text("id")
        ):
            person.methods.append(ContactMethod(via, int(rule.number("delayMinutes")) * 60))
        else:
            message = "a rule for a contact method that isn't converted"
            rule.leave_out(f"{person.name}: {message}: left out")


def _value(method: Section, dest: Section) -> str:
    return method.text("value") or _argument(dest)


def _argument(dest: Section) -> str:
    """The only argument of a `Destination`, such as the id of a user."""
    args = dest.pairs("args")
    values = [value.text("value") for value in dest.sections("values")]
    return next(iter([*args.values(), *values]), "")


# --- schedules


def _schedule(section: Section, rotations: dict[str, Section], build: Builder) -> None:
    id_, name = section.text("id"), section.text("name")
    zone = build.zone(section, "timeZone")
    layers = [
        layer
        for assignment in section.sections("targets")
        for layer in _assigned(assignment, zone, rotations, build)
    ]
    build.parallel(id_, name, zone, layers, section.place)
    for shift in section.sections("shifts"):
        start, end = moment(shift, "start"), moment(shift, "end")
        if start and end:
            user = shift.text("userID") or shift.section("user").text("id")
            build.shift(id_, build.known(user, shift.place), start, end)
    for temporary in section.sections("temporarySchedules"):
        for shift in temporary.sections("shifts"):
            _override(shift, id_, build)


def _assigned(
    assignment: Section, zone: str, rotations: dict[str, Section], build: Builder
) -> Iterator[tuple[str, Turns]]:
    """The turns of a rotation or user, in the windows of its rules."""
    target = assignment.section("target")
    spans: list[Span] = []
    for rule in assignment.sections("rules"):
        spans += _spans(rule)
    if not spans:
        assignment.leave_out(f"{target.text('name')} has no rules: left out")
        return
    whole = sum(span.end - span.start for span in spans) >= 7 * DAY
    turns = _of_target(target, zone, rotations, build)
    if turns:
        made = Turns(
            turns.people, turns.start, turns.seconds, turns.zone, () if whole else tuple(spans)
        )
        yield target.text("name") or target.text("id"), made


def _of_target(
    target: Section, zone: str, rotations: dict[str, Section], build: Builder
) -> Turns | None:
    id_ = target.text("id")
    if target.text("type") == "user":
        person = build.known(id_, target.place, target.text("name"))
        start = build.now.replace(hour=0, minute=0, second=0, microsecond=0)
        return build.turns([person], start, DAY_SECONDS, zone, target.place)
    if id_ not in rotations:
        target.report.add(target.place, f"the export has no rotation '{target.text('name')}'")
        return None
    return _rotation(rotations[id_], build)


def _rotation(section: Section, build: Builder) -> Turns | None:
    """The turns, aligned so that the person who is on call now in GoAlert is on call here, too."""
    if section.text("type") not in UNITS:
        name = section.text("name")
        section.leave_out(f"rotation '{name}': turns by {section.text('type')} are left out")
        return None
    zone, start = build.zone(section, "timeZone"), moment(section, "start")
    length = int(section.number("shiftLength", 1)) * UNITS.get(section.text("type"), 0)
    people = [
        build.known(id_, section.place)
        for id_ in section.texts("userIDs")
        or [user.text("id") for user in section.sections("users")]
    ]
    turns = build.turns(people, start, length, zone, section.place) if start else None
    if turns is None or start is None or "activeUserIndex" not in section:
        return turns
    passed = (local(build.now, zone) - turns.start) // timedelta(seconds=length)
    shift = (int(section.number("activeUserIndex")) - passed) % len(people)
    return Turns((*turns.people[shift:], *turns.people[:shift]), turns.start, turns.seconds, zone)


def _spans(rule: Section) -> list[Span]:
    """The windows of a rule. `weekdayFilter` begins with Sunday; equal times mean the whole day."""
    rule.skip("target")  # the same as in the assignment
    start, end = rule.minute("start"), rule.minute("end")
    days = [text.casefold() == "true" for text in rule.texts("weekdayFilter")] or [True] * 7
    length = (end - start - 1) % DAY + 1
    at = [(number - 1) % 7 * DAY + start for number, active in enumerate(days) if active]
    return [Span(begin, begin + length) for begin in sorted(at)]


def _override(section: Section, schedule: str, build: Builder) -> None:
    start, end = moment(section, "start"), moment(section, "end")
    if not start or not end:
        section.leave_out("an override without its start and end is left out")
        return
    added = (
        section.text("addUserID") or section.text("userID") or section.section("addUser").text("id")
    )
    removed = section.text("removeUserID") or section.section("removeUser").text("id")
    person = build.known(added, section.place) if added else ""
    replaced = build.known(removed, section.place) if removed else ""
    if person and not replaced and "addUserID" in section:
        message = "an override adds a person: here that person replaces everybody on call"
        section.report.add(section.place, message)
    build.change(schedule, Change(person, start, end, replaced), section.place)


# --- policies


def _policy(section: Section, rotations: dict[str, Section], build: Builder) -> None:
    after, stages = 0, []
    for step in section.sections("steps"):
        if "actions" in step:
            step.skip("targets")  # the same data for older clients
        named = step.sections("actions" if "actions" in step else "targets")
        targets = [address for target in named for address in _targets(target, rotations, build)]
        if step.flag("multiAck"):
            step.remark("multiAck", "an acknowledgement ends the notifications of this step, too")
        stages.append(Stage(after, tuple(dict.fromkeys(targets))))
        after += int(step.number("delayMinutes")) * 60
    times = int(section.number("repeat"))
    name = section.text("name")
    build.policy(
        section.text("id"), name, stages, section.place, (after, FOREVER if times < 0 else times)
    )


def _targets(target: Section, rotations: dict[str, Section], build: Builder) -> tuple[str, ...]:
    kind = target.text("type").removeprefix("builtin-")
    id_ = target.text("id") or _argument(target)
    name = target.text("name") or target.section("displayInfo").text("text") or id_
    if kind == "schedule":
        return build.targets(id_, target.place)
    if kind == "user":
        return (f"contact:{build.known(id_, target.place, name)}",)
    if kind == "rotation" and id_ in rotations:
        return _rotation_targets(id_, rotations[id_], build)
    target.leave_out(f"notifying {kind} '{name}' is left out")
    return ()


def _rotation_targets(id_: str, rotation: Section, build: Builder) -> tuple[str, ...]:
    """A schedule of only this rotation, for a step that notifies the rotation directly."""
    if id_ not in build.setup.schedules:
        turns = _rotation(rotation, build)
        layers = [("rotation", turns)] if turns else []
        zone = turns.zone if turns else "UTC"
        build.schedule(id_, rotation.text("name"), zone, layers, rotation.place)
    return build.targets(id_, rotation.place)
