"""Bars of counts and amounts, each with its parts."""

from collections.abc import Callable, Mapping, Sequence
from math import isfinite

from router.chart.paper import GRID, LINES, QUIET, TONES, Colour, Look, Tone, picture, text
from router.core.text.units import number

_ROOM = 60  # pixels reserved for a bar's name


def bars(  # noqa: PLR0913 - what there is to say about a chart, each by name
    names: Sequence[str],
    parts: Mapping[str, Sequence[float]],
    *,
    tones: Mapping[str, Tone] | None = None,
    title: str = "",
    write: Callable[[float], str] = number,
    look: Look | None = None,
) -> bytes:
    """A bar for each name, stacked from `parts` in order from the bottom.

    Args:
        names: labels below the bars; of many, only some are written.
        parts: their values by the part's name. Negative or non-finite values count as 0.
        tones: of some parts; others have distinct colours.
        title: one line.
        write: formats a value on the axis.
        look: the form and size.
    """
    with picture(look or Look()) as drawn:
        drawn.title(title)
        colours = {part: _colour(part, index, tones or {}) for index, part in enumerate(parts)}
        below = [0.0] * len(names)
        for part, values in parts.items():
            heights = [value if isfinite(value) and value > 0 else 0.0 for value in values]
            drawn.axes.bar(
                range(len(names)), heights, bottom=below, width=0.7, color=colours[part].light
            )
            below = [base + height for base, height in zip(below, heights, strict=True)]
        every = max(1, -(-len(names) * _ROOM // drawn.look.width))
        shown = range(0, len(names), every)
        drawn.axes.set_xticks(
            shown, labels=[text(names[index]) for index in shown], parse_math=False
        )
        drawn.axes.set_xlim(-0.6, max(len(names), 1) - 0.4)
        drawn.axes.set_ylim(0, 1.1 * max(below, default=0.0) or 1.0)
        drawn.axes.yaxis.set_major_formatter(lambda value, _: write(value))
        drawn.axes.locator_params(axis="y", nbins=max(2, drawn.look.height // 45))
        drawn.axes.grid(axis="y", color=GRID.light, linewidth=0.8)
        drawn.axes.tick_params(axis="x", colors=QUIET.light)
        drawn.legend(colours)
    return drawn.data


def _colour(part: str, index: int, tones: Mapping[str, Tone]) -> Colour:
    return TONES[tones[part]] if part in tones else LINES[index % len(LINES)]
