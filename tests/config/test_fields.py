"""The field types, as they're written in YAML."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.config import fields

DURATION = "expected a duration such as 30s, 5m, 1h30m or 2d, found "
RATE = "expected a rate such as 1/s, 30/m or 100/1h, found "
SIZE = "expected a size such as 16MiB, 500kB or a number of bytes, found "
URL = "expected an https URL (or http on a loopback host)"

RIGHT = [
    (fields.Duration, "0", 0.0),
    (fields.Duration, "0s", 0.0),
    (fields.Duration, "500ms", 0.5),
    (fields.Duration, "5m", 300.0),
    (fields.Duration, "5m500ms", 300.5),
    (fields.Duration, "1h30m", 5400.0),
    (fields.Duration, "1.5h", 5400.0),
    (fields.Duration, "2d", 172800.0),
    (fields.Duration, "1w", 604800.0),
    (fields.Rate, "1/s", fields.Rate(1, 1.0)),
    (fields.Rate, "30/m", fields.Rate(30, 60.0)),
    (fields.Rate, "10/5m", fields.Rate(10, 300.0)),
    (fields.Size, "16MiB", 16 * 1024 * 1024),
    (fields.Size, "1MB", 1_000_000),
    (fields.Size, "500kB", 500_000),
    (fields.Size, "7", 7),
    (fields.TimeZone, "Europe/London", "Europe/London"),
    (fields.HttpUrl, "https://example.com/x?y#z", "https://example.com/x?y#z"),
    (fields.HttpUrl, "http://localhost:9093", "http://localhost:9093"),
    (fields.HttpUrl, "http://127.8.9.1/", "http://127.8.9.1/"),
    (fields.HttpUrl, "http://[::1]:80", "http://[::1]:80"),
    (int, "-7", -7),
    (float, "0.25", 0.25),
    (bool, "True", True),
    (bool, "off", False),
    (str, "NO", "NO"),
]


@pytest.mark.parametrize(("type_", "text", "value"), RIGHT)
def test_what_is_right_is_read_and_the_schema_takes_it(
    type_: object, text: str, value: object
) -> None:
    field_type = fields.FIELD_TYPES[type_]
    assert field_type.read(text) == value
    if pattern := field_type.schema.get("pattern"):
        assert re.search(pattern, text) or text.isdigit()


WRONG = [
    (fields.Duration, "5", "'5' has no unit: write 5s, 5m or 5h"),
    (fields.Duration, "1.5", "'1.5' has no unit: write 1.5s, 1.5m or 1.5h"),
    *[
        (fields.Duration, text, f"{DURATION}{text!r}")
        for text in ("", "-5m", "5 m", "30m1h", "5y", "1h30", "five")
    ],
    *[
        (fields.Rate, text, f"{RATE}{text!r}")
        for text in ("1", "0/s", "1/0s", "x/s", "1/x", "/s", "-1/s")
    ],
    *[(fields.Size, text, f"{SIZE}{text!r}") for text in ("", "1 MB", "1.5MB", "-1", "1mb", "1XB")],
    (
        fields.TimeZone,
        "Europe/Lodnon",
        (
            "unknown time zone 'Europe/Lodnon', did you mean 'Europe/London'? (a time zone such "
            "as Europe/London)"
        ),
    ),
    (
        fields.TimeZone,
        "london",
        (
            "unknown time zone 'london', did you mean 'Europe/London'? (a time zone such as "
            "Europe/London)"
        ),
    ),
    *[
        (fields.HttpUrl, text, URL)
        for text in (
            "example.com",
            "ftp://x",
            "https://",
            "https://a b",
            "https://[x",
            "https://x:99999",
            "https://a\\b",
        )
    ],
    (
        fields.HttpUrl,
        "https://me:pw@x",
        "this URL can't contain a user name or password, because logs show it",
    ),
    (int, "1.5", "expected a whole number, found '1.5'"),
    (float, "nan", "expected a number, found 'nan'"),
    (float, "x", "expected a number, found 'x'"),
    (bool, "maybe", "expected true or false, found 'maybe'"),
]


@pytest.mark.parametrize(("type_", "text", "message"), WRONG)
def test_what_is_wrong_is_said(type_: object, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        fields.FIELD_TYPES[type_].read(text)


@pytest.mark.parametrize(
    ("url", "plain"),
    [
        *((f"http://{host}/x", True) for host in ("example.com", "10.0.0.1", "127.1", "0.0.0.0")),
        ("http://localhost.example.com/", True),
        ("http://localhost@evil.example/", True),
        ("https://example.com/", False),
        ("http://localhost:9093", False),
        ("http://127.8.9.1/", False),
        ("http://[::1]:80", False),
    ],
)
def test_plain_http_is_recognised(url: str, plain: bool) -> None:
    """Traffic to a loopback host doesn't leave this host, with any scheme."""
    assert fields.is_plain_http(url) is plain


@given(st.integers(0, 10**9))
def test_a_duration_is_the_sum_of_its_parts(milliseconds: int) -> None:
    """Any number of milliseconds, written with each unit once, is parsed back."""
    text, rest = "", milliseconds
    for unit, size in (
        ("w", 604_800_000),
        ("d", 86_400_000),
        ("h", 3_600_000),
        ("m", 60_000),
        ("s", 1000),
        ("ms", 1),
    ):
        amount, rest = divmod(rest, size)
        text += f"{amount}{unit}" * bool(amount)
    assert fields.parse_duration(text or "0") == pytest.approx(milliseconds / 1000)
