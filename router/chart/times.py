"""The time axis, and its marks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from router.chart.figure import GRID, QUIET, TONES, Picture, Tone, text
from router.core.text.units import duration

_STEPS = (
    *(1, 2, 5, 10, 15, 30),
    *(60 * minutes for minutes in (1, 2, 5, 10, 15, 30)),
    *(3600 * hours for hours in (1, 2, 3, 6, 12)),
    *(86_400 * days for days in (1, 2, 7, 14, 28, 91, 364)),
)
_DAY = 86_400.0
_ROOM = 75  # pixels reserved for a tick's label
_LETTER = 6.0  # approximate pixels of a mark's letter
_ROWS = 3


@dataclass(frozen=True, slots=True)
class Mark:
    """A marked moment: `at` in UTC seconds."""

    at: float
    label: str
    tone: Tone = Tone.PLAIN


def time_axis(picture: Picture, start: float, end: float, zone: str | None) -> None:
    """Draw the axis from `start` to `end` (UTC seconds) in `zone`, or as time since `start`."""
    axes = picture.axes
    end = max(end, start + 1.0)
    axes.set_xlim(start, end)
    step = next(
        (s for s in _STEPS if (end - start) / s <= picture.options.width / _ROOM), _STEPS[-1]
    )
    first = _midnight(start, zone) if zone else start
    ticks = [
        first + n * step
        for n in range(int((start - first) // step), int((end - first) // step) + 1)
    ]
    ticks = [tick for tick in ticks if start <= tick <= end]
    labels = [_clock(tick, zone, step) if zone else f"+{duration(tick - start)}" for tick in ticks]
    axes.set_xticks(ticks, labels=labels)
    axes.grid(axis="x", color=GRID.light, linewidth=0.8)
    if zone:
        axes.set_xlabel(
            _days(start, end, zone), color=QUIET.light, fontsize=9, loc="right", parse_math=False
        )


def draw_marks(picture: Picture, marks: Iterable[Mark], start: float, end: float) -> None:
    """Draw a line for each mark, with its label above the chart, without overlaps."""
    axes = picture.axes
    shown = sorted((mark for mark in marks if start <= mark.at <= end), key=lambda mark: mark.at)
    rows = _rows(shown, start, max(end, start + 1.0), picture.options.width)
    for mark, row in zip(shown, rows, strict=True):
        colour = TONES[mark.tone].light
        axes.axvline(mark.at, color=colour, linewidth=1.2, linestyle=(0, (4, 2)))
        if row is None:
            continue
        late = (mark.at - start) / max(end - start, 1.0) > 0.7
        axes.annotate(
            text(mark.label),
            (mark.at, 1.0),
            xytext=(-3 if late else 3, 3 + 12 * row),
            xycoords=("data", "axes fraction"),
            textcoords="offset points",
            ha="right" if late else "left",
            color=colour,
            fontsize=9,
            parse_math=False,
            annotation_clip=False,
        )


def _rows(marks: Sequence[Mark], start: float, end: float, width: int) -> list[int | None]:
    """Return the row of each label, None where none has room."""
    taken: list[list[tuple[float, float]]] = [[] for _ in range(_ROWS)]
    found: list[int | None] = []
    for mark in marks:
        length = len(text(mark.label)) * _LETTER / (0.85 * width)
        left = (mark.at - start) / (end - start)
        place = (left - length, left) if left > 0.7 else (left, left + length)
        row = next(
            (n for n, row in enumerate(taken) if all(_apart(place, other) for other in row)), None
        )
        if row is not None:
            taken[row].append(place)
        found.append(row)
    return found


def _apart(first: tuple[float, float], other: tuple[float, float]) -> bool:
    return first[1] < other[0] or other[1] < first[0]


def _midnight(at: float, zone: str) -> float:
    """Return the start of the day in the zone.

    Ticks are counted from it, so they are at full hours.
    """
    return (
        datetime.fromtimestamp(at, ZoneInfo(zone))
        .replace(hour=0, minute=0, second=0, microsecond=0)
        .timestamp()
    )


def _clock(at: float, zone: str, step: float) -> str:
    local = datetime.fromtimestamp(at, ZoneInfo(zone))
    if step >= _DAY or (local.hour, local.minute, local.second) == (0, 0, 0):
        return f"{local.day} {local:%b}"
    return f"{local:%H:%M:%S}" if step < 60 else f"{local:%H:%M}"


def _days(start: float, end: float, zone: str) -> str:
    first, last = (
        f"{(day := datetime.fromtimestamp(at, ZoneInfo(zone))).day} {day:%b %Y}"
        for at in (start, end)
    )
    return f"{first if first == last else f'{first} to {last}'}, {zone}"
