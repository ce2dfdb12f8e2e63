"""Local times of a time zone, to and from UTC epoch seconds.

The rules of time zones come from the IANA database, which `zoneinfo` reads from disk on first use
and caches. It's constant, so results still depend only on the arguments.
"""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)


def instant(local: datetime, zone: str) -> float:
    """The time at which the clock in `zone` shows `local`, in UTC epoch seconds.

    A time that the clock skips moves forward by the length of the gap. For a time that the clock
    shows twice, the first counts.
    """
    return local.replace(tzinfo=ZoneInfo(zone), fold=0).timestamp()


def local_time(at: float, zone: str) -> datetime:
    """The local time in `zone` at `at` (UTC epoch seconds), without a time zone."""
    return datetime.fromtimestamp(at, ZoneInfo(zone)).replace(tzinfo=None, fold=0)


def gap_end(local: datetime, zone: str) -> float | None:
    """The end of the gap that skips `local` in `zone`, in UTC epoch seconds; None without a gap."""
    tz = ZoneInfo(zone)
    before, after = (local.replace(tzinfo=tz, fold=fold).utcoffset() for fold in (0, 1))
    if before is None or after is None or after <= before:
        return None  # no gap: where the clock is set back, the first offset is larger
    # The gap ends when the offset changes, between `local` by the new and by the old offset.
    low, high = (_seconds(local - offset) for offset in (after, before))
    while high - low > 1:
        middle = (low + high) // 2
        changed = datetime.fromtimestamp(middle, tz).utcoffset() == after
        low, high = (low, middle) if changed else (middle, high)
    return float(high)


def _seconds(utc: datetime) -> int:
    return int(utc.replace(tzinfo=UTC).timestamp())


def at_minute(day: date, minute: int) -> datetime:
    """The local time this many minutes into the day; 1440 is midnight at its end."""
    start = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - a local time has no zone
    return start + timedelta(minutes=minute)
