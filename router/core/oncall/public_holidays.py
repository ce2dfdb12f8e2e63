"""Public holidays, by the library `holidays`.

The library loads the modules of all countries for one: a tenth of a second and 12 MB. So days are
looked up there only if they aren't known, see `router.engine.holiday_process`.
"""

from collections.abc import Container, Mapping
from datetime import date


class PublicHolidays(Container[date]):
    """The public holidays of a country, `GB`, or of a part of one, `GB-ENG`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._years: dict[int, frozenset[date]] = {}

    def __contains__(self, day: object) -> bool:
        if not isinstance(day, date):
            return False
        if day.year not in self._years:
            self._years[day.year] = holidays_of(self.name, day.year)
        return day in self._years[day.year]

    def know(self, years: Mapping[int, frozenset[date]]) -> None:
        """Use these days in these years."""
        self._years |= years


def holidays_of(name: str, year: int) -> frozenset[date]:
    """Return the days by the library."""
    import holidays  # noqa: PLC0415 - see above

    country, _, part = name.partition("-")
    return frozenset(holidays.country_holidays(country, subdiv=part or None, years=year))
