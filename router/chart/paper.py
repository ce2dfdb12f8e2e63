"""What all charts are drawn on: matplotlib's Figure without pyplot, whose state would be the whole
process's.

matplotlib takes half a second to load and isn't made for threads: it's loaded when the first chart
is drawn, and one chart is drawn at a time. Call it in a thread; a chart takes some 50 ms.
"""

import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from typing import TYPE_CHECKING

from router.core.text.plain import plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_TEXT = 60
"""Characters of any one text: what is longer is cut."""

_POINTS = 72  # to the inch, and one of them is a pixel of an SVG
_SHARP = 2  # pixels of a PNG for each of its size
_DRAWING = threading.Lock()


class ImageFormat(StrEnum):
    SVG = "svg"
    PNG = "png"


class Tone(StrEnum):
    """What a colour says."""

    PLAIN = "plain"
    INFO = "info"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Look:
    """The form of a picture, and its size in pixels."""

    form: ImageFormat = ImageFormat.SVG
    width: int = 720
    height: int = 240


@dataclass(frozen=True, slots=True)
class Colour:
    """As it is on white, and what a browser paints instead where pages are dark."""

    light: str
    dark: str


INK, QUIET, GRID = (
    Colour("#1b1f24", "#e6e9ed"),
    Colour("#59636e", "#9aa4af"),
    Colour("#d1d9e1", "#333b44"),
)
TONES = {
    Tone.PLAIN: Colour("#6e7781", "#8b949e"),
    Tone.INFO: Colour("#0b5cad", "#7ab7ff"),
    Tone.GOOD: Colour("#1a6b34", "#6fd08c"),
    Tone.WARN: Colour("#8a5a00", "#f2b84b"),
    Tone.BAD: Colour("#b3261e", "#ff8a80"),
}
LINES = (
    TONES[Tone.INFO],
    Colour("#7b3fa0", "#d2a8ff"),
    Colour("#0f766e", "#5eead4"),
    Colour("#9a4d00", "#ffb77c"),
    Colour("#a0266f", "#ff9bd2"),
    Colour("#4d5a00", "#c8d96f"),
)
"""Of several curves or stacks, in turn. All are at least 4.5 to 1 on their ground."""

_ALL = (INK, QUIET, GRID, *TONES.values(), *LINES[1:])
_DARK = "".join(
    f'[style*="{what}: {colour.light}"]{{{what}:{colour.dark}!important}}'
    for colour in _ALL
    for what in ("fill", "stroke")
)
_STYLE = f"<style>@media (prefers-color-scheme:dark){{{_DARK}}}</style>".encode()


class Picture:
    """A figure while it's drawn on; `data` is then what it came to.

    All text goes through `text`.
    """

    def __init__(self, look: Look) -> None:
        from matplotlib.figure import Figure  # noqa: PLC0415 - see the module

        self.look = look
        self.figure: Figure = Figure(
            figsize=(look.width / _POINTS, look.height / _POINTS), layout="constrained"
        )
        self.axes: Axes = self.figure.add_subplot()
        self.data = b""
        self.axes.tick_params(colors=QUIET.light, labelsize=9, length=0)
        self.axes.spines[:].set_visible(False)
        self.axes.set_axisbelow(True)

    def title(self, title: str) -> None:
        if title:
            # Over the whole figure, so that it's above the labels of marks, too.
            self.figure.suptitle(
                text(title), x=0.01, ha="left", color=INK.light, fontsize=10, parse_math=False
            )

    def legend(self, colours: dict[str, Colour]) -> None:
        """Below the chart; none for a single name, which the title can say."""
        from matplotlib.patches import Patch  # noqa: PLC0415 - see the module

        if len(colours) < 2:
            return
        legend = self.figure.legend(
            handles=[Patch(color=colour.light) for colour in colours.values()],
            labels=[text(name) for name in colours],
            loc="outside lower left",
            ncols=max(1, self.look.width * 2 // (15 * min(MAX_TEXT, max(map(len, colours))) + 60)),
            frameon=False,
            fontsize=9,
            labelcolor=INK.light,
            handlelength=1,
            handleheight=1,
        )
        for entry in legend.get_texts():
            entry.set_parse_math(False)

    def _save(self) -> bytes:
        out = BytesIO()
        if self.look.form is ImageFormat.PNG:
            self.figure.savefig(
                out,
                format="png",
                dpi=_POINTS * _SHARP,
                facecolor="white",
                metadata={"Software": None},
            )
            return out.getvalue()
        self.figure.savefig(
            out, format="svg", transparent=True, metadata={"Date": None, "Creator": None}
        )
        return re.sub(rb"(<svg [^>]*>)", lambda found: found[1] + _STYLE, out.getvalue(), count=1)


@contextmanager
def picture(look: Look) -> Iterator[Picture]:
    """A picture to draw on, finished once the block ends."""
    with _DRAWING, warnings.catch_warnings():
        # For a letter that the font lacks there's a box, and in an SVG the browser's own font.
        warnings.simplefilter("ignore", UserWarning)
        import matplotlib as mpl  # noqa: PLC0415 - see the module

        # The ids in an SVG would be random. Text as text is smaller, and can be read and searched.
        with mpl.rc_context(
            {"svg.hashsalt": "alert-router", "svg.fonttype": "none", "font.family": "sans-serif"}
        ):
            drawn = Picture(look)
            yield drawn
            drawn.data = drawn._save()  # noqa: SLF001 - its own module


def warm_up() -> None:
    """Load all that the first chart would have to wait for."""
    for form in ImageFormat:
        with picture(Look(form)) as drawn:
            drawn.title("Ready")


def text(given: str) -> str:
    """One plain line that isn't too long.

    That it's escaped is the SVG writer's, and that `$` is no formula ours.
    """
    line = plain(given)
    return line if len(line) <= MAX_TEXT else f"{line[: MAX_TEXT - 1]}…"
