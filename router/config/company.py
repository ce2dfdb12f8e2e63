"""The company in the config: its name, its clock, and its business days."""

from collections.abc import Callable, Container
from datetime import date
from typing import NewType

from msgspec import Struct

from router.config.fields import TimeZone, parse_duration
from router.config.located import suggest
from router.config.times import Time, Weekdays, parse_time
from router.core.oncall.business_hours import Calendar, Delay, NextBusinessDay

Holidays = NewType("Holidays", Container[date])  # type: ignore[misc]
"""Public holidays, by ISO 3166 code: of a country, `GB`, or of a part of it, `GB-ENG`."""

Wait = NewType("Wait", Delay)  # type: ignore[valid-newtype]
"""A duration such as 30m, or `next business day`, or `next business day 10:00`."""

_NEXT = "next business day"


def parse_holidays(text: str) -> Holidays:
    """Raises: ValueError."""
    import holidays  # noqa: PLC0415 - takes a twentieth of a second to load

    country, _, part = text.partition("-")
    known = holidays.list_supported_countries()
    if country not in known:
        raise ValueError(
            f"unknown country {country!r}{suggest(country, known)} (expected a code such as GB or US-CA)"
        )
    if part and part not in known[country]:
        parts = ", ".join(known[country]) or "it has none"
        raise ValueError(f"unknown part {part!r} of {country} (expected one of: {parts})")
    return Holidays(holidays.country_holidays(country, subdiv=part or None))


def parse_wait(text: str) -> Delay:
    """Raises: ValueError."""
    words = text.split()
    if words[:3] != _NEXT.split():
        return parse_duration(text)
    try:
        return NextBusinessDay(parse_time(" ".join(words[3:])) if words[3:] else None)
    except ValueError:
        raise ValueError(f"expected '{_NEXT}' or '{_NEXT} 10:00', found {text!r}") from None


PARSERS: dict[type, Callable[[str], object]] = {Holidays: parse_holidays, Wait: parse_wait}
"""How the values of this module are read: for `Hooks.parsers`."""


class Company(Struct, frozen=True, kw_only=True):
    """The company, whose `support_email` is what customers are told to write to.

    Its business days are `workdays` that are no `holidays`, and begin at `opens`, by the clock of
    `time_zone`.
    """

    name: str = ""
    time_zone: TimeZone = TimeZone("UTC")
    holidays: Holidays | None = None
    workdays: Weekdays = Weekdays(frozenset(range(5)))
    opens: Time = Time(540)
    support_email: str = ""


def calendar(company: Company) -> Calendar:
    """When the company's business days are."""
    return Calendar(
        company.time_zone, company.holidays or frozenset(), company.workdays, company.opens
    )
