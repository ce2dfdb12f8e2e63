"""The company in the config: its name, time zone and business days."""

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from router.config.fields import parse_duration
from router.config.located import suggest
from router.config.times import parse_time
from router.core.oncall.business_hours import Calendar, Delay, Holidays, NextBusinessDay
from router.core.oncall.public_holidays import PublicHolidays

_NEXT = "next business day"


def parse_holidays(text: str) -> Holidays:
    """Raises: ValueError."""
    country, _, part = text.partition("-")
    if part not in _known().get(country, ()):
        _check(country, part)
    return Holidays(PublicHolidays(text))


@cache
def _known() -> dict[str, tuple[str, ...]]:
    """The countries that the library knows by their two letters, and "" and the parts of each.

    They are listed in a file, because to load the library takes a tenth of a second.
    """
    lines = Path(__file__).with_name("holidays.txt").read_text("utf-8").splitlines()
    return {country: ("", *parts) for country, *parts in (line.split(",") for line in lines)}


def _check(country: str, part: str) -> None:
    """Ask the library. Raises: ValueError."""
    import holidays  # noqa: PLC0415 - see above

    known = holidays.list_supported_countries()
    if country not in known:
        hint = suggest(country, known)
        raise ValueError(f"unknown country {country!r}{hint} (expected a code such as GB or US-CA)")
    if part and part not in known[country]:
        parts = ", ".join(known[country])
        expected = f"expected one of: {parts}" if parts else f"{country} has no parts"
        raise ValueError(f"unknown part {part!r} of {country} ({expected})")


def parse_delay(text: str) -> Delay:
    """Raises: ValueError."""
    words = text.split()
    if words[:3] != _NEXT.split():
        return parse_duration(text)
    try:
        return NextBusinessDay(parse_time(" ".join(words[3:])) if words[3:] else None)
    except ValueError:
        raise ValueError(f"expected '{_NEXT}' or '{_NEXT} 10:00', found {text!r}") from None


PARSERS: dict[Any, Callable[[str], object]] = {Holidays: parse_holidays, Delay: parse_delay}
"""The parsers of this module, for `Hooks.parsers`."""

EXPECTED: dict[Any, str] = {
    Holidays: "a country such as GB, or a part of one such as GB-ENG",
    Delay: "a duration such as 30m, or 'next business day 10:00'",
}
"""Descriptions of these types, for `Hooks.expected`."""


class Company(Calendar, frozen=True, kw_only=True):
    """The company, with its business days. Customers write to `support_email`.

    Business days are `workdays` that are not `holidays`. They begin at `opens`, in the time zone
    `time_zone`.
    """

    name: str = ""
    support_email: str = ""
