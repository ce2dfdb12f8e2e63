"""The status page at a time: components, open and past incidents, maintenance."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from msgspec import Struct
from msgspec.structs import replace

from router.core.communication.notice import Notice, clean, notice, paragraphs
from router.core.communication.uptime import DAY, Uptime, uptime
from router.model.statuspage import Component, ComponentState, Maintenance, Published, StatusPlan

RECENT = 14
"""Days of past incidents on the front page. The history page has the others."""

HEADLINES = {
    ComponentState.OPERATIONAL: "All systems operational",
    ComponentState.MAINTENANCE: "Maintenance in progress",
    ComponentState.DEGRADED: "Degraded performance",
    ComponentState.PARTIAL: "Partial outage",
    ComponentState.MAJOR: "Major outage",
}


class Row(Struct, frozen=True):
    """A component with its state and its uptime."""

    component: Component
    state: ComponentState
    uptime: Uptime


class Work(Struct, frozen=True):
    """Maintenance as it is shown: with cleaned text, and its stage."""

    maintenance: Maintenance
    status: str
    title: str
    paragraphs: tuple[str, ...]


class Page(Struct, frozen=True):
    """The content of the page at `at` (UTC seconds).

    Lists are newest first, except `planned`. `changed_at` is the time of the latest update, 0 if
    there is none. `groups` are (title or "", rows) in the order of the config.
    """

    plan: StatusPlan
    at: float
    changed_at: float
    state: ComponentState
    groups: tuple[tuple[str, tuple[Row, ...]], ...]
    active: tuple[Notice, ...]
    past: tuple[Notice, ...]
    planned: tuple[Work, ...]
    done: tuple[Work, ...]

    @property
    def headline(self) -> str:
        return HEADLINES[self.state]

    @property
    def rows(self) -> tuple[Row, ...]:
        return tuple(row for _, rows in self.groups for row in rows)

    @property
    def notices(self) -> tuple[Notice, ...]:
        return self.active + self.past

    @property
    def works(self) -> tuple[Work, ...]:
        return self.planned + self.done

    @property
    def recent(self) -> tuple[Notice, ...]:
        return tuple(notice for notice in self.past if notice.updated_at >= self.at - RECENT * DAY)

    def titles(self, names: Iterable[str]) -> tuple[str, ...]:
        """Return the public titles of components, without those that are not on the page."""
        known = {component.name: component.title for component in self.plan.components}
        return tuple(known[name] for name in names if name in known)


def make_page(
    plan: StatusPlan, published: Sequence[Published], works: Sequence[Maintenance], now: float
) -> Page:
    """Return the page at `now`."""
    found = [maintenance for each in published if (maintenance := notice(each))]
    # Newest first; updates of the same moment in the order of the incidents.
    notices = sorted(found, key=lambda notice: (notice.started_at, notice.id), reverse=True)
    begin = now - plan.history
    active = tuple(notice for notice in notices if notice.is_open)
    past = tuple(notice for notice in notices if not notice.is_open and notice.updated_at >= begin)
    shown = [_work(work, now) for work in works if work.ends_at >= begin]
    planned = sorted(
        (work for work in shown if work.status != "completed"),
        key=lambda work: work.maintenance.starts_at,
    )
    done = sorted(
        (work for work in shown if work.status == "completed"),
        key=lambda work: -work.maintenance.ends_at,
    )
    rows = [_row(component, notices, planned, plan, now) for component in plan.components]
    states = [row.state for row in rows] + [notice.impact for notice in active]
    states += [ComponentState.MAINTENANCE for work in planned if work.status == "in_progress"]
    return Page(
        plan=plan,
        at=now,
        changed_at=max(
            [notice.updated_at for notice in notices] + [work.updated_at for work in works],
            default=0.0,
        ),
        state=max(states, key=lambda state: state.rank, default=ComponentState.OPERATIONAL),
        groups=tuple((title, tuple(members)) for title, members in _grouped(rows)),
        active=active,
        past=past,
        planned=tuple(planned),
        done=tuple(done),
    )


def _row(
    component: Component,
    notices: Sequence[Notice],
    planned: Sequence[Work],
    plan: StatusPlan,
    now: float,
) -> Row:
    about = [notice for notice in notices if component.name in notice.components]
    states = [notice.impact for notice in about if notice.is_open]
    if any(
        work.status == "in_progress" and component.name in work.maintenance.components
        for work in planned
    ):
        states.append(ComponentState.MAINTENANCE)
    state = max(states, key=lambda state: state.rank, default=ComponentState.OPERATIONAL)
    return Row(component, state, uptime(about, component.since, plan.history, now))


def _work(maintenance: Maintenance, now: float) -> Work:
    status = (
        "scheduled"
        if now < maintenance.starts_at
        else "in_progress"
        if now < maintenance.ends_at
        else "completed"
    )
    return Work(maintenance, status, clean(maintenance.title), paragraphs(maintenance.text))


def _grouped(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """Group components, in the order of the first component of each group."""
    order = list(dict.fromkeys(row.component.group for row in rows))
    ordered = sorted(rows, key=lambda row: order.index(row.component.group))
    return [
        (title, list(members))
        for title, members in groupby(ordered, key=lambda row: row.component.group)
    ]


def ended(maintenance: Maintenance, now: float) -> Maintenance:
    """Return maintenance that a person ended, or cancelled before it began; unchanged if over."""
    if maintenance.cancelled or maintenance.ends_at <= now:
        return maintenance
    if maintenance.starts_at > now:
        return replace(maintenance, cancelled=True, updated_at=now)
    return replace(maintenance, ends_at=now, updated_at=now)
