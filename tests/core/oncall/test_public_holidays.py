"""Public holidays: those that are known, and those of the library."""

from datetime import date

import holidays

from router.core.oncall.public_holidays import PublicHolidays

CHRISTMAS = date(2026, 12, 25)


def test_a_day_is_looked_up_in_the_library() -> None:
    found = PublicHolidays("GB-ENG")
    assert CHRISTMAS in found
    assert date(2026, 12, 24) not in found
    assert "2026-12-25" not in found


def test_days_of_a_known_year_are_not_looked_up() -> None:
    found = PublicHolidays("GB-ENG")
    found.know({2026: frozenset({date(2026, 5, 6)})})
    assert date(2026, 5, 6) in found
    assert CHRISTMAS not in found
    assert CHRISTMAS.replace(year=2027) in found


def test_each_day_of_ten_years_is_as_in_the_library() -> None:
    """A holiday that is observed in the year before is one there, too."""
    for name in ("US-CA", "GB-SCT", "JP"):
        country, _, part = name.partition("-")
        found = PublicHolidays(name)
        for year in range(2020, 2030):
            library = holidays.country_holidays(country, subdiv=part or None)
            days = [date.fromordinal(n) for n in range(*_ordinals(year))]
            assert [day in found for day in days] == [day in library for day in days]


def _ordinals(year: int) -> tuple[int, int]:
    return date(year, 1, 1).toordinal(), date(year + 1, 1, 1).toordinal()
