"""Output of a simulated escalation: as a table, as JSON, as a chart."""

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from router.chart import ImageFormat, ImageOptions, Mark, Span, Tone, gantt
from router.core.incident.suppression import SUPPRESSED
from router.core.oncall.local_time import local_time
from router.core.text.units import duration
from router.core.virtual.simulation import HORIZON, Moment, Simulation
from router.model.reason import Reason
from router.web.api import views

_TONES = {
    Reason.ACKNOWLEDGED: Tone.GOOD,
    Reason.STEP_DUE: Tone.WARN,
    Reason.NEXT_METHOD: Tone.WARN,
    Reason.STEPS_REPEATED: Tone.WARN,
    Reason.PROMOTED: Tone.BAD,
    Reason.UNANSWERED: Tone.BAD,
}


def show(out: Console, found: Simulation, start: float, zone: str) -> None:
    if not found.incidents:
        why = ", ".join(dict.fromkeys(_words(reason) for reason in found.reasons))
        out.print(Text(f"nobody is notified: {why}"))
        _show_left_out(out, found)
        return
    if muted := SUPPRESSED.intersection(found.reasons):
        out.print(Text(f"nobody is notified when it opens: {', '.join(sorted(muted))}", "yellow"))
    for incident in found.incidents:
        out.print(
            Text(
                f"{incident.name} [{incident.severity}] {incident.title}  ({incident.key})", "bold"
            )
        )
    table = Table(
        "after", f"clock ({zone})", "incident", "who", "over", "why", box=None, padding=(0, 2)
    )
    for moment in found.moments:
        when = (f"+{duration(moment.at - start)}", _clock(moment.at, zone))
        cells = (*when, f"INC-{moment.incident_id}", moment.who, moment.over, _why(moment))
        table.add_row(*map(Text, cells), style="" if moment.over else "dim")
    out.print(table)
    if not found.ended:
        out.print(Text(f"the escalation continues after {duration(HORIZON)}", "yellow"))
    _show_left_out(out, found)


def _show_left_out(out: Console, found: Simulation) -> None:
    for reason in found.left_out:
        out.print(Text(f"not considered: {reason}", "yellow"))


def _clock(at: float, zone: str) -> str:
    return f"{local_time(at, zone):%a %Y-%m-%d %H:%M:%S}"


_WORDS = {Reason.NEXT_METHOD: "next contact method", Reason.STEPS_REPEATED: "reminder"}
"""Texts to show instead of names of reasons that are hard to understand."""


def _why(moment: Moment) -> str:
    return moment.text or _words(moment.reason)


def _words(reason: Reason) -> str:
    return _WORDS.get(reason, reason.replace("_", " "))


def as_json(found: Simulation, start: float) -> dict[str, Any]:
    return {
        "reasons": found.reasons,
        "incidents": [views.incident(incident) for incident in found.incidents],
        "moments": [
            {
                "at": views.when(moment.at),
                "after": moment.at - start,
                "incident": f"INC-{moment.incident_id}",
                "who": moment.who or None,
                "over": moment.over or None,
                "reason": moment.reason,
                "text": moment.text or None,
            }
            for moment in found.moments
        ],
        "end": views.when(found.end),
        "ended": found.ended,
        "left_out": found.left_out,
    }


def drawn(found: Simulation, start: float, zone: str, form: ImageFormat) -> bytes:
    """A row for each incident and each recipient, a dot for each message."""
    spans = [
        Span(
            incident.name,
            incident.opened_at,
            incident.acknowledged_at or found.end,
            Tone.BAD,
            str(incident.severity),
        )
        for incident in found.incidents
    ]
    for moment in found.moments:
        if moment.over:
            row = f"{moment.who} over {moment.over}" if moment.who else moment.over
            tone = _TONES.get(moment.reason, Tone.INFO)
            spans.append(
                Span(
                    row,
                    moment.at,
                    moment.at,
                    tone,
                    f"+{duration(moment.at - start)} {_why(moment)}",
                )
            )
    marks = [
        Mark(moment.at, "acknowledged", Tone.GOOD) for moment in found.moments if _is_answer(moment)
    ]
    title = ", ".join(incident.title for incident in found.incidents) or "nobody is notified"
    return gantt(spans, marks=marks, title=title, zone=zone, options=ImageOptions(form))


def _is_answer(moment: Moment) -> bool:
    return moment.reason is Reason.ACKNOWLEDGED and not moment.over
