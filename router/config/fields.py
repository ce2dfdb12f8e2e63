"""Types of config fields with more meaning than `str` or `int`, and their form in YAML.

Every parser takes the text as written and raises ValueError with the expected form.
"""

import functools
import ipaddress
import math
import re
import zoneinfo
from collections.abc import Callable, Mapping
from typing import Any, NewType
from urllib.parse import urlsplit

from msgspec import Struct
from yaml.constructor import SafeConstructor

from router.config.located import suggest
from router.core.outbox.rate_limit import Limit
from router.core.rules.matcher import Matchers
from router.model.scalars import Duration, TimeZone

__all__ = [
    "FIELD_TYPES", "Duration", "FieldType", "HttpUrl", "Matchers", "Rate", "Size", "TimeZone",
    "check_url", "is_loopback", "is_plain_http", "parse_duration", "parse_http_url", "parse_rate",
    "parse_size", "parse_time_zone",
]  # fmt: skip

Size = NewType("Size", int)
"""Bytes. Written `16MiB`, `1MB`, or as a number."""

HttpUrl = NewType("HttpUrl", str)
"""An http or https URL. Logs show it, so it must not contain a password.

Plain http to a host that isn't loopback needs `insecure: true` in the same object (see `convert`).
"""

Rate = Limit
"""At most `count` in `per` seconds. Written `1/s`, `30/m`, `100/1h30m`."""


class FieldType(Struct, frozen=True):
    """A type's parser, its description, and its JSON Schema."""

    read: Callable[[str], object]
    expected: str
    schema: dict[str, Any]


_SECONDS = {"w": 604800.0, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DURATION = "".join(rf"(?:([0-9]{{1,9}}(?:\.[0-9]{{1,9}})?){unit})?" for unit in _SECONDS)
_BYTES = {"B": 1} | {
    prefix + unit: base ** (power + 1)
    for unit, base in (("B", 1000), ("iB", 1024))
    for power, prefix in enumerate("kMGT" if unit == "B" else "KMGT")
}
_SIZE = f"([0-9]+)({'|'.join(_BYTES)})?"
_REGION = r"[A-Z]\w+(/[\w+-]+){1,2}"

_A_DURATION = "a duration such as 30s, 5m, 1h30m or 2d"
_A_RATE = "a rate such as 1/s, 30/m or 100/1h"
_A_SIZE = "a size such as 16MiB, 500kB or a number of bytes"
_A_TIME_ZONE = "a time zone such as Europe/London"
_A_URL = "an https URL (or http on a loopback host)"


def parse_duration(text: str) -> Duration:
    """Raises: ValueError, also for a number without a unit (only 0 needs none)."""
    if text == "0":
        return Duration(0.0)
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", text):
        raise ValueError(f"{text!r} has no unit: write {text}s, {text}m or {text}h")
    match = re.fullmatch(_DURATION, text)
    if not match or not text:
        raise ValueError(_mismatch(_A_DURATION, text))
    amounts = zip(match.groups(), _SECONDS.values(), strict=True)
    return Duration(math.fsum(float(amount) * unit for amount, unit in amounts if amount))


def parse_rate(text: str) -> Rate:
    count, _, per = text.partition("/")
    try:
        rate = Rate(int(count), parse_duration(per if per[:1].isdigit() else f"1{per}"))
    except ValueError:
        raise ValueError(_mismatch(_A_RATE, text)) from None
    if rate.count < 1 or rate.per <= 0:
        raise ValueError(_mismatch(_A_RATE, text))
    return rate


def parse_size(text: str) -> Size:
    match = re.fullmatch(_SIZE, text)
    if not match:
        raise ValueError(_mismatch(_A_SIZE, text))
    return Size(int(match[1]) * _BYTES[match[2] or "B"])


def parse_time_zone(text: str) -> TimeZone:
    if not _is_region(text) and text not in _time_zones():
        raise ValueError(
            f"unknown time zone {text!r}{suggest(text, _time_zones())} ({_A_TIME_ZONE})"
        )
    return TimeZone(text)


def _is_region(text: str) -> bool:
    """Check if this is a zone such as Europe/London, without a list of all 600."""
    if not re.fullmatch(_REGION, text):
        return False
    try:
        zoneinfo.ZoneInfo(text)
    except (ValueError, OSError, zoneinfo.ZoneInfoNotFoundError):
        return False
    return True


@functools.cache
def _time_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


def check_url(text: str) -> None:
    """Check the format of a URL. Errors don't quote it, since the whole URL may be a secret.

    Raises: ValueError.
    """
    try:
        url = urlsplit(text)
        well_formed = url.scheme in {"http", "https"} and bool(url.hostname) and url.port != 0
    except ValueError:
        well_formed = False
    if not well_formed or re.search(r"[\x00-\x20\x7f\\]", text):
        raise ValueError(f"expected {_A_URL}")


def is_plain_http(url: str) -> bool:
    """Check if requests to `url` leave this host unencrypted."""
    parts = urlsplit(url)
    return parts.scheme == "http" and not is_loopback(parts.hostname or "")


def is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def parse_http_url(text: str) -> HttpUrl:
    check_url(text)
    if "@" in urlsplit(text).netloc:
        raise ValueError("this URL can't contain a user name or password, because logs show it")
    return HttpUrl(text)


def _parse_int(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(_mismatch("a whole number", text)) from None


def _parse_float(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(_mismatch("a number", text))
    return number


def _parse_bool(text: str) -> bool:
    try:
        return SafeConstructor.bool_values[text.lower()]
    except KeyError:
        raise ValueError(_mismatch("true or false", text)) from None


def _mismatch(expected: str, text: str) -> str:
    return f"expected {expected}, found {text!r}"


FIELD_TYPES: Mapping[object, FieldType] = {
    str: FieldType(str, "text", {"type": "string"}),
    int: FieldType(_parse_int, "a whole number", {"type": "integer"}),
    float: FieldType(_parse_float, "a number", {"type": "number"}),
    bool: FieldType(_parse_bool, "true or false", {"type": "boolean"}),
    Duration: FieldType(
        parse_duration,
        _A_DURATION,
        {
            "type": ["string", "integer"],
            "pattern": f"^(?!$){_DURATION}$",
            "minimum": 0,
            "maximum": 0,
        },
    ),
    Rate: FieldType(parse_rate, _A_RATE, {"type": "string", "pattern": "^[1-9][0-9]*/."}),
    Size: FieldType(
        parse_size, _A_SIZE, {"type": ["string", "integer"], "pattern": f"^{_SIZE}$", "minimum": 0}
    ),
    TimeZone: FieldType(parse_time_zone, _A_TIME_ZONE, {"type": "string"}),
    HttpUrl: FieldType(parse_http_url, _A_URL, {"type": "string", "format": "uri"}),
}
"""The types that are read from a single value."""
