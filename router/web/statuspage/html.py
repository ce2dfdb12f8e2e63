"""The HTML pages."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from router.core.communication.notice import Notice
from router.core.communication.status_page import HEADLINES, Page
from router.core.communication.uptime import Day, Uptime
from router.core.text.units import duration
from router.model.incident import Status
from router.model.statuspage import ComponentState
from router.web.pages.page import render

STATES = {
    ComponentState.OPERATIONAL: "Operational",
    ComponentState.MAINTENANCE: "Under maintenance",
    ComponentState.DEGRADED: "Degraded performance",
    ComponentState.PARTIAL: "Partial outage",
    ComponentState.MAJOR: "Major outage",
}
"""Text for the state of a component, in addition to the colour."""

STATUSES = {
    Status.INVESTIGATING: "Investigating",
    Status.IDENTIFIED: "Identified",
    Status.MONITORING: "Monitoring",
    Status.RESOLVED: "Resolved",
}
STAGES = {"scheduled": "Scheduled", "in_progress": "In progress", "completed": "Completed"}

SHORT = 30
"""Days that fit on a phone; style.css hides the others."""


def front(page: Page, *, subscribe: bool, root: str = "") -> str:
    """Render the front page."""
    return _render("status.html", page, root=root, subscribe=subscribe, recent=by_day(page.recent))


def history(page: Page) -> str:
    """Render all incidents within the history."""
    return _render("status_history.html", page, root="", past=by_day(page.past))


def incident(page: Page, notice: Notice) -> str:
    """Render one incident with all its updates."""
    return _render("status_incident.html", page, root="../", notice=notice)


def message(page: Page, title: str, text: str, *, root: str, action: str = "") -> str:
    """Render a message to a subscriber, with a button named `action` if given."""
    return _render("status_message.html", page, root=root, heading=title, text=text, action=action)


def _render(name: str, page: Page, *, root: str, **given: Any) -> str:
    """Render a template. `root` is the path from the file to the front page's folder."""
    return render(
        name,
        style=f"{root}style.css",
        root=root,
        page=page,
        written=page.at
        // 60
        * 60,  # to the minute: otherwise each request would get a different page
        headline=HEADLINES,
        states=STATES,
        statuses=STATUSES,
        stages=STAGES,
        tooltip=tooltip,
        period=period,
        uptime_words=uptime_words,
        percent=percent,
        date=date,
        disrupted=disrupted,
        short=SHORT,
        **given,
    )


def by_day(notices: Iterable[Notice]) -> list[tuple[str, list[Notice]]]:
    """Group incidents by the day on which they began."""
    return [
        (day, list(each))
        for day, each in groupby(notices, key=lambda notice: date(notice.started_at))
    ]


def date(at: float) -> str:
    """Return a day like `24 November 2026`, in UTC."""
    moment = datetime.fromtimestamp(at, UTC)
    return f"{moment.day} {moment:%B %Y}"


def percent(ratio: float | None) -> str:
    """Return a ratio like `99.98 %`, rounded down, so that 100 % means no disruption."""
    if ratio is None:
        return "no data"
    hundredths = int(ratio * 10_000)
    text = "100" if hundredths == 10_000 else f"{hundredths // 100}.{hundredths % 100:02d}"
    return f"{text}\u202f%"


def tooltip(day: Day) -> str:
    """Return the text of a bar."""
    return f"{date(day.at)}: {_lasted(day)}"


def disrupted(uptime: Uptime) -> Sequence[tuple[str, str]]:
    """Return the days with disruptions, newest first, for readers who cannot point at a bar."""
    return [(date(day.at), _lasted(day)) for day in reversed(uptime.days) if day.lasted]


def uptime_words(uptime: Uptime) -> str:
    """Return the bars in a sentence, for readers who do not see them."""
    days = sum(1 for day in uptime.days if day.state is not None)
    bad = sum(1 for day in uptime.days if day.lasted)
    disruptions = f"disruptions on {bad} of {days} days" if bad else "no disruptions"
    return f"{percent(uptime.ratio)} uptime {period(uptime)}, {disruptions}"


def period(uptime: Uptime) -> str:
    """Return the time that the percentage is about."""
    if uptime.since is None:
        return f"over the last {len(uptime.days)} days"
    return f"since {date(uptime.since)}"


def _lasted(day: Day) -> str:
    if day.state is None:
        return "no data"
    parts = [
        f"{STATES[state].lower()} for {duration(max(60.0, seconds // 60 * 60))}"
        for state, seconds in day.lasted
    ]
    return ", ".join(parts) or "no disruptions"
