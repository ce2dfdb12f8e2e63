"""The clock on the wall: local times of a time zone, to and from seconds since the epoch.

The rules of the zones come from the IANA database, which `zoneinfo` reads from disk on first use
and keeps. It's a table of the world that happens to be stored in files, the same for every call in
a process, so what is computed with it still depends on the arguments alone.
"""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)


def instant(local: datetime, zone: str) -> float:
    """When the clock in `zone` shows `local`, in UTC epoch seconds.

    A time that the clock skips moves forward by what it skips; of one that it shows twice, the
    first is meant.
    """
    return local.replace(tzinfo=ZoneInfo(zone), fold=0).timestamp()


def wall(at: float, zone: str) -> datetime:
    """What the clock in `zone` shows at `at` (UTC epoch seconds), without a time zone."""
    return datetime.fromtimestamp(at, ZoneInfo(zone)).replace(tzinfo=None, fold=0)


def at_minute(day: date, minute: int) -> datetime:
    """So many minutes into the day, as its clock counts them; 1440 is midnight at its end."""
    return datetime(day.year, day.month, day.day) + timedelta(minutes=minute)  # noqa: DTZ001  a local time has no zone
