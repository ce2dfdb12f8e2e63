"""The page at a time: components, what is going on, what was and what is planned."""

from msgspec.structs import replace

from router.core.communication.status_page import ended, make_page
from router.model.incident import Severity
from router.model.statuspage import Component, ComponentState, Maintenance
from tests.core.statuspage.published import DAY, NOW, PLAN, published, said

WORK = Maintenance(
    "m1", "Upgrade", "Read-only.", NOW - 60, NOW + 60, NOW - DAY, NOW - DAY, ("search",)
)


def states(*, page: object) -> dict[str, ComponentState]:
    return {row.component.name: row.state for row in page.rows}  # type: ignore[attr-defined]


def test_without_incidents_all_is_operational() -> None:
    page = make_page(PLAN, [], [], NOW)
    assert (page.state, page.headline) == (ComponentState.OPERATIONAL, "All systems operational")
    assert set(states(page=page).values()) == {ComponentState.OPERATIONAL}


def test_an_unpublished_incident_and_a_drill_change_nothing() -> None:
    """The page is the very same."""
    drill = published(said(1, NOW), drill=True, id=7)
    assert make_page(PLAN, [published(), drill], [], NOW) == make_page(PLAN, [], [], NOW)


def test_an_open_incident_is_the_state_of_its_component_until_its_end_is_published() -> None:
    """Its being closed isn't enough: that isn't public yet."""
    sequence = published(said(1, NOW - 60), severity=Severity.P0, closed_at=NOW - 30)
    page = make_page(PLAN, [sequence], [], NOW)
    assert states(page=page) == {
        "payments": ComponentState.MAJOR,
        "search": ComponentState.OPERATIONAL,
    }
    assert page.state is ComponentState.MAJOR
    over = replace(sequence, entries=(*sequence.entries, said(2, NOW, "resolved")))
    page = make_page(PLAN, [over], [], NOW)
    assert page.state is ComponentState.OPERATIONAL
    assert (page.active, len(page.past)) == ((), 1)


def test_the_worst_open_incident_of_a_component_holds() -> None:
    two = [
        published(said(1, NOW), id=1, severity=Severity.P2),
        published(said(2, NOW), id=2, severity=Severity.P1),
    ]
    assert states(page=make_page(PLAN, two, [], NOW))["payments"] is ComponentState.PARTIAL


def test_an_incident_of_no_component_counts_for_the_whole() -> None:
    page = make_page(PLAN, [published(said(1, NOW, component=""))], [], NOW)
    assert page.state is ComponentState.PARTIAL
    assert set(states(page=page).values()) == {ComponentState.OPERATIONAL}
    assert page.titles(page.active[0].components) == ()


def test_maintenance_is_scheduled_then_under_way_then_done() -> None:
    """An outage is worse than maintenance, and shown instead."""
    before, during, after = (make_page(PLAN, [], [WORK], NOW + offset) for offset in (-120, 0, 60))
    assert [page.works[0].status for page in (before, during, after)] == [
        "scheduled",
        "in_progress",
        "completed",
    ]
    assert [states(page=page)["search"] for page in (before, during, after)] == [
        ComponentState.OPERATIONAL, ComponentState.MAINTENANCE, ComponentState.OPERATIONAL,
    ]  # fmt: skip
    assert (during.state, after.planned, len(after.done)) == (ComponentState.MAINTENANCE, (), 1)
    outage = published(said(1, NOW, component="search"))
    assert states(page=make_page(PLAN, [outage], [WORK], NOW))["search"] is ComponentState.PARTIAL


def test_maintenance_ended_early_is_over() -> None:
    assert make_page(PLAN, [], [ended(WORK, NOW)], NOW).state is ComponentState.OPERATIONAL


def test_what_is_older_than_the_history_is_left_out_unless_it_goes_on() -> None:
    old = NOW - PLAN.history - DAY
    over = published(said(1, old - 60), said(2, old, "resolved"), id=1, opened_at=old - 60)
    open_ = published(said(3, old), id=2, opened_at=old)
    page = make_page(PLAN, [over, open_], [replace(WORK, starts_at=old - 60, ends_at=old)], NOW)
    assert [notice.id for notice in page.notices] == [2]
    assert page.works == ()


def test_groups_keep_the_order_of_the_config() -> None:
    """Also where a component of an earlier group comes later."""
    parts = [("a", "X"), ("b", ""), ("c", "X"), ("d", "Y")]
    plan = replace(
        PLAN, components=tuple(Component(name, name, group=group) for name, group in parts)
    )
    groups = [
        (title, [row.component.name for row in rows])
        for title, rows in make_page(plan, [], [], NOW).groups
    ]
    assert groups == [("X", ["a", "c"]), ("", ["b"]), ("Y", ["d"])]
