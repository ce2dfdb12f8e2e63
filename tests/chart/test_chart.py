"""Charts: what is in them can be read in the SVG, and the same in gives the same bytes."""

import math
import struct
import subprocess
import sys
from collections.abc import Callable
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.chart import (
    ImageFormat,
    ImageOptions,
    Level,
    Mark,
    Series,
    Span,
    Tone,
    gantt,
    line_chart,
)
from router.chart.figure import LINES, TONES
from router.core.text.units import percent

START = 1795454041.0  # 2026-11-23 17:14:01 UTC
HOUR = 3600.0
CURVE = Series('{service="api"}', [(START + 60 * n, 0.01 * (n % 7)) for n in range(60)])
OTHER = Series("other", [(START + 60 * n, 0.02) for n in range(60)])
PNG = ImageOptions(ImageFormat.PNG)
SVG = "{http://www.w3.org/2000/svg}"


def line(*series: Series, **more: Any) -> bytes:
    return line_chart(series or [CURVE], start=START, end=START + HOUR, **more)


def spans(options: ImageOptions | None = None) -> bytes:
    return gantt(
        [Span("log", START, START), Span("ana", START, START + 60, Tone.WARN, "rings")],
        options=options,
    )


KINDS = pytest.mark.parametrize("draw", [lambda options=None: line(options=options), spans])


def texts(svg: bytes) -> list[str]:
    return ["".join(element.itertext()) for element in ET.fromstring(svg).iter(f"{SVG}text")]


def drawn(svg: bytes, colour: str) -> list[ET.Element]:
    """The paths in a colour that lie on the axes."""
    return [
        element
        for element in ET.fromstring(svg).iter(f"{SVG}path")
        if colour in element.get("style", "")
    ]


@KINDS
def test_the_same_is_the_same_bytes(draw: Callable[..., bytes]) -> None:
    """No date, no random id: a post-mortem that is made again doesn't differ."""
    assert draw() == draw()
    assert draw(PNG) == draw(PNG)
    assert b"<dc:date>" not in draw()


@KINDS
def test_a_png_is_one_and_is_sharp(draw: Callable[..., bytes]) -> None:
    """Two pixels for each of its size, on a ground that isn't seen through."""
    png = draw(ImageOptions(ImageFormat.PNG, 600, 200))
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", png[16:24])
    assert width == 1200
    assert draw is spans or height == 400
    assert len(png) < 100_000


@KINDS
def test_an_svg_can_be_read_in_the_dark(draw: Callable[..., bytes]) -> None:
    """Each colour in it has another for dark pages, and nothing covers the page's own ground."""
    svg = draw().decode()
    rules = svg.partition("<style>")[2].partition("</style>")[0]
    assert rules.startswith("@media (prefers-color-scheme:dark)")
    used = {
        style
        for style in ("fill", "stroke")
        for part in svg.split(f"{style}: #")[1:]
        if part[:6] not in rules
    }
    assert not used
    assert "#ffffff" not in svg


def test_a_curve_has_its_title_level_marks_and_names() -> None:
    """Title, level, marks and names are in the chart as text."""
    said = texts(
        line(
            CURVE,
            OTHER,
            title="failures",
            level=Level(0.05, "> 5%"),
            marks=[Mark(START + 60, "opened")],
            write=percent,
            zone="Europe/London",
        )
    )
    assert {
        "failures",
        "> 5%",
        "opened",
        '{service="api"}',
        "other",
        "17:20",
        "23 Nov 2026, Europe/London",
    } <= {*said}
    assert "2%" in said


def test_the_clock_is_that_of_the_zone() -> None:
    """In Tokyo it was the next morning."""
    said = texts(line(zone="Asia/Tokyo"))
    assert "02:30" in said
    assert "24 Nov 2026, Asia/Tokyo" in said


def test_days_are_told_when_hours_would_not_do() -> None:
    """A month has its days below it, which begin at midnight there, in the week when clocks change
    as well.
    """
    said = texts(line_chart([], start=START - 30 * 86_400, end=START, zone="Europe/London"))
    assert "20 Nov" in said
    assert "24 Oct 2026 to 23 Nov 2026, Europe/London" in said
    assert "no data" in said


def test_no_data_is_said() -> None:
    """A level alone would look like a curve that is always well below it."""
    assert "no data" in texts(line(Series("s", []), level=Level(1, "> 1")))
    assert "no data" not in texts(line(level=Level(1, "> 1")))


def test_what_is_missing_is_a_gap_and_no_line() -> None:
    """A curve over missing points would claim to know them; one alone is a dot."""
    colour = LINES[0].light
    points = [*CURVE.points[:20], *CURVE.points[40:]]
    assert len(drawn(line(Series("s", points)), colour)[0].get("d", "").split("M")) == 3
    assert len(drawn(line(), colour)[0].get("d", "").split("M")) == 2
    alone = Series(
        "s",
        [
            *CURVE.points[:20],
            (START + 1800, math.nan),
            (START + 1860, 0.1),
            (START + 1920, math.nan),
        ],
    )
    assert b"<use" in line(alone)


def test_marks_outside_are_left_out_and_those_that_touch_have_rows() -> None:
    """No label covers another: three rows, and beyond them the line alone."""
    svg = line(
        marks=[Mark(START - 60, "before"), *(Mark(START + 60 + n, f"moment {n}") for n in range(5))]
    )
    found = [
        element
        for element in ET.fromstring(svg).iter(f"{SVG}text")
        if "m" in (element.text or "")[:1]
    ]
    assert [element.text for element in found] == ["moment 0", "moment 1", "moment 2"]
    assert len({one.get("y") for one in found}) == 3
    assert len(drawn(svg, TONES[Tone.PLAIN].light)) == 5


def test_rows_are_in_order_and_time_may_count_from_the_start() -> None:
    """For a simulation there's no date, only how long after."""
    svg = gantt(
        [Span("b", 0, 0), Span("a", 300, 900, label="rings"), Span("b", 900, 900)], zone=None
    )
    said = texts(svg)
    assert [one for one in said if one in ("a", "b")] == ["b", "a"]
    assert {"+0s", "+4m", "+14m", "rings"} <= {*said}


@pytest.mark.parametrize("options", [None, PNG])
def test_nothing_to_draw_is_drawn(options: ImageOptions | None) -> None:
    """An empty chart is no fault."""
    assert line(Series("", []), options=options)
    assert gantt([], options=options)


HOSTILE = [
    "</text><script>alert(1)</script>",
    "$\\frac{1}{$",
    "a\x00b\x1b[31m",
    "\ud800",
    "漢字 🚨",
    "_hidden",
    "x" * 500,
]


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("form", [*ImageFormat])
def test_any_text_is_only_text(text: str, form: ImageFormat) -> None:
    """No markup, no formula, no control character; long ones are cut."""
    options = ImageOptions(form)
    out = [
        line(
            Series(text, CURVE.points),
            OTHER,
            title=text,
            level=Level(1, text),
            marks=[Mark(START, text)],
            options=options,
        ),
        gantt([Span(text, 0, 1, label=text)], title=text, marks=[Mark(0, text)], options=options),
    ]
    for svg in out if form is ImageFormat.SVG else []:
        assert not ET.fromstring(svg).findall(f".//{SVG}script")
        assert max(map(len, texts(svg))) <= 60


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0, 4e9), st.floats()), max_size=20).map(sorted),
    st.floats(0, 4e9),
    st.floats(0, 1e9),
    st.floats(-1e300, 1e300),
)
def test_any_numbers_make_a_picture(
    points: list[tuple[float, float]], start: float, length: float, level: float
) -> None:
    """Infinite, huge, one or none: what a query answers can be anything."""
    ET.fromstring(
        line_chart([Series("s", points)], start=start, end=start + length, level=Level(level))
    )


def test_drawing_leaves_no_trace_in_the_process() -> None:
    """matplotlib isn't loaded before the first chart, pyplot never, and its settings are as they
    were.
    """
    code = (
        "import sys; from router.chart import line_chart; assert 'matplotlib' not in sys.modules;"
        "line_chart([], start=0, end=1); import matplotlib as m;"
        "assert 'matplotlib.pyplot' not in sys.modules; assert m.rcParams['svg.hashsalt'] is None"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
