"""Draw curves and timelines. Equal input gives equal bytes.

An SVG has text as text, no background, and other colours in dark mode. A PNG has a white background
and double resolution, for mail and chat.
"""

from router.chart.figure import ChartsMissing, ImageFormat, ImageOptions, Tone, notice, warm_up
from router.chart.gantt import Span, gantt
from router.chart.line import Level, Series, line_chart
from router.chart.times import Mark

__all__ = [
    "ChartsMissing",
    "ImageFormat",
    "ImageOptions",
    "Level",
    "Mark",
    "Series",
    "Span",
    "Tone",
    "gantt",
    "line_chart",
    "notice",
    "warm_up",
]
