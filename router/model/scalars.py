"""Scalar types that are more specific than `float` or `str`, and marks for config fields.

The config is decoded directly into the core's structs. These types define how a field is written in
YAML. `router.config.fields` and `router.config.times` have the parsers.
"""

from datetime import date, datetime
from enum import Enum
from typing import Annotated, Any, Final, NewType, TypeVar

from msgspec import Struct

Duration = NewType("Duration", float)
"""Seconds. Written `0s`, `500ms`, `5m`, `1h30m`, `2d`, `1w`."""

TimeZone = NewType("TimeZone", str)
"""A name of the IANA time zone database, such as `Europe/London`."""

Time = NewType("Time", int)
"""Minutes into the day. Written `09:00`; `24:00` is midnight at the end of the day."""

Weekdays = NewType("Weekdays", frozenset[int])
"""Weekdays, 0 is Monday. Written `Mon` or `Mon-Fri`; `Fri-Mon` includes the weekend."""

Day = NewType("Day", date)
"""A day. Written `2026-11-23`."""

DayStart = NewType("DayStart", float)
"""Midnight UTC at the start of a day, in UTC epoch seconds. Written `2026-11-23`."""

Moment = NewType("Moment", datetime)
"""A time on a day, local unless it has an offset: `2026-11-23 09:00`, `2026-11-23T09:00Z`."""

Key = NewType("Key", str)
"""The name of an object, which is its key in the config, not a key within the object."""


IntegerRange = NewType("IntegerRange", tuple[int, int])
"""The minimum and the maximum whole number. Written `0..100`."""


class Joined(Struct, frozen=True):
    """Marks a collection that is written as a list of smaller collections, of the type `of`."""

    of: Any


class _Mark(Enum):
    INTERNAL = "internal"


T = TypeVar("T")

INTERNAL: Final = _Mark.INTERNAL
Internal = Annotated[T, INTERNAL]
"""A field that the router sets. It isn't a config key."""

WeekdayList = Annotated[frozenset[int], Joined(Weekdays)]
"""Weekdays, 0 is Monday. Written as a list: `[Mon-Wed, Fri]`."""
