"""Contacts and schedules, as they're written in YAML."""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from router.config.convert import Context, convert
from router.config.located import load
from router.config.people import (
    EXPECTED,
    PARSERS,
    ContactConfig,
    Email,
    Phone,
    ScheduleConfig,
    calendars,
    people,
    schedules,
)
from router.config.scalar import FAILED
from router.config.schema import json_schema
from router.config.shapes import Hooks
from router.config.times import DAYS
from router.core.oncall.rotation import Handover, Rotate, Rotation
from router.core.oncall.schedule import Imported, Layer, Override, Restriction, Schedule
from router.core.outbox.rate_limit import Limit
from router.model.scalars import Day, Moment, Time, TimeZone, Weekdays

HOOKS = Hooks(parsers=PARSERS, expected=EXPECTED)
LONDON = TimeZone("Europe/London")


class People(Struct, frozen=True, kw_only=True):
    """The part of a config under test."""

    contacts: dict[str, ContactConfig] = {}
    roles: dict[str, list[str]] = {}
    schedules: dict[str, ScheduleConfig] = {}


def read(text: str) -> tuple[Any, list[str]]:
    problems: list[Any] = []
    node = load(text, "config.yaml", problems)
    assert node is not None
    found = convert(node, People, Context(env={}, base=Path(), hooks=HOOKS, problems=problems))
    return found, [problem.message for problem in problems]


def layer(more: str) -> str:
    return f"schedules: {{primary: {{layers: [{{{more}}}]}}}}"


RIGHT = [
    (Email, "ana@example.com", "ana@example.com"),
    (Email, "a.b+oncall@mail.example.co.uk", "a.b+oncall@mail.example.co.uk"),
    (Phone, "+442071838750", "+442071838750"),
    (Time, "09:00", 540),
    (Time, "9:05", 545),
    (Time, "00:00", 0),
    (Time, "24:00", 1440),
    (Weekdays, "Mon", {0}),
    (Weekdays, "sunday", {6}),
    (Weekdays, "Mon-Fri", {0, 1, 2, 3, 4}),
    (Weekdays, "Fri - Mon", {4, 5, 6, 0}),
    (Weekdays, "wed-wed", {2}),
    (Handover, "09:00", Handover(540)),
    (Handover, "Mon 09:00", Handover(540, 0)),
    (Handover, "friday 17:30", Handover(1050, 4)),
    (Day, "2028-02-29", date(2028, 2, 29)),
    (Moment, "2026-12-24 09:00", datetime.fromisoformat("2026-12-24 09:00")),
    (Moment, "2026-12-24T09:00Z", datetime(2026, 12, 24, 9, tzinfo=UTC)),
    (
        Moment,
        "2026-12-24T09:00:30+05:30",
        datetime(2026, 12, 24, 9, 0, 30, tzinfo=timezone(timedelta(minutes=330))),
    ),
]


@pytest.mark.parametrize(("type_", "text", "value"), RIGHT)
def test_what_is_right_is_read(type_: Any, text: str, value: object) -> None:
    """Each type has its own way to be written."""
    assert PARSERS[type_](text) == value


EMAIL = "expected an address such as ana@example.com, found "
PHONE = "expected a number such as +442071838750 (a plus, the country, no spaces), found "
TIME = "expected a time of day such as 09:00 or 17:30, found "
DAYS_ = "expected a weekday such as Mon, or a range such as Mon-Fri, found "
HANDOVER = "expected a handover such as 'Mon 09:00' or '09:00', found "
DAY = "expected a day such as 2026-11-23, found "
MOMENT = "expected a time such as '2026-11-23 09:00' (local) or '2026-11-23T09:00Z', found "
WRONG = [
    *[
        (Email, text, EMAIL)
        for text in ("", "ana", "ana@host", "Ana <ana@example.com>", "a@b.c, d@e.f", "a@b@c.d")
    ],
    *[
        (Phone, text, PHONE)
        for text in ("", "02071838750", "+44 20 7183 8750", "+0123456789", "+1234567890123456")
    ],
    *[(Time, text, TIME) for text in ("", "9", "09:60", "24:01", "9am", "-1:00", "09:00:00")],
    *[
        (Weekdays, text, DAYS_)
        for text in ("", "Mo", "monkey", "Mon-", "Mon-Fri-Sat", "Mon,Tue", "weekend")
    ],
    *[
        (Handover, text, HANDOVER)
        for text in ("", "Mon", "Mon 25:00", "24:00", "Moon 09:00", "09:00 Mon")
    ],
    *[(Day, text, DAY) for text in ("", "2027-02-29", "23/11/2026", "monday")],
    *[
        (Moment, text, MOMENT)
        for text in ("", "2026-11-23", "tomorrow", "2026-11-23 25:00", "09:00")
    ],
]


@pytest.mark.parametrize(("type_", "text", "message"), WRONG)
def test_what_is_wrong_is_said_with_what_to_write(type_: Any, text: str, message: str) -> None:
    """The message names the right form and what was found instead."""
    with pytest.raises(ValueError, match=f"^{re.escape(message + repr(text))}$"):
        PARSERS[type_](text)


SHAPES = [
    (
        "rotate: daily, contacts: [ana]",
        "missing key 'handover' (expected a handover such as 'Mon 09:00' or '09:00')",
    ),
    ("rotate: daily, handover: '09:00', contacts: []", "the layer has no contacts to take turns"),
    (
        "rotate: weekly, handover: '09:00', contacts: [ana]",
        "turns of whole weeks change hands on a weekday: write `handover: Mon 09:00`",
    ),
    (
        "rotate: custom, every: 2w, handover: '09:00', contacts: [ana]",
        "turns of whole weeks change hands on a weekday: write `handover: Mon 09:00`",
    ),
    (
        "rotate: daily, handover: Mon 09:00, contacts: [ana]",
        "only turns of whole weeks change hands on a weekday: write `handover: 09:00`",
    ),
    (
        "rotate: custom, every: 3d, handover: Mon 09:00, contacts: [ana]",
        "only turns of whole weeks change hands on a weekday: write `handover: 09:00`",
    ),
    (
        "rotate: custom, handover: '09:00', contacts: [ana]",
        "`every` is the length of a turn with `rotate: custom`, and only with it",
    ),
    (
        "rotate: daily, every: 2d, handover: '09:00', contacts: [ana]",
        "`every` is the length of a turn with `rotate: custom`, and only with it",
    ),
    (
        "rotate: custom, every: 30m, handover: '09:00', contacts: [ana]",
        "`every` must be whole minutes, and at least 1h",
    ),
    (
        "rotate: custom, every: 0s, handover: '09:00', contacts: [ana]",
        "`every` must be whole minutes, and at least 1h",
    ),
    (
        "rotate: custom, every: 1h30s, handover: '09:00', contacts: [ana]",
        "`every` must be whole minutes, and at least 1h",
    ),
    (
        "rotate: hourly, handover: '09:00', contacts: [ana]",
        "unknown value 'hourly' (expected one of: daily, weekly, weekdays, custom)",
    ),
    (
        "rotate: daily, handover: '09:00', contacts: [ana], restrict: [{from: '24:00'}]",
        "`from` can't be 24:00: write 00:00 of the next day",
    ),
    (
        "rotate: daily, handover: '09:00', contacts: [ana], restrict: [{days: Mon-Fri}]",
        "expected a list, found a single value",
    ),
]


@pytest.mark.parametrize(("written", "message"), SHAPES)
def test_a_layer_that_makes_no_sense_is_refused(written: str, message: str) -> None:
    """Each mistake is one message, at the layer."""
    found, problems = read(layer(written))
    assert (found, problems) == (FAILED, [message])


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (
            "{contact: ana, from: 2026-12-25 09:00, to: 2026-12-24 09:00}",
            "the override ends before it begins",
        ),
        (
            "{contact: ana, from: 2026-12-24 09:00, to: 2026-12-24 09:00}",
            "the override ends before it begins",
        ),
        (
            "{contact: ana, from: 2026-12-24 09:00, to: 2026-12-25T09:00Z}",
            "write both `from` and `to` as local times, or both with an offset",
        ),
        ("{from: 2026-12-24 09:00, to: 2026-12-25 09:00}", "missing key 'contact' (expected text)"),
    ],
)
def test_an_override_that_makes_no_sense_is_refused(written: str, message: str) -> None:
    """An override names its contact and both times."""
    found, problems = read(f"schedules: {{primary: {{layers: [], overrides: [{written}]}}}}")
    assert (found, problems) == (FAILED, [message])


def test_a_contact_s_addresses_are_checked() -> None:
    """All errors of a contact are reported together."""
    _, problems = read(
        "contacts: {ana: {email: ana, phone: 020, time_zone: Europe/Lodnon, slack: U123}}"
    )
    assert len(problems) == 3


def test_a_limit_holds_nothing_for_longer_than_an_hour() -> None:
    """A longer window still holds a message for an hour at most."""
    found, _ = read("contacts: {ana: {throttle: 3/10m}, ben: {}}")
    assert people(found.contacts, {}, {}, LONDON).limits == {"ana": Limit(3, 600.0)}
    _, problems = read("contacts: {ana: {throttle: 1/2h}}")
    assert problems == ["`throttle` takes a period of at most 60m: a message may wait that long"]


WRITTEN = """
contacts:
  ana:
    name: Ana
    email: ana@example.com
    phone: "+442071838750"
    slack: U123
    time_zone: Europe/London
  ben: {}
roles: {cto: [ana]}
schedules:
  primary:
    time_zone: America/New_York
    layers:
      - {rotate: weekly, handover: Mon 09:00, contacts: [ana, ben], start: 2026-01-05}
      - rotate: custom
        every: 12h
        handover: 08:00
        contacts: [ben]
        time_zone: Asia/Kolkata
        restrict:
          - {days: [Sat, Sun]}
          - {days: [Mon-Fri], from: 22:00, to: 06:00}
          - {from: 12:00, to: 13:00}
    overrides:
      - {contact: ben, from: 2026-12-24 09:00, to: 2026-12-25 09:00, replaces: ana}
      - {contact: "", from: 2026-12-31T00:00Z, to: 2027-01-01T00:00Z}
  secondary:
    layers: [{rotate: weekdays, handover: 09:00, contacts: [ana]}]
"""


def test_documents_become_what_the_core_is_told() -> None:
    """Times of day as minutes, moments as seconds since the epoch by the schedule's clock, zones
    filled in.
    """
    found, problems = read(WRITTEN)
    assert problems == []
    assert found.contacts["ana"] == ContactConfig(
        name="Ana",
        email=Email("ana@example.com"),
        phone=Phone("+442071838750"),
        slack="U123",
        time_zone=LONDON,
    )
    assert found.roles == {"cto": ["ana"]}
    primary = Schedule(
        "primary",
        "America/New_York",
        (
            Layer(
                Rotation(Rotate.WEEKLY, Handover(540, 0), ("ana", "ben"), start=date(2026, 1, 5))
            ),
            Layer(
                Rotation(Rotate.CUSTOM, Handover(480), ("ben",), every=43_200.0),
                (
                    Restriction(days=frozenset({5, 6})),
                    Restriction(22 * 60, 6 * 60, frozenset({0, 1, 2, 3, 4})),
                    Restriction(12 * 60, 13 * 60),
                ),
                "Asia/Kolkata",
            ),
        ),
        (
            Override(
                "ben",
                *[datetime(2026, 12, day, 14, tzinfo=UTC).timestamp() for day in (24, 25)],
                "ana",
            ),
            Override(
                "",
                datetime(2026, 12, 31, tzinfo=UTC).timestamp(),
                datetime(2027, 1, 1, tzinfo=UTC).timestamp(),
            ),
        ),
    )
    secondary = Schedule(
        "secondary", LONDON, (Layer(Rotation(Rotate.WEEKDAYS, Handover(540), ("ana",))),)
    )
    assert schedules(found.schedules, LONDON) == {"primary": primary, "secondary": secondary}


CALENDAR = "calendar: {url: 'https://calendar.example.com/pr1vate.ics'}"


def test_a_calendar_is_a_layer() -> None:
    """It's identified by a digest of its secret URL; two schedules with the same URL share it."""
    text = (
        f"schedules: "
        f"{{a: {{layers: [{{{CALENDAR}, time_zone: Asia/Kolkata}}]}}, b: {{layers: [{{{CALENDAR}, "
        "restrict: [{days: [Mon]}]}]}}"
    )
    found, problems = read(text)
    assert problems == []
    ((source, calendar),) = calendars(found.schedules).items()
    assert (calendar.schedules, calendar.url.reveal()) == (
        ("a", "b"),
        "https://calendar.example.com/pr1vate.ics",
    )
    read_ = schedules(found.schedules, LONDON)
    assert read_["a"].layers == (Layer(Imported(source), (), "Asia/Kolkata"),)
    assert read_["b"].layers == (Layer(Imported(source), (Restriction(days=frozenset({0})),)),)
    assert "pr1vate" not in repr(found) + source


@pytest.mark.parametrize(
    ("written", "said"),
    [
        (
            "calendar: {url: 'http://calendar.example.com/a.ics'}",
            "http is only for a loopback host",
        ),
        ("calendar: {url: 'webcal://calendar.example.com/a.ics'}", "expected an https URL"),
        ("calendar: {}", "missing key 'url'"),
        (
            "calender: {url: 'https://example.com/'}, time_zone: UTC",
            "unknown key 'calender', did you mean 'calendar'?",
        ),
        (f"{CALENDAR}, rotate: daily", "unknown key 'rotate'"),
        ("rotate: daily, handover: '09:00'", "missing key 'contacts'"),
    ],
)
def test_a_layer_is_either_a_rotation_or_a_calendar(written: str, said: str) -> None:
    """The error is about the kind that was likely intended, and doesn't quote the URL."""
    _, problems = read(layer(written))
    assert any(said in problem for problem in problems), problems
    assert "calendar.example.com" not in str(problems)


def test_what_two_contacts_are_called_is_neither_s() -> None:
    """Key, name and e-mail in lower case, each only if it belongs to a single contact."""
    found, _ = read(
        "contacts: {ana: {name: Ana Lima, email: Ana@example.com}, ben: {name: Ana Lima}, "
        "cy: {name: BEN}}"
    )
    called = people(found.contacts, {}, {}, LONDON).called
    assert called == {"ana": "ana", "ana@example.com": "ana", "cy": "cy"}


def test_an_editor_is_told_what_may_be_written() -> None:
    """The schema has every key of a schedule."""
    definitions = json_schema(People, HOOKS)["$defs"]
    assert set(definitions["people.LayerConfig"]["properties"]) == {
        "rotate", "every", "handover", "contacts", "start", "restrict", "time_zone",
    }  # fmt: skip
    assert definitions["people.OverrideConfig"]["required"] == ["contact", "from", "to"]


def test_weekdays_are_counted_as_python_does() -> None:
    """`date.weekday` is what the core holds them against."""
    assert [f"{date(2026, 11, 23) + timedelta(days=day):%A}".lower() for day in range(7)] == list(
        DAYS
    )
