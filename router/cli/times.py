"""Formats times from the API for tables."""


def minute(time: str | None) -> str:
    """Format an RFC 3339 time in UTC as `2026-11-30 14:02`; "" for none."""
    return time[:16].replace("T", " ") if time else ""


def second(time: str | None) -> str:
    """Format an RFC 3339 time in UTC as `2026-11-30 14:02:05`; "" for none."""
    return time[:19].replace("T", " ") if time else ""
