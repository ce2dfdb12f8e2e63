"""Without matplotlib all but the charts works, and says how to install them."""

import subprocess
import sys

import pytest

from router.chart import ChartsMissing, ImageOptions, Mark, Tone, line_chart, notice


def test_a_chart_says_how_to_install_charts(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the extra."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(ChartsMissing, match=r"pip install 'alert-router\[charts\]'"):
        line_chart([], start=0.0, end=60.0, marks=(Mark(1.0, "opened", Tone.BAD),))


def test_a_notice_needs_no_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """It's an SVG with the text, escaped."""
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert b"<text" in notice("No chart: a < b", ImageOptions())
    assert b"a &lt; b" in notice("No chart: a < b", ImageOptions())


def test_the_router_starts_without_matplotlib() -> None:
    """It's loaded by the first chart."""
    code = "import router.app, router.cli, sys; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
