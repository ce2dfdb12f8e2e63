"""Charts of the statistics: incidents and times by week, pages by person."""

from collections.abc import Callable, Mapping

from router.chart.bars import bars
from router.chart.paper import Tone
from router.core.postmortem.statistics import Statistics
from router.core.text.units import duration


def incidents(found: Statistics) -> bytes:
    """Return incidents by week as SVG. Each chart takes 50 ms: call it in a thread."""
    weeks = found.by_week
    return bars(
        [*weeks],
        {"incidents": [one.incidents for one in weeks.values()]},
        title="Incidents by week",
    )


def acknowledged(found: Statistics) -> bytes:
    weeks = found.by_week
    values = [one.acknowledge_mean or 0.0 for one in weeks.values()]
    return bars([*weeks], {"mean": values}, title="Time to acknowledge, by week", write=duration)


def resolved(found: Statistics) -> bytes:
    weeks = found.by_week
    values = [one.resolve_mean or 0.0 for one in weeks.values()]
    return bars([*weeks], {"mean": values}, title="Time to resolve, by week", write=duration)


def pages(found: Statistics) -> bytes:
    people = found.pages
    parts = {
        "at night": [float(one.night) for one in people.values()],
        "by day": [float(one.pages - one.night) for one in people.values()],
    }
    tones = {"at night": Tone.BAD, "by day": Tone.INFO}
    return bars([*people], parts, tones=tones, title="Pages by person")


CHARTS: Mapping[str, Callable[[Statistics], bytes]] = {
    "incidents": incidents,
    "acknowledged": acknowledged,
    "resolved": resolved,
    "pages": pages,
}
"""The charts by name."""
