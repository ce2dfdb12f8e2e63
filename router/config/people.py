"""People in the config: contacts, and the on-call schedules in which they take turns."""

import re
from collections.abc import Callable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Final, Literal, NewType

from msgspec import Struct, field

from router.config.fields import Rate
from router.config.secret import SecretUrl
from router.config.times import (
    parse_day,
    parse_day_start,
    parse_handover,
    parse_moment,
    parse_time,
    parse_weekdays,
)
from router.core.oncall.local_time import gap_end, instant, local_time
from router.core.oncall.recipients import ContactMethod, People
from router.core.oncall.rotation import Handover, Rotate, Rotation
from router.core.oncall.schedule import Imported, Layer, Override, Restriction, Schedule
from router.model.scalars import Day, DayStart, Duration, Moment, Time, TimeZone, Weekdays

Email = NewType("Email", str)
"""An address such as `ana@example.com`, without a name, in ASCII, which every server accepts."""

Phone = NewType("Phone", str)
"""A telephone number in E.164 form: `+442071838750`."""

WEEK: Final = 604_800.0
LONGEST_HOLD: Final = 3600.0
"""Maximum seconds: a page that arrives later is useless."""

SHORTEST_TURN: Final = 3600.0
"""Minimum seconds: a clock skips or repeats up to an hour, so a shorter turn could get lost."""


def parse_email(text: str) -> Email:
    """Raises: ValueError."""
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+@[A-Za-z0-9.-]+\.[A-Za-z0-9]+", text):
        raise ValueError(f"expected an address such as ana@example.com, found {text!r}")
    return Email(text)


def parse_phone(text: str) -> Phone:
    """E.164 (ITU-T): a plus and at most 15 digits, the country code first. Raises: ValueError."""
    if not re.fullmatch(r"\+[1-9][0-9]{6,14}", text):
        raise ValueError(
            "expected a number such as +442071838750 (a plus, the country, no spaces), "
            f"found {text!r}"
        )
    return Phone(text)


def hold_error(throttle: Rate | None) -> str:
    """Return the error about a throttle with too long a period; "" if there is none."""
    if throttle is None or throttle.per <= LONGEST_HOLD:
        return ""
    longest = f"{LONGEST_HOLD / 60:.0f}m"
    return f"`throttle` takes a period of at most {longest}: a message may wait that long"


PARSERS: dict[Any, Callable[[str], object]] = {
    Email: parse_email,
    Phone: parse_phone,
    Time: parse_time,
    Weekdays: parse_weekdays,
    Handover: parse_handover,
    Day: parse_day,
    DayStart: parse_day_start,
    Moment: parse_moment,
}
"""The parsers of this module, for `Hooks.parsers`."""

EXPECTED: dict[Any, str] = {
    Email: "an address such as ana@example.com",
    Phone: "a number such as +442071838750",
    Time: "a time of day such as 09:00",
    Handover: "a handover such as 'Mon 09:00' or '09:00'",
    DayStart: "a day such as 2026-11-23",
    Moment: "a time such as '2026-11-23 09:00'",
}
"""Descriptions of these types, for `Hooks.expected`."""


class ContactConfig(Struct, frozen=True, kw_only=True):
    """A person and their contact methods. `name` is shown instead of the contact's key.

    `throttle`: how many messages they get over each contact method. Further messages wait, and
    arrive as one.
    """

    name: str = ""
    email: Email | None = None
    phone: Phone | None = None
    slack: str = ""
    telegram: str = ""
    mattermost: str = ""
    time_zone: TimeZone | None = None
    reach: tuple[ContactMethod, ...] = ()
    throttle: Rate | None = None

    def address(
        self, kind: Literal["name", "phone", "email", "telegram", "contact"], key: str
    ) -> str:
        """The address of this kind; "" if the contact has none. `key`: the contact's config key."""
        match kind:
            case "contact":
                return key
            case "phone":
                return self.phone or ""
            case "email":
                return self.email or ""
            case "telegram":
                return self.telegram
            case _:
                return self.name

    def __post_init__(self) -> None:
        if error := hold_error(self.throttle):
            raise ValueError(error)


class LayerConfig(Struct, frozen=True, kw_only=True):
    """People who take turns, within the windows `restrict` if there are any."""

    rotate: Rotate
    handover: Handover
    contacts: tuple[str, ...]
    every: Duration | None = None
    start: Day | None = None
    restrict: tuple[Restriction, ...] = ()
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
        weeks = self.every is not None and self.every % WEEK == 0
        weekly = self.rotate is Rotate.WEEKLY or weeks
        if weekly and self.handover.weekday is None:
            raise ValueError(
                "turns of whole weeks change hands on a weekday: write `handover: Mon 09:00`"
            )
        if not weekly and self.handover.weekday is not None:
            raise ValueError(
                "only turns of whole weeks change hands on a weekday: write `handover: 09:00`"
            )

    @property
    def turns(self) -> Rotation:
        every = self.every or Duration(0.0)
        return Rotation(self.rotate, self.handover, self.contacts, every, self.start)


class CalendarConfig(Struct, frozen=True, kw_only=True):
    """The URL of an external calendar in iCalendar form."""

    url: SecretUrl

    @property
    def source(self) -> str:
        """Digest that identifies the URL, which is secret."""
        return blake2b(self.url.reveal().encode(), digest_size=8).hexdigest()


class CalendarLayerConfig(Struct, frozen=True, kw_only=True):
    """Turns from the events of an external calendar."""

    calendar: CalendarConfig
    restrict: tuple[Restriction, ...] = ()
    time_zone: TimeZone | None = None

    @property
    def turns(self) -> Imported:
        return Imported(self.calendar.source)


class OverrideConfig(Struct, frozen=True, kw_only=True):
    """`contact` ("" for nobody) instead of `replaces`, or instead of everybody without it."""

    contact: str
    from_: Moment = field(name="from")
    to: Moment
    replaces: str = ""

    def __post_init__(self) -> None:
        if (self.from_.tzinfo is None) != (self.to.tzinfo is None):
            raise ValueError("write both `from` and `to` as local times, or both with an offset")
        if self.from_ >= self.to:
            raise ValueError("the override ends before it begins")


class ScheduleConfig(Struct, frozen=True, kw_only=True):
    """Layers, each of which takes precedence over earlier layers; and overrides: the last one wins.

    Without `time_zone`, the company's is used.
    """

    layers: tuple[LayerConfig | CalendarLayerConfig, ...]
    time_zone: TimeZone | None = None
    overrides: tuple[OverrideConfig, ...] = ()


# --- the core's settings


class CalendarSource(Struct, frozen=True):
    """The URL of an external calendar, and the schedules with a layer from it."""

    url: SecretUrl
    schedules: tuple[str, ...]


def calendars(schedules_: Mapping[str, ScheduleConfig]) -> dict[str, CalendarSource]:
    """The external calendars of all layers, by their source."""
    found: dict[str, CalendarSource] = {}
    for name, config in schedules_.items():
        for layer in config.layers:
            if isinstance(layer, CalendarLayerConfig):
                source = layer.calendar.source
                before = found.get(source, CalendarSource(layer.calendar.url, ()))
                names = tuple(dict.fromkeys((*before.schedules, name)))
                found[source] = CalendarSource(before.url, names)
    return found


def people(
    contacts: Mapping[str, ContactConfig],
    roles: Mapping[str, Sequence[str]],
    on_call: Mapping[str, ScheduleConfig],
    time_zone: TimeZone,
) -> People:
    """The recipients of policies. `time_zone`: for schedules without one."""
    return People(
        {name: contact.reach for name, contact in contacts.items()},
        {name: tuple(members) for name, members in roles.items()},
        schedules(on_call, time_zone),
        _called(contacts),
        {name: contact.throttle for name, contact in contacts.items() if contact.throttle},
    )


def _called(contacts: Mapping[str, ContactConfig]) -> dict[str, str]:
    """The contacts by key, name and e-mail in lower case, without ambiguous names."""
    found: dict[str, set[str]] = {}
    for key, contact in contacts.items():
        for name in filter(None, (key, contact.name, contact.email)):
            found.setdefault(name.strip().casefold(), set()).add(key)
    return {name: keys.pop() for name, keys in found.items() if len(keys) == 1}


def schedules(configs: Mapping[str, ScheduleConfig], time_zone: TimeZone) -> dict[str, Schedule]:
    """The schedules by name. `time_zone`: for schedules without one."""
    return {name: schedule(name, config, time_zone) for name, config in configs.items()}


def schedule(name: str, config: ScheduleConfig, time_zone: TimeZone) -> Schedule:
    zone = config.time_zone or time_zone
    layers = (Layer(layer.turns, layer.restrict, layer.time_zone or "") for layer in config.layers)
    overrides = (
        Override(
            override.contact,
            moment_at(override.from_, zone),
            moment_at(override.to, zone),
            override.replaces,
        )
        for override in config.overrides
    )
    return Schedule(name, zone, tuple(layers), tuple(overrides))


END_OF_TIME = 32_503_680_000.0
"""The year 3000, UTC."""


def moment_at(moment: Moment, zone: str) -> float:
    """The moment in UTC epoch seconds; it's local time in `zone` if it has no offset.

    Raises: ValueError, for a time that the clock skips, or in a far year.
    """
    if moment.tzinfo is None and (after := gap_end(moment, zone)) is not None:
        raise ValueError(
            f"the clock in {zone} skips {moment:%H:%M} on {moment:%Y-%m-%d}: "
            f"write {local_time(after, zone):%H:%M} or later, or give an offset"
        )
    at = moment.timestamp() if moment.tzinfo else instant(moment, zone)
    if not 0 <= at < END_OF_TIME:
        raise ValueError(
            f"expected a time between the years 1970 and 3000, found {moment.isoformat()}"
        )
    return at
