"""Draws: curves over time, what happened when, and counts. The same in gives the same bytes.

An SVG has text as text, no background, and colours that a browser turns round in the dark; a PNG
has a white ground and two pixels for each of its size, for mail and chat.
"""

from router.chart.bars import bars
from router.chart.gantt import Span, gantt
from router.chart.line import Level, Series, line_chart
from router.chart.paper import ImageFormat, Look, Tone, warm_up
from router.chart.times import Mark

__all__ = [
    "ImageFormat",
    "Level",
    "Look",
    "Mark",
    "Series",
    "Span",
    "Tone",
    "bars",
    "gantt",
    "line_chart",
    "warm_up",
]
