"""Untrusted text as one visible line; times and durations as text."""

from datetime import datetime
from zoneinfo import ZoneInfo

# Control characters and lone surrogates break terminals, mail headers and encoders. Bidi controls
# make a text look like a different one.
_CONTROLS = [*range(32), *range(127, 160), *range(0xD800, 0xE000)]
_BIDI = [0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A)]
# Characters without a glyph. Joiners (U+200C, U+200D) stay: scripts and emoji need them.
_INVISIBLE = [
    0x00AD,
    0x180E,
    0x200B,
    *range(0x2060, 0x2066),
    *range(0x206A, 0x2070),
    0xFEFF,
    *range(0xFFF9, 0xFFFC),
    *range(0xE0000, 0xE0080),
]
_LINE = dict.fromkeys([*_CONTROLS, *_BIDI], " ") | dict.fromkeys(_INVISIBLE, "")
_TEXT = dict.fromkeys([*_CONTROLS, *_BIDI, *_INVISIBLE], "")
del _TEXT[ord("\n")], _TEXT[ord("\t")]


def plain(text: str) -> str:
    """Return `text` on one line, without controls, invisible characters or doubled spaces."""
    if not (text.isascii() and text.isprintable()):  # else it has none, and translating is slow
        text = text.translate(_LINE)
    return " ".join(text.split())


def visible(text: str) -> str:
    """Return `text` with its line breaks, without controls and invisible characters."""
    return text.translate(_TEXT)


def web_url(text: str) -> bool:
    """Report whether untrusted text may be a link: http or https, on one line."""
    return text.startswith(("https://", "http://")) and text == plain(text)


def utc(at: float) -> str:
    """Return epoch seconds like `2024-01-01 14:30 UTC`."""
    return local(at, "UTC")


def local(at: float, zone: str) -> str:
    """Return epoch seconds in a time zone, with its name: `2024-06-01 15:30 BST`."""
    return f"{datetime.fromtimestamp(at, ZoneInfo(zone)):%Y-%m-%d %H:%M %Z}"


def day(at: float, zone: str) -> str:
    """Return a day like `Jan 1, 2024`."""
    there = _there(at, zone)
    return f"{there:%b} {there.day}, {there.year}"


def clock(at: float, zone: str) -> str:
    """Return a time of day like `2:30 PM UTC`."""
    return f"{_there(at, zone):%I:%M %p %Z}".lstrip("0")


def moment(at: float, zone: str) -> str:
    """Return a day and time like `Jan 1, 2024 at 2:30pm UTC`."""
    there = _there(at, zone)
    return f"{day(at, zone)} at {f'{there:%I:%M%p}'.lstrip('0').lower()} {there:%Z}"


def lasted(seconds: float) -> str:
    """Return a duration to the minute, in its two largest units: `1 day 2 hours`."""
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
