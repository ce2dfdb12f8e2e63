import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.core.text.spelling import Dimension
from router.core.text.units import Threshold, duration, number, percent, read_value

NUMBER, RATIO, TIME, RATE = Dimension


@pytest.mark.parametrize(
    ("text", "op", "limit", "dimension"),
    [
        ("> 1%", ">", 0.01, RATIO),
        ("> 57%", ">", 0.57, RATIO),
        (">=500ms", ">=", 0.5, TIME),
        ("< 1.5s", "<", 1.5, TIME),
        ("> 5m", ">", 300, TIME),
        ("> 2h", ">", 7200, TIME),
        ("> 1d", ">", 86400, TIME),
        ("> 1h 30m", ">", 5400, TIME),
        (" <= 20/s ", "<=", 20, RATE),
        ("> 60/m", ">", 1, RATE),
        ("> 1.2k/s", ">", 1200, RATE),
        ("> 20", ">", 20, NUMBER),
        ("> 10k", ">", 10_000, NUMBER),
        ("> 3M", ">", 3_000_000, NUMBER),
        ("> 2G", ">", 2e9, NUMBER),
        ("> 1Ki", ">", 1024, NUMBER),
        ("> 2Mi", ">", 2 * 1024**2, NUMBER),
        ("== 0", "==", 0, NUMBER),
        ("!= 1", "!=", 1, NUMBER),
        ("< -3.5", "<", -3.5, NUMBER),
        ("> .5", ">", 0.5, NUMBER),
        ("> 1e-3", ">", 0.001, NUMBER),
    ],
)
def test_a_threshold_is_read_into_base_units(
    text: str, op: str, limit: float, dimension: Dimension
) -> None:
    assert Threshold.parse(text) == Threshold(op, limit, dimension, text.strip())


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1%",
        "=> 1",
        ">",
        "> x",
        "> 5 apples",
        "> inf",
        "> nan",
        "> 1e400",
        "> 1 2",
        "> 1% 2%",
        "> 1,5",
    ],
)
def test_a_threshold_that_cannot_be_read_says_what_was_expected(text: str) -> None:
    with pytest.raises(ValueError, match=r"^expected .*(> >= < <= == !=|% ms s m h d)"):
        Threshold.parse(text)


@pytest.mark.parametrize(
    ("op", "under", "at", "over"),
    [
        (">", False, False, True),
        (">=", False, True, True),
        ("<", True, False, False),
        ("<=", True, True, False),
        ("==", False, True, False),
        ("!=", True, False, True),
    ],
)
def test_a_threshold_holds_as_its_operator_says(op: str, under: bool, at: bool, over: bool) -> None:
    threshold = Threshold.parse(f"{op} 1%")
    assert [threshold.holds(read_value(value, RATIO)) for value in ("0.99%", "0.01", "1.01%")] == [
        under,
        at,
        over,
    ]


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("0.0123", RATIO, 0.0123),
        (" 1.23% ", RATIO, 0.0123),
        ("1.23 %", RATIO, 0.0123),
        ("57%", RATIO, 0.57),
        ("12.3m", RATIO, 0.0123),  # humanize
        ("+Inf%", RATIO, math.inf),  # humanizePercentage
        ("1e-05", RATIO, 1e-05),
        ("612ms", TIME, 0.612),
        ("1.2s", TIME, 1.2),
        ("0.612", TIME, 0.612),
        ("12us", TIME, 12e-6),
        ("12µs", TIME, 12e-6),
        ("12.3m", TIME, 738),
        ("1h 2m 3s", TIME, 3723),
        ("1h2m3s", TIME, 3723),
        ("1d 0h 0m 1s", TIME, 86401),
        ("-5m 0s", TIME, -300),
        ("0s", TIME, 0),
        ("12/s", RATE, 12),
        ("1.2k/s", RATE, 1200),
        ("30/m", RATE, 0.5),
        ("1.2k", RATE, 1200),
        ("7", NUMBER, 7),
        ("+7", NUMBER, 7),
        ("1.235k", NUMBER, 1235),
        ("12.3M", NUMBER, 12_300_000),
        ("1.5Ki", NUMBER, 1536),
        ("1.5ki", NUMBER, 1536),  # humanize1024
        ("1.235e+06", NUMBER, 1_235_000),
        ("12.3m", NUMBER, 0.0123),
        ("+Inf", NUMBER, math.inf),
        ("-Inf", NUMBER, -math.inf),
    ],
)
def test_a_value_is_read_as_people_and_prometheus_write_it(
    text: str, dimension: Dimension, value: float
) -> None:
    assert read_value(text, dimension) == value


@pytest.mark.parametrize(
    ("text", "dimension", "complaint"),
    [
        ("1.23%", NUMBER, "expected a number, but '1.23%' is a ratio"),
        ("612ms", RATIO, "expected a ratio, but '612ms' is a time"),
        ("1h 2m", NUMBER, "expected a number, but '1h 2m' is a time"),
        ("5%", TIME, "expected a time, but '5%' is a ratio"),
        ("1.2k", TIME, "expected a time, but '1.2k' is a number"),
        ("12/s", TIME, "expected a time, but '12/s' is a rate"),
        ("", NUMBER, "expected a number, but '' can't be read as a number"),
        ("-", NUMBER, "expected a number, but '-' can't be read as a number"),
        ("NaN", NUMBER, "expected a number, but 'NaN' can't be read as a number"),
        ("NaN%", RATIO, "expected a ratio, but 'NaN%' can't be read as a number"),
        ("no data", TIME, "expected a time, but 'no data' can't be read as a number"),
        ("2h30", TIME, "expected a time, but '2h30' can't be read as a number"),
        (
            "1e9999999999999",
            NUMBER,
            "expected a number, but '1e9999999999999' can't be read as a number",
        ),
        (
            "9" * 101,
            NUMBER,
            "expected a number, but '999999999999...9999999999999' can't be read as a number",
        ),
    ],
)
def test_a_value_of_another_dimension_or_unreadable_is_refused(
    text: str, dimension: Dimension, complaint: str
) -> None:
    with pytest.raises(ValueError, match=r"^expected") as error:
        read_value(text, dimension)
    assert str(error.value) == complaint


@given(st.text(), st.sampled_from(Dimension))
def test_any_text_is_a_number_or_a_value_error(text: str, dimension: Dimension) -> None:
    try:
        assert not math.isnan(read_value(text, dimension))
    except ValueError as error:
        assert str(error).startswith("expected")  # noqa: PT017 - some texts are numbers


@given(st.floats(allow_nan=False), st.sampled_from(Dimension))
def test_a_bare_number_is_in_base_units(value: float, dimension: Dimension) -> None:
    assert read_value(str(value), dimension) == value


@pytest.mark.parametrize(
    ("value", "written"),
    [(0.0123, "1.23%"), (0, "0%"), (1, "100%"), (0.9999, "99.99%"), (0.012345678, "1.235%")],
)
def test_a_ratio_is_written_as_a_percentage(value: float, written: str) -> None:
    assert percent(value) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0, "0"),
        (20, "20"),
        (999, "999"),
        (999.9, "1k"),
        (999_999, "1M"),
        (1_234_567, "1.23M"),
        (-1234, "-1.23k"),
        (0.0123, "0.0123"),
        (math.inf, "inf"),
    ],
)
def test_a_number_is_written_with_a_prefix(value: float, written: str) -> None:
    assert number(value) == written


@pytest.mark.parametrize(
    ("seconds", "written"),
    [
        (0, "0s"),
        (0.612, "612ms"),
        (0.9999, "1s"),
        (0.0009999, "1ms"),
        (12e-6, "12us"),
        (1.5, "1.5s"),
        (59.99, "1m"),
        (62, "1m 2s"),
        (3599.7, "1h"),
        (5400, "1h 30m"),
        (3661, "1h 1m"),
        (86399.7, "1d"),
        (86401, "1d"),
        (90061, "1d 1h"),
        (-300, "-5m"),
        (math.inf, "inf"),
    ],
)
def test_a_duration_is_written_in_its_two_largest_units(seconds: float, written: str) -> None:
    assert duration(seconds) == written


@given(st.floats(1e-6, 1e6))
def test_what_is_written_is_read_back(value: float) -> None:
    assert read_value(percent(value), RATIO) == pytest.approx(value, rel=1e-3)
    assert read_value(number(value), NUMBER) == pytest.approx(value, rel=1e-2)
    assert read_value(duration(value), TIME) == pytest.approx(value, rel=5e-2)
    assert read_value(duration(-value), TIME) == pytest.approx(-value, rel=5e-2)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("> 5% until < 6%", "isn't beyond the first one"),
        (">= 5 until < 5.1", "isn't reached while the first one is crossed"),
        ("< 5 until > 4", "isn't beyond the first one"),
        ("> 5% until > 3%", "the opposite comparison after until"),
        ("< 5 until <= 7", "the opposite comparison after until"),
    ],
)
def test_an_exit_beyond_the_entry_is_refused(text: str, why: str) -> None:
    """It would end what is still over the limit, or never end it."""
    with pytest.raises(ValueError, match=why):
        Threshold.parse(text)


@pytest.mark.parametrize(
    "text", ["> 5% until < 5%", "> 5% until <= 4%", "< 5 until >= 5", "== 0 until > 3"]
)
def test_an_exit_at_or_before_the_entry_is_read(text: str) -> None:
    assert Threshold.parse(text).text == text
