"""Holidays are read ahead in a process, and the router works without them."""

import sys
from datetime import date

import pytest

from router.config.company import Company
from router.core.oncall import public_holidays
from router.core.oncall.business_hours import Calendar
from router.core.oncall.public_holidays import PublicHolidays
from router.engine.holiday_process import YEARS_AHEAD, read_ahead
from tests.clock import SteppedClock
from tests.core.oncall.test_schedule import at

NOW = at("2026-12-24 17:00")


def _unused(name: str, year: int) -> frozenset[date]:
    raise AssertionError(f"{name} {year} was looked up in this process")


async def test_days_are_known_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    found = PublicHolidays("GB-ENG")
    await read_ahead(Company(holidays=found), SteppedClock(NOW))  # type: ignore[arg-type]
    monkeypatch.setattr(public_holidays, "holidays_of", _unused)
    assert all(date(year, 12, 25) in found for year in range(2025, 2027 + YEARS_AHEAD))
    assert date(2026, 12, 24) not in found


async def test_without_the_process_the_library_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nonexistent")
    found = PublicHolidays("GB-ENG")
    await read_ahead(Company(holidays=found), SteppedClock(NOW))  # type: ignore[arg-type]
    assert date(2026, 12, 25) in found


async def test_a_company_without_holidays_needs_no_process() -> None:
    await read_ahead(Calendar(), SteppedClock(NOW))
