"""Values as people and dashboards write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.text.spelling import Dimension, rewritten
from router.core.text.units import read_value

NUMBER, RATIO, TIME, RATE = Dimension

READ = [
    *((text, RATIO, 0.123) for text in ("12,3%", "12.3 %", "\n12.3%\n")),
    *(
        (text, TIME, 180)
        for text in ("3min", "3 minutes", "3 mins", "PT3M", "0:03:00", "180 seconds", "180sec")
    ),
    *((text, TIME, 330) for text in ("00:05:30", "PT5M30S", "5 minutes 30 seconds")),
    ("3hr", TIME, 10_800),
    ("1 day 2 hours", TIME, 93_600),
    ("P1DT2H", TIME, 93_600),
    ("250 milliseconds", TIME, 0.25),
    ("10 000 ms", TIME, 10),
    *(
        (text, NUMBER, 12_345)
        for text in ("12,345", "12 345", "12\u00a0345", "12'345", "12\u2019345", "1_2345", "0x3039")
    ),
    ("12.345,6", NUMBER, 12_345.6),
    ("12,345.6", NUMBER, 12_345.6),
    ("1,234,567", NUMBER, 1_234_567),
    ("1.234.567", NUMBER, 1_234_567),
    ("-12,5", NUMBER, -12.5),
    *(
        (text, NUMBER, 12_300)
        for text in ("12.3K", "12.3 K", "12300req", "12300 requests", "12,3 K")
    ),
    *((text, NUMBER, 1_234.5) for text in ("1 234,5", "1 234.5", "1'234,5")),
    ("\u221212", NUMBER, -12),
    *((text, NUMBER, 5e6) for text in ("5 million", "5 Mio", "5 megabytes", "5mb", "5 mbit")),
    ("12.3%%", RATIO, 0.123),
    *((text, TIME, 200) for text in ("3 min, 20 s", "3 minutes and 20 seconds", "200 sec.")),
    ("1.2 Mil", NUMBER, 1.2e6),
    ("1.5 Bil", NUMBER, 1.5e9),
    ("٣٠٠٠٠", NUMBER, 30_000),
    *((text, NUMBER, 8.5 * 1024**3) for text in ("8.5GiB", "8.5 GiB", "8.5Gi", "8.5 gib")),
    *(
        (text, NUMBER, 9e9)
        for text in ("9GB", "9gb", "9 gigabytes", "9000 MB", "9000000000B", "9000000000 bytes")
    ),
    *(
        (text, NUMBER, 3.5)
        for text in (
            "[ var='A' labels={instance=bar} value=3.5 ]",
            "[ metric='cpu' labels={instance=bar} value=3.5 ]",
            "map[A:3.5]",
            "A=3.5",
        )
    ),
    *(
        (text, RATE, 250)
        for text in (
            "250 req/s",
            "250/sec",
            "250 reqps",
            "250rps",
            "250 requests per second",
            "250 per sec",
            "15000 rpm",
            "250",
        )
    ),
    ("15k requests/min", RATE, 250),
    *((text, RATE, 5e6) for text in ("5 MB/s", "5 mb/s", "5 Mbps", "5 mbps")),
]


@pytest.mark.parametrize(("text", "dimension", "value"), READ, ids=[one[0] for one in READ])
def test_what_people_write_is_read(text: str, dimension: Dimension, value: float) -> None:
    assert read_value(text, dimension) == pytest.approx(value)


@pytest.mark.parametrize(
    ("text", "dimension"),
    [
        ("0,123", NUMBER),
        ("12,34,5", NUMBER),
        ("1.2,3.4", NUMBER),
        ("12 3456", NUMBER),
        ("5:30", TIME),
        ("~12%", RATIO),
        ("12.3% (5m)", RATIO),
        ("12 of 30", NUMBER),
        ("5M million", NUMBER),
        ("3 dozen", NUMBER),
        ("250 rpm", NUMBER),
        ("12.3 percent", NUMBER),
        ("5 minutes", NUMBER),
        ("[ var='A' labels={} value=1 ], [ var='B' labels={} value=2 ]", NUMBER),
        ("[no value]", NUMBER),
        ("P", TIME),
    ],
)
def test_what_could_mean_two_things_is_not_read(text: str, dimension: Dimension) -> None:
    """The lowest tier and a warning are better than a wrong number."""
    with pytest.raises(ValueError, match="expected"):
        read_value(text, dimension)


@given(st.text(), st.sampled_from(Dimension))
def test_any_text_is_rewritten_without_an_error(text: str, dimension: Dimension) -> None:
    assert isinstance(rewritten(text, dimension), str)
