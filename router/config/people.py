"""People in the config: contacts, and the on-call schedules that they take turns in."""

import re
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Final, Literal, NewType

from msgspec import Struct, field

from router.config.fields import Duration, Rate, TimeZone
from router.config.secret import SecretUrl
from router.config.times import (
    Day,
    Moment,
    Time,
    Weekdays,
    parse_day,
    parse_handover,
    parse_moment,
    parse_time,
    parse_weekdays,
)
from router.core.oncall.local_time import instant
from router.core.oncall.recipients import ContactMethod, People
from router.core.oncall.rotation import Handover, Rotate, Rotation
from router.core.oncall.schedule import EVERY_DAY, Imported, Layer, Override, Restriction, Schedule
from router.core.outbox.rate_limit import Limit
from router.model.incident import Severity

Email = NewType("Email", str)
"""An address like `ana@example.com`, without a name, in ASCII: what every relay takes."""

Phone = NewType("Phone", str)
"""A number in E.164: `+442071838750`."""

WEEK: Final = 604_800.0
LONGEST_HOLD: Final = 3600.0
"""In seconds: who is paged and hears of it later than that could as well not have been."""

SHORTEST_TURN: Final = 3600.0
"""In seconds: turns as long as what a clock skips or shows twice are the shortest that make sense
on it.
"""


def parse_email(text: str) -> Email:
    """Raises: ValueError."""
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+\.[A-Za-z0-9]+", text):
        raise ValueError(f"expected an address such as ana@example.com, found {text!r}")
    return Email(text)


def parse_phone(text: str) -> Phone:
    """E.164 (ITU-T): a plus, then at most 15 digits with the country's code first.

    Raises: ValueError.
    """
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}", text):
        raise ValueError(
            f"expected a number such as +442071838750 (a plus, the country, no spaces), found {text!r}"
        )
    return Phone(text)


PARSERS: dict[type, Callable[[str], object]] = {
    Email: parse_email,
    Phone: parse_phone,
    Time: parse_time,
    Weekdays: parse_weekdays,
    Handover: parse_handover,
    Day: parse_day,
    Moment: parse_moment,
}
"""How the values of this module are read: for `Hooks.parsers`."""

END_OF_TIME = 32_503_680_000.0
"""The year 3000, UTC."""

EXPECTED: dict[type, str] = {
    Email: "an address such as ana@example.com",
    Phone: "a number such as +442071838750",
    Time: "a time of day such as 09:00",
    Handover: "a hand-over such as 'Mon 09:00' or '09:00'",
    Moment: "a time such as '2026-11-23 09:00'",
}
"""For `Hooks.expected`."""


# --- documents


class WayDocument(Struct, frozen=True, kw_only=True):
    """A channel over which a person is reached, how long after a step, and at which severities:
    without any, at all.
    """

    via: str
    after: Duration = Duration(0.0)
    severities: list[Severity] = field(name="for", default=[])


class ContactDocument(Struct, frozen=True, kw_only=True):
    """A person and the ways to reach them. `name` is what is shown instead of the contact's key in
    the config.

    `throttle`: how many messages they get over each way; what is beyond it waits, and is told in
    one.
    """

    name: str = ""
    email: Email | None = None
    phone: Phone | None = None
    slack: str = ""
    time_zone: TimeZone | None = None
    reach: list[WayDocument] = []
    throttle: Rate | None = None

    def address(self, kind: Literal["name", "phone", "email"]) -> str:
        """The address of this kind; "" if the contact has none."""
        match kind:
            case "phone":
                return self.phone or ""
            case "email":
                return self.email or ""
            case _:
                return self.name

    def __post_init__(self) -> None:
        if self.throttle and self.throttle.per > LONGEST_HOLD:
            raise ValueError(
                f"`throttle` is over {LONGEST_HOLD / 60:.0f}m at the most: a message may wait that long"
            )


class RestrictionDocument(Struct, frozen=True, kw_only=True):
    """A window in which a layer counts.

    One that doesn't end after its start ends on the next day.
    """

    days: list[Weekdays] = []
    from_: Time = field(name="from", default=Time(0))
    to: Time = Time(1440)

    def __post_init__(self) -> None:
        if self.from_ == 1440:
            raise ValueError("`from` can't be 24:00: write 00:00 of the next day")


class LayerDocument(Struct, frozen=True, kw_only=True):
    """People who take turns.

    `restrict` are the windows in which they do; without any it's always.
    """

    rotate: Rotate
    handover: Handover
    contacts: list[str]
    every: Duration | None = None
    start: Day | None = None
    restrict: list[RestrictionDocument] = []
    time_zone: TimeZone | None = None

    def __post_init__(self) -> None:
        if not self.contacts:
            raise ValueError("the layer has no contacts to take turns")
        if (self.every is not None) != (self.rotate is Rotate.CUSTOM):
            raise ValueError(
                "`every` is the length of a turn with `rotate: custom`, and only with it"
            )
        if self.every is not None and (self.every < SHORTEST_TURN or self.every % 60):
            raise ValueError("`every` must be whole minutes, and at least 1h")
        weekly = self.rotate is Rotate.WEEKLY or (self.every is not None and self.every % WEEK == 0)
        if weekly and self.handover.weekday is None:
            raise ValueError(
                "turns of whole weeks change hands on a weekday: write `handover: Mon 09:00`"
            )
        if not weekly and self.handover.weekday is not None:
            raise ValueError(
                "only turns of whole weeks change hands on a weekday: write `handover: 09:00`"
            )


class CalendarDocument(Struct, frozen=True, kw_only=True):
    """Where a calendar in iCalendar form is fetched from."""

    url: SecretUrl

    @property
    def source(self) -> str:
        """What it's called, since its URL is a secret."""
        return blake2b(self.url.reveal().encode(), digest_size=8).hexdigest()


class CalendarLayerDocument(Struct, frozen=True, kw_only=True):
    """Turns as the events of a calendar elsewhere have them."""

    calendar: CalendarDocument
    restrict: list[RestrictionDocument] = []
    time_zone: TimeZone | None = None


class OverrideDocument(Struct, frozen=True, kw_only=True):
    """`contact` ("" for nobody) instead of `replaces`, or instead of everybody if that isn't given."""

    contact: str
    from_: Moment = field(name="from")
    to: Moment
    replaces: str = ""

    def __post_init__(self) -> None:
        if (self.from_.tzinfo is None) != (self.to.tzinfo is None):
            raise ValueError("write both `from` and `to` as local times, or both with an offset")
        if self.from_ >= self.to:
            raise ValueError("the override ends before it begins")


class ScheduleDocument(Struct, frozen=True, kw_only=True):
    """Layers, each covering those before it, and overrides, of which the last one has the last
    word.

    Without a `time_zone` it's the company's.
    """

    layers: list[LayerDocument | CalendarLayerDocument]
    time_zone: TimeZone | None = None
    overrides: list[OverrideDocument] = []


# --- into what the core is told


class CalendarSource(Struct, frozen=True):
    """Where a calendar is, and the schedules with a layer from it."""

    url: SecretUrl
    schedules: tuple[str, ...]


def calendars(documents: Mapping[str, ScheduleDocument]) -> dict[str, CalendarSource]:
    """The calendars that layers are taken from, by what they're called there."""
    found: dict[str, CalendarSource] = {}
    for name, document in documents.items():
        for layer in document.layers:
            if isinstance(layer, CalendarLayerDocument):
                before = found.get(layer.calendar.source, CalendarSource(layer.calendar.url, ()))
                those = tuple(dict.fromkeys((*before.schedules, name)))
                found[layer.calendar.source] = CalendarSource(before.url, those)
    return found


def people(
    contacts: Mapping[str, ContactDocument],
    roles: Mapping[str, Sequence[str]],
    on_call: Mapping[str, ScheduleDocument],
    time_zone: TimeZone,
) -> People:
    """Whom the targets of policies mean; `time_zone` is for the schedules that have none."""
    return People(
        {name: tuple(map(_way, contact.reach)) for name, contact in contacts.items()},
        {name: tuple(those) for name, those in roles.items()},
        schedules(on_call, time_zone),
        _called(contacts),
        {
            name: Limit(one.throttle.count, one.throttle.per)
            for name, one in contacts.items()
            if one.throttle
        },
    )


def _called(contacts: Mapping[str, ContactDocument]) -> dict[str, str]:
    """The contacts by key, name and e-mail in lower case.

    What two of them are called is neither's.
    """
    found: dict[str, set[str]] = {}
    for key, contact in contacts.items():
        for name in filter(None, (key, contact.name, contact.email)):
            found.setdefault(name.strip().casefold(), set()).add(key)
    return {name: keys.pop() for name, keys in found.items() if len(keys) == 1}


def _way(document: WayDocument) -> ContactMethod:
    return ContactMethod(document.via, document.after, frozenset(document.severities or Severity))


def schedules(
    documents: Mapping[str, ScheduleDocument], time_zone: TimeZone
) -> dict[str, Schedule]:
    """The schedules by name; `time_zone` is for those that have none."""
    return {name: schedule(name, document, time_zone) for name, document in documents.items()}


def schedule(name: str, document: ScheduleDocument, time_zone: TimeZone) -> Schedule:
    zone = document.time_zone or time_zone
    return Schedule(
        name,
        zone,
        layers=tuple(_layer(layer) for layer in document.layers),
        overrides=tuple(
            Override(one.contact, moment_at(one.from_, zone), moment_at(one.to, zone), one.replaces)
            for one in document.overrides
        ),
    )


def _layer(document: LayerDocument | CalendarLayerDocument) -> Layer:
    return Layer(
        _turns(document),
        tuple(map(restriction, document.restrict)),
        document.time_zone or "",
    )


def _turns(document: LayerDocument | CalendarLayerDocument) -> Rotation | Imported:
    if isinstance(document, CalendarLayerDocument):
        return Imported(document.calendar.source)
    return Rotation(
        document.rotate,
        document.handover,
        tuple(document.contacts),
        every=document.every or 0.0,
        start=document.start,
    )


def moment_at(moment: Moment, zone: str) -> float:
    """In UTC epoch seconds; by the clock in `zone` if it has no offset.

    Raises: ValueError, if it can't be meant.
    """
    at = moment.timestamp() if moment.tzinfo else instant(moment, zone)
    if not 0 <= at < END_OF_TIME:
        raise ValueError(
            f"expected a time between the years 1970 and 3000, found {moment.isoformat()}"
        )
    return at


def restriction(document: RestrictionDocument) -> Restriction:
    return Restriction(document.from_, document.to, frozenset().union(*document.days) or EVERY_DAY)
