"""Read the public holidays of the next years in a process of their own.

In the router, the library would take 12 MB, and delay alerts while it is loaded.
"""

import os
import sys
from datetime import UTC, date, datetime

import msgspec

from router.core.oncall.business_hours import Calendar
from router.core.oncall.public_holidays import PublicHolidays, holidays_of
from router.engine.child_process import run_module
from router.ports.clock import Clock
from router.telemetry.logs import logger

log = logger(__name__)

YEARS_AHEAD = 3
"""An office that opens on no day is asked for 366 days. The rest is the time between two starts."""

DEADLINE = 30.0
"""Seconds to read them."""

_answer = msgspec.json.Decoder(dict[int, frozenset[date]])


async def read_ahead(calendar: Calendar, clock: Clock) -> None:
    """Let the calendar's holidays know the days from last year on. They work without this, too."""
    holidays = calendar.holidays
    if not isinstance(holidays, PublicHolidays):
        return
    year = datetime.fromtimestamp(clock.now(), UTC).year
    years = map(str, range(year - 1, year + YEARS_AHEAD + 1))
    try:
        _, written = await run_module(__name__, holidays.name, *years, within=DEADLINE)
        holidays.know(_answer.decode(written))
    except (OSError, TimeoutError, ValueError) as error:
        log.warning("holidays_not_read_ahead", error=str(error) or type(error).__name__)


def main() -> None:
    """Write the holidays of a country or a part of one, by year, to stdout."""
    os.nice(10)  # nothing waits for it
    name, *years = sys.argv[1:]
    found = {year: sorted(holidays_of(name, int(year))) for year in years}
    sys.stdout.buffer.write(msgspec.json.encode(found))


if __name__ == "__main__":
    main()
