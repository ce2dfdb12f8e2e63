"""PagerDuty: answers of its REST API, such as `GET /schedules/ID`, or Terraform's resources.

https://developer.pagerduty.com/api-reference
"""

from collections.abc import Iterator, Sequence

from router.importers.pagers.build import Builder, ByKind, moment
from router.importers.pagers.model import Change, ContactMethod, Service, Stage, Turns
from router.importers.pagers.week import DAY, Span, daily
from router.importers.source import Section

VIAS = {
    "email_contact_method": "mail",
    "sms_contact_method": "text",
    "phone_contact_method": "call",
}
URGENCIES = {"high": ("P0", "P1"), "low": ("P2", "P3")}
QUIET = (
    "self", "html_url", "id", "summary", "type", "description", "teams", "created_at",
    "updated_at", "name", "avatar_url", "color", "job_title", "role", "billed",
    "invitation_sent",
)  # fmt: skip
"""Keys that don't affect who is on call or who is notified."""


def convert(exported: Sequence[tuple[str, Section]], build: Builder) -> None:
    """Add the objects of an export. Users come first, since others refer to them."""
    kinds = ByKind(exported)
    for section in kinds.of("users", "user"):
        _user(section, build)
    for section in kinds.of("schedules", "schedule"):
        _schedule(section, build)
    for section in kinds.of("overrides"):
        _override(section, section.section("schedule").text("id"), build)
    for section in kinds.of("escalation_policies", "escalation_policy"):
        _policy(section, build)
    for section in kinds.of("services", "service"):
        _service(section, build)
    kinds.rest(READ)


READ = frozenset({
    "users", "user", "schedules", "schedule", "overrides", "escalation_policies",
    "escalation_policy", "services", "service",
})  # fmt: skip


def _user(section: Section, build: Builder) -> None:
    person = build.person(section.text("id"), section.text("name"), build.email(section, "email"))
    if "time_zone" in section:
        person.time_zone = build.zone(section, "time_zone")
    methods: dict[str, str] = {}
    for method in section.sections("contact_methods"):
        via = VIAS.get(method.text("type").removesuffix("_reference"))
        if via is None:
            shown = method.text("type").partition("_contact_method")[0]
            method.leave_out(f"{person.name}: no counterpart of {shown}: left out")
        elif via == "mail":
            methods[method.text("id")] = via
        elif "address" in method:
            number = f"{method.text('country_code')}{method.text('address')}"
            if build.phone(person, number, method.place):
                methods[method.text("id")] = via
    for rule in section.sections("notification_rules"):
        method = rule.section("contact_method")
        via = methods.get(method.text("id")) or VIAS.get(method.text("type"))
        if via is None:
            shown = method.text("type").partition("_contact_method")[0]
            rule.leave_out(f"{person.name}: no counterpart of {shown} in a rule: left out")
        elif via == "mail" or person.phone:
            delay = int(rule.number("start_delay_in_minutes")) * 60
            person.methods.append(
                ContactMethod(via, delay, URGENCIES.get(rule.text("urgency"), ()))
            )
    section.skip("coordinated_incidents", "locale", "license")


# --- schedules


def _schedule(section: Section, build: Builder) -> None:
    id_, name = section.text("id"), section.text("name") or section.text("summary")
    zone = build.zone(section, "time_zone")
    # The API lists the layer with the highest precedence first; here it's last.
    layers = list(_layers(section, zone, build))[::-1]
    build.schedule(id_, name, zone, layers, section.place)
    entries = section.section("overrides_subschedule").sections("rendered_schedule_entries")
    for entry in entries:
        _override(entry, id_, build)
    for entry in section.section("final_schedule").sections("rendered_schedule_entries"):
        start, end = moment(entry, "start"), moment(entry, "end")
        if start and end:
            build.shift(id_, _user_of(entry, build), start, end)
    section.skip(
        "escalation_policies",
        "users",
        "next_oncall_for_user",
        "http_cal_url",
        "web_cal_url",
        "personal_web_cal_url",
        "schedule_users",
    )


def _layers(section: Section, zone: str, build: Builder) -> Iterator[tuple[str, Turns]]:
    for layer in section.sections("schedule_layers"):
        end, start = moment(layer, "end"), moment(layer, "start")
        if end and end.timestamp() <= build.now.timestamp():
            layer.leave_out(f"the layer ended at {layer.text('end')}: left out")
            continue
        if end:
            layer.remark("end", f"the layer ends at {layer.text('end')}: remove it then")
        first = moment(layer, "rotation_virtual_start") or start
        people = [_user_of(user, build) for user in layer.sections("users")]
        length = int(layer.number("rotation_turn_length_seconds"))
        if first is None:
            layer.leave_out("the layer has no start: left out")
            continue
        if start and start.timestamp() > max(first.timestamp(), build.now.timestamp()):
            layer.remark("start", f"the layer begins at {layer.text('start')}: add it then")
        turns = build.turns(people, first, length, zone, layer.place)
        if turns:
            spans = tuple(
                span
                for restriction in layer.sections("restrictions")
                for span in _spans(restriction)
            )
            whole = any(not _spans(restriction) for restriction in layer.sections("restrictions"))
            yield layer.text("name") or "layer", _with(turns, () if whole else spans)


def _with(turns: Turns, spans: tuple[Span, ...]) -> Turns:
    return Turns(turns.people, turns.start, turns.seconds, turns.zone, spans)


def _spans(section: Section) -> tuple[Span, ...]:
    """The parts of the week of a restriction; () for the whole week."""
    start = section.minute("start_time_of_day")
    minutes = int(section.number("duration_seconds")) // 60
    if section.text("type") == "weekly_restriction":
        if minutes >= 7 * DAY:
            return ()
        day = int(section.number("start_day_of_week", 1)) - 1
        return (Span(day * DAY + start, day * DAY + start + minutes),)
    return daily(start, minutes)


def _user_of(entry: Section, build: Builder) -> str:
    user = entry.section("user") if "user" in entry else entry
    return build.known(user.text("id"), entry.place, user.text("summary") or user.text("name"))


def _override(entry: Section, schedule: str, build: Builder) -> None:
    start, end = moment(entry, "start"), moment(entry, "end")
    if start and end:
        id_ = schedule or _only(build)
        build.change(id_, Change(_user_of(entry, build), start, end), entry.place)


def _only(build: Builder) -> str:
    """The schedule of an override that doesn't name one: the export's only schedule."""
    ids = list(build.setup.schedules)
    return ids[0] if len(ids) == 1 else "unknown"


# --- policies


def _policy(section: Section, build: Builder) -> None:
    after, stages = 0, []
    for rule in section.sections("escalation_rules"):
        targets = [
            address for target in rule.sections("targets") for address in _targets(target, build)
        ]
        stages.append(Stage(after, tuple(dict.fromkeys(targets))))
        after += int(rule.number("escalation_delay_in_minutes", 30)) * 60
        strategy = rule.section("escalation_rule_assignment_strategy").text("type")
        if strategy == "round_robin":
            rule.report.add(rule.place, "round robin: everybody of the step is notified")
    repeat = after, int(section.number("num_loops"))
    name = section.text("name") or section.text("summary")
    build.policy(section.text("id"), name, stages, section.place, repeat)
    section.skip("services", "on_call_handoff_notifications", "privilege")


def _targets(target: Section, build: Builder) -> tuple[str, ...]:
    id_ = target.text("id")
    if target.text("type", "user_reference").startswith("schedule"):
        return build.targets(id_, target.place)
    return (f"contact:{build.known(id_, target.place, target.text('summary'))}",)


def _service(section: Section, build: Builder) -> None:
    policy = build.setup.policies.get(section.section("escalation_policy").text("id"))
    if policy:
        build.setup.services.append(Service(section.text("name"), policy.key))
    else:
        section.leave_out(f"service '{section.text('name')}': its policy isn't in the export")
