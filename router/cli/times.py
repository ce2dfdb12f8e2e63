"""Times of the API as the tables show them."""


def minute(time: str | None) -> str:
    """`2026-11-30 14:02` of an RFC 3339 time in UTC; "" for none."""
    return time[:16].replace("T", " ") if time else ""


def second(time: str | None) -> str:
    """`2026-11-30 14:02:05` of an RFC 3339 time in UTC; "" for none."""
    return time[:19].replace("T", " ") if time else ""
