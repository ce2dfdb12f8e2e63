"""Curves over time, with a limit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import nan

from router.chart.figure import (
    GRID,
    LINES,
    QUIET,
    TONES,
    ImageOptions,
    Picture,
    Tone,
    picture,
    text,
)
from router.chart.times import Mark, draw_marks, time_axis
from router.core.text.units import number

_GAP = 2.5  # a gap of more usual distances between two points means missing data


_HUGEST = 1e100  # beyond it, axis arithmetic would overflow


@dataclass(frozen=True, slots=True)
class Series:
    """A curve of (UTC seconds, value), in order. A value that is not finite is a gap."""

    name: str
    points: Sequence[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Level:
    """A horizontal line, such as a threshold."""

    value: float
    label: str = ""


def line_chart(  # noqa: PLR0913 - what there is to say about a chart, each by name
    series: Sequence[Series],
    *,
    start: float,
    end: float,
    level: Level | None = None,
    marks: Sequence[Mark] = (),
    title: str = "",
    zone: str = "UTC",
    write: Callable[[float], str] = number,
    options: ImageOptions | None = None,
) -> bytes:
    """The curves between `start` and `end` (UTC seconds).

    Args:
        series: the curves; colours repeat from the seventh on.
        start: start of the time axis.
        end: its end.
        level: the limit to draw.
        marks: moments to mark.
        title: one line.
        zone: time zone of the axis.
        write: formats a value on the axis.
        options: the form and size.
    """
    with picture(options or ImageOptions()) as drawn:
        drawn.title(title)
        time_axis(drawn, start, end, zone)
        for number_, series_ in enumerate(series):
            _curve(drawn, series_, LINES[number_ % len(LINES)].light)
        _values(drawn, series, level, write)
        draw_marks(drawn, marks, start, end)
        drawn.legend(
            {line.name: LINES[number_ % len(LINES)] for number_, line in enumerate(series)}
        )
    return drawn.data


def _curve(drawn: Picture, series: Series, colour: str) -> None:
    points = _broken(series.points)
    drawn.axes.plot(
        [at for at, _ in points], [value for _, value in points], color=colour, linewidth=1.8
    )
    for before, (at, value), after in zip(
        [(0.0, nan), *points], points, [*points[1:], (0.0, nan)], strict=False
    ):
        if _known(value) and not _known(before[1]) and not _known(after[1]):
            drawn.axes.plot(
                [at], [value], marker="o", markersize=3, color=colour
            )  # a single point would be invisible as a line


def _broken(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Insert a gap where points are missing: a line across would suggest data."""
    distances = sorted(after[0] - before[0] for before, after in pairwise(points))
    usual = distances[len(distances) // 2] if distances else 0.0
    broken: list[tuple[float, float]] = []
    for at, value in points:
        if broken and at - broken[-1][0] > _GAP * usual:
            broken.append((at, nan))
        broken.append((at, value if _known(value) else nan))
    return broken


def _values(
    drawn: Picture, series: Sequence[Series], level: Level | None, write: Callable[[float], str]
) -> None:
    """Draw the axis of values, from 0 or the lowest value, with room above the highest."""
    values = [value for line in series for _, value in line.points if _known(value)]
    if not values:
        drawn.axes.text(
            0.5,
            0.5,
            "no data",
            transform=drawn.axes.transAxes,
            ha="center",
            va="center",
            color=QUIET.light,
        )
    values += [level.value] if level and _known(level.value) else []
    low, high = min([0.0, *values]), max([0.0, *values])
    spread = high - low if high - low > 1 / _HUGEST else 1.0
    drawn.axes.set_ylim(low - (0.05 * spread if low < 0 else 0.0), high + 0.1 * spread)
    drawn.axes.yaxis.set_major_formatter(lambda value, _: write(value))
    drawn.axes.locator_params(axis="y", nbins=max(2, drawn.options.height // 45))
    drawn.axes.grid(axis="y", color=GRID.light, linewidth=0.8)
    if not values:
        drawn.axes.set_yticks([])
    if level and _known(level.value):
        colour = TONES[Tone.BAD].light
        drawn.axes.axhline(level.value, color=colour, linewidth=1.2)
        drawn.axes.annotate(
            text(level.label),
            (1.0, level.value),
            xytext=(4, 0),
            xycoords=("axes fraction", "data"),
            textcoords="offset points",
            va="center",
            color=colour,
            fontsize=9,
            parse_math=False,
        )


def _known(value: float) -> bool:
    return abs(value) < _HUGEST
