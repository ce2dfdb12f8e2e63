"""A row per name: bars for durations, dots for moments."""

from collections.abc import Sequence
from dataclasses import dataclass

from router.chart.figure import INK, TONES, ImageOptions, Picture, Tone, picture, text
from router.chart.times import Mark, draw_marks, time_axis

ROW = 26
"""Pixels of a row."""

_AROUND = 70  # pixels above and below the rows


@dataclass(frozen=True, slots=True)
class Span:
    """A bar from `start` to `end` (UTC seconds) in the row `name`; a dot if both are equal."""

    row: str
    start: float
    end: float
    tone: Tone = Tone.INFO
    label: str = ""


def gantt(
    spans: Sequence[Span],
    *,
    marks: Sequence[Mark] = (),
    title: str = "",
    zone: str | None = "UTC",
    options: ImageOptions | None = None,
) -> bytes:
    """Draw the rows, from the top in order of first appearance.

    Args:
        spans: what to draw.
        marks: vertical marks over all rows.
        title: one line.
        zone: time zone of the axis; None for the time since the first span.
        options: the form and width; the height follows from the rows.
    """
    rows = list(dict.fromkeys(span.row for span in spans))
    start, end = _extent(spans, marks)
    wanted = options or ImageOptions()
    with picture(ImageOptions(wanted.form, wanted.width, ROW * len(rows) + _AROUND)) as drawn:
        drawn.title(title)
        time_axis(drawn, start, end, zone)
        drawn.axes.set_xlim(
            start - 0.01 * (end - start), end + 0.01 * (end - start)
        )  # complete dots at the ends
        drawn.axes.set_ylim(len(rows) - 0.5, -0.5)
        drawn.axes.set_yticks(
            range(len(rows)), labels=[text(row) for row in rows], color=INK.light, parse_math=False
        )
        for span in spans:
            _draw(drawn, span, rows.index(span.row), end - start)
        draw_marks(drawn, marks, start, end)
    return drawn.data


def _extent(spans: Sequence[Span], marks: Sequence[Mark]) -> tuple[float, float]:
    moments = [at for span in spans for at in (span.start, span.end)] + [mark.at for mark in marks]
    start, end = min(moments, default=0.0), max(moments, default=0.0)
    return start, max(end, start + 1.0)


def _draw(drawn: Picture, span: Span, row: int, whole: float) -> None:
    colour = TONES[span.tone].light
    if span.end > span.start:
        # Use a minimum width, because a short span would be invisible.
        drawn.axes.barh(
            row, max(span.end - span.start, whole / 250), left=span.start, height=0.55, color=colour
        )
    else:
        drawn.axes.plot([span.start], [row], marker="o", markersize=7, color=colour)
    if span.label:
        late = (span.start + span.end) / 2 > drawn.axes.get_xlim()[0] + 0.7 * whole
        drawn.axes.annotate(
            text(span.label),
            (span.start if late else span.end, row),
            xytext=(-6 if late else 6, 0),
            textcoords="offset points",
            ha="right" if late else "left",
            va="center",
            color=INK.light,
            fontsize=9,
            parse_math=False,
        )
