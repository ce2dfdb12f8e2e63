"""What anybody may have written, as a line of text; and a time, as somebody reads it."""

from datetime import datetime
from zoneinfo import ZoneInfo

# Control characters and lone surrogates break terminals, mail headers and encoders; bidi overrides
# make a text read as another.
_UNWANTED = dict.fromkeys(
    [
        *range(32),
        *range(127, 160),
        *range(0x2028, 0x202F),
        *range(0x2066, 0x206A),
        *range(0xD800, 0xE000),
    ],
    " ",
)


def plain(text: str) -> str:
    """`text` on one line, without control characters or doubled spaces."""
    return " ".join(text.translate(_UNWANTED).split())


def web_url(text: str) -> bool:
    """May it be a link? The URLs of an alert are anybody's text: no javascript:, no second line."""
    return text.startswith(("https://", "http://")) and text == plain(text)


def utc(at: float) -> str:
    """Epoch seconds as the plan writes them: `2024-01-01 14:30 UTC`."""
    return local(at, "UTC")


def local(at: float, zone: str) -> str:
    """By the clock of a time zone, which is named: `2024-06-01 15:30 BST`."""
    return f"{_there(at, zone):%Y-%m-%d %H:%M %Z}"


def day(at: float, zone: str) -> str:
    """As in `Jan 1, 2024`."""
    there = _there(at, zone)
    return f"{there:%b} {there.day}, {there.year}"


def clock(at: float, zone: str) -> str:
    """As in `2:30 PM UTC`."""
    return f"{_there(at, zone):%I:%M %p %Z}".lstrip("0")


def moment(at: float, zone: str) -> str:
    """As in `Jan 1, 2024 at 2:30pm UTC`."""
    there = _there(at, zone)
    return f"{day(at, zone)} at {f'{there:%I:%M%p}'.lstrip('0').lower()} {there:%Z}"


def lasted(seconds: float) -> str:
    """`45 minutes`, `1 day 2 hours`: to the minute, in the two largest units."""
    minutes = round(seconds / 60)
    if minutes < 1:
        return "less than a minute"
    parts = []
    for unit, size in (("day", 1440), ("hour", 60), ("minute", 1)):
        count, minutes = divmod(minutes, size)
        parts.append(f"{count} {unit}{'' if count == 1 else 's'}" if count else "")
    first = next(index for index, part in enumerate(parts) if part)
    return " ".join(part for part in parts[first : first + 2] if part)


def _there(at: float, zone: str) -> datetime:
    return datetime.fromtimestamp(at, ZoneInfo(zone))
