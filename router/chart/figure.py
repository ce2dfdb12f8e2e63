"""The figure that all charts are drawn on: matplotlib's, without pyplot and its global state.

matplotlib is optional, takes half a second to load and is not thread-safe. So it is loaded when the
first chart is drawn, and one chart is drawn at a time. Call from a thread: a chart takes 50 ms.
"""

import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from router.core.text.plain import plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_TEXT = 60
"""Maximum characters of a text. Longer texts are cut."""

MAX_NOTICE = 120
"""Maximum characters of a notice."""

_POINTS = 72  # dots per inch: one dot is a pixel of an SVG
_SHARP = 2  # scale factor of a PNG
_DRAWING = threading.Lock()


class ImageFormat(StrEnum):
    SVG = "svg"
    PNG = "png"


class Tone(StrEnum):
    """The meaning of a colour."""

    PLAIN = "plain"
    INFO = "info"
    GOOD = "good"
    WARN = "warn"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class ImageOptions:
    """The form of a picture, and its size in pixels."""

    form: ImageFormat = ImageFormat.SVG
    width: int = 720
    height: int = 240


@dataclass(frozen=True, slots=True)
class Colour:
    """The colour on white, and the one that a browser shows in dark mode."""

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
"""Colours of several curves or stacks, each with a contrast of at least 4.5 to 1."""

_ALL = (INK, QUIET, GRID, *TONES.values(), *LINES[1:])
_DARK = "".join(
    f'[style*="{what}: {colour.light}"]{{{what}:{colour.dark}!important}}'
    for colour in _ALL
    for what in ("fill", "stroke")
)
_STYLE = f"<style>@media (prefers-color-scheme:dark){{{_DARK}}}</style>".encode()


class Picture:
    """A figure to draw on; `data` is the finished picture. All text goes through `text`."""

    def __init__(self, options: ImageOptions) -> None:
        from matplotlib.figure import Figure  # noqa: PLC0415 - see the module

        self.options = options
        self.figure: Figure = Figure(
            figsize=(options.width / _POINTS, options.height / _POINTS), layout="constrained"
        )
        self.axes: Axes = self.figure.add_subplot()
        self.data = b""
        self.axes.tick_params(colors=QUIET.light, labelsize=9, length=0)
        self.axes.spines[:].set_visible(False)
        self.axes.set_axisbelow(True)

    def title(self, title: str) -> None:
        if title:
            # Centered over the whole figure, above the labels of marks.
            self.figure.suptitle(
                text(title), x=0.01, ha="left", color=INK.light, fontsize=10, parse_math=False
            )

    def legend(self, colours: dict[str, Colour]) -> None:
        """Draw a legend below the chart; none for a single name."""
        from matplotlib.patches import Patch  # noqa: PLC0415 - see the module

        if len(colours) < 2:
            return
        legend = self.figure.legend(
            handles=[Patch(color=colour.light) for colour in colours.values()],
            labels=[text(name) for name in colours],
            loc="outside lower left",
            ncols=max(
                1, self.options.width * 2 // (15 * min(MAX_TEXT, max(map(len, colours))) + 60)
            ),
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
        if self.options.form is ImageFormat.PNG:
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


class ChartsMissing(Exception):
    """The optional package that draws charts is not installed."""

    def __init__(self) -> None:
        super().__init__("charts are not installed: pip install 'alert-router[charts]'")


def _matplotlib() -> Any:
    """Load matplotlib. Raises: ChartsMissing."""
    try:
        import matplotlib as mpl  # noqa: PLC0415 - see the module
    except ImportError as error:
        raise ChartsMissing from error
    return mpl


def notice(words: str, options: ImageOptions) -> bytes:
    """Return an SVG with a line of text in place of a chart. Needs no package."""
    size = f'width="{options.width}" height="{options.height}"'
    line = escape(plain(words)[:MAX_NOTICE])
    return (
        f'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" '
        f'{size} viewBox="0 0 {options.width} {options.height}">'
        f'<text x="8" y="24" font-family="sans-serif" font-size="13" fill="#6e7781">{line}</text>'
        "</svg>"
    ).encode()


@contextmanager
def picture(options: ImageOptions) -> Iterator[Picture]:
    """Yield a picture to draw on; it is finished when the block ends. Raises: ChartsMissing."""
    mpl = _matplotlib()
    with _DRAWING, warnings.catch_warnings():
        # Characters that the font lacks become boxes; in an SVG the browser uses its own font.
        warnings.simplefilter("ignore", UserWarning)
        # Without a salt the ids in an SVG are random. Text as text is smaller and searchable.
        with mpl.rc_context(
            {"svg.hashsalt": "alert-router", "svg.fonttype": "none", "font.family": "sans-serif"}
        ):
            drawn = Picture(options)
            yield drawn
            drawn.data = drawn._save()  # noqa: SLF001 - its own module


def warm_up() -> None:
    """Load matplotlib and its fonts before the first chart needs them. Raises: ChartsMissing."""
    for form in ImageFormat:
        with picture(ImageOptions(form)) as drawn:
            drawn.title("Ready")


def text(given: str) -> str:
    """Return `given` on one line, cut to `MAX_TEXT`. The SVG writer escapes it."""
    line = plain(given)
    return line if len(line) <= MAX_TEXT else f"{line[: MAX_TEXT - 1]}…"
