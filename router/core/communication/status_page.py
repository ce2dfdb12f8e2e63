"""The status page at a time: how everything is, what is going on, what was, what is planned."""

from collections.abc import Iterable, Sequence
from itertools import groupby

from msgspec import Struct
from msgspec.structs import replace

from router.core.communication.notice import Notice, clean, notice, paragraphs
from router.core.communication.uptime import DAY, Uptime, uptime
from router.model.statuspage import Component, ComponentState, Maintenance, Published, StatusPlan

RECENT = 14
"""Days of past incidents that the front page has; the others are on the page of the history."""

HEADLINES = {
    ComponentState.OPERATIONAL: "All systems operational",
    ComponentState.MAINTENANCE: "Maintenance in progress",
    ComponentState.DEGRADED: "Degraded performance",
    ComponentState.PARTIAL: "Partial outage",
    ComponentState.MAJOR: "Major outage",
}


class Row(Struct, frozen=True):
    """A component, how it is now, and how it was."""

    component: Component
    state: ComponentState
    uptime: Uptime


class Work(Struct, frozen=True):
    """Maintenance as it's shown: with cleaned words, and what stage it's in."""

    maintenance: Maintenance
    status: str
    title: str
    paragraphs: tuple[str, ...]


class Page(Struct, frozen=True):
    """All that the page says. `at` is when (UTC seconds); lists are newest first, but `planned` is
    in order of time.

    `changed_at` is when something was last said, 0 if never. `groups` are (title or "", rows) in
    the config's order.
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
        return tuple(one for one in self.past if one.updated_at >= self.at - RECENT * DAY)

    def titles(self, names: Iterable[str]) -> tuple[str, ...]:
        """What the components of these names are called; those that the page doesn't have aren't
        named at all.
        """
        known = {one.name: one.title for one in self.plan.components}
        return tuple(known[name] for name in names if name in known)


def make_page(
    plan: StatusPlan, published: Sequence[Published], works: Sequence[Maintenance], now: float
) -> Page:
    """What the page says at `now`."""
    found = [one for each in published if (one := notice(each))]
    # Told newest first; what is said at the same moment in the order of the incidents.
    notices = sorted(found, key=lambda one: (one.started_at, one.id), reverse=True)
    begin = now - plan.history
    active = tuple(one for one in notices if one.is_open)
    past = tuple(one for one in notices if not one.is_open and one.updated_at >= begin)
    shown = [_work(one, now) for one in works if one.ends_at >= begin]
    planned = sorted(
        (one for one in shown if one.status != "completed"),
        key=lambda one: one.maintenance.starts_at,
    )
    done = sorted(
        (one for one in shown if one.status == "completed"),
        key=lambda one: -one.maintenance.ends_at,
    )
    rows = [_row(one, notices, planned, plan, now) for one in plan.components]
    states = [row.state for row in rows] + [one.impact for one in active]
    states += [ComponentState.MAINTENANCE for one in planned if one.status == "in_progress"]
    return Page(
        plan=plan,
        at=now,
        changed_at=max(
            [one.updated_at for one in notices] + [one.updated_at for one in works], default=0.0
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
    about = [one for one in notices if component.name in one.components]
    states = [one.impact for one in about if one.is_open]
    if any(
        one.status == "in_progress" and component.name in one.maintenance.components
        for one in planned
    ):
        states.append(ComponentState.MAINTENANCE)
    state = max(states, key=lambda state: state.rank, default=ComponentState.OPERATIONAL)
    return Row(component, state, uptime(about, component.since, plan.history, now))


def _work(one: Maintenance, now: float) -> Work:
    status = (
        "scheduled" if now < one.starts_at else "in_progress" if now < one.ends_at else "completed"
    )
    return Work(one, status, clean(one.title), paragraphs(one.text))


def _grouped(rows: Sequence[Row]) -> list[tuple[str, list[Row]]]:
    """Components of one group together, groups in the order of their first component."""
    order = list(dict.fromkeys(row.component.group for row in rows))
    ordered = sorted(rows, key=lambda row: order.index(row.component.group))
    return [
        (title, list(members))
        for title, members in groupby(ordered, key=lambda row: row.component.group)
    ]


def ended(one: Maintenance, now: float) -> Maintenance:
    """It's over before its time."""
    return replace(one, ends_at=min(one.ends_at, now), updated_at=now)
