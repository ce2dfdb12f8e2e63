"""Incidents that belong together: merged into one, or linked."""

import pytest

from router.model.event import AlertSeen, Command, Commanded
from router.model.incident import Severity, Status
from router.model.reason import Reason
from tests.world import World, alert, over, rule, settings

P0, P1, P2, P3 = Severity


@pytest.fixture
def world() -> World:
    """With INC-1 about two alerts of the API (P0), and INC-2 about one of the web (P1)."""
    world = World()
    world.see(alert("f1"), alert("f2"), alert("f3", value="2%", service="web"))
    return world


def merge(world: World, source: int = 1, target: int = 2) -> Reason:
    return world.command(Command.MERGE, source, other=target)


def test_a_merged_incident_is_closed_and_its_alerts_hold_the_other_open(world: World) -> None:
    assert merge(world) is Reason.MERGED
    first, second = world.incidents.values()
    assert (first.status, first.merged_into, first.firing) == (Status.MERGED, 2, 0)
    assert (second.firing, second.alerts, second.severity) == (3, 3, P0)
    assert {key for key in world.timers if key[0] == 1} == set()
    assert {rule_match.incident_id for rule_match in world.rule_matches.values()} == {2}
    assert [
        world.timeline[-1].data.get("merged") or entry.data.get("into") for entry in world.timeline
    ].count("INC-2")


def test_the_alerts_of_a_merged_incident_end_the_other(world: World) -> None:
    merge(world)
    assert world.see(alert("f1"), alert("f2")) == [Reason.CHANGED, Reason.CHANGED]
    assert world.see(over("f1"), over("f2"), over("f3", service="web")) == [Reason.CLEARED] * 3
    assert world.incidents[2].status is Status.RESOLVED


def test_a_new_alert_with_the_key_of_a_merged_incident_joins_the_other(world: World) -> None:
    merge(world)
    assert world.see(alert("f4")) == [Reason.JOINED]
    assert world.incidents[2].firing == 4


def test_merges_in_a_row_and_in_one_transaction(world: World) -> None:
    world.see(alert("f5", service="db"))
    at = world.now
    world.happen(
        Commanded(at, 1, "ana", Command.MERGE, other=2),
        Commanded(at, 2, "ana", Command.MERGE, other=3),
        AlertSeen(at, alert("f1")),
    )
    assert {rule_match.incident_id for rule_match in world.rule_matches.values()} == {3}
    assert world.incidents[3].firing == 4
    assert world.see(alert("f6")) == [Reason.JOINED]


def test_reopening_undoes_a_merge(world: World) -> None:
    """The alerts come back with their next repeat."""
    merge(world)
    assert world.command(Command.REOPEN, 1) is Reason.REOPENED_BY_PERSON
    world.see(alert("f1"), alert("f2"))
    assert [(incident.is_open, incident.firing) for incident in world.incidents.values()] == [
        (True, 2),
        (True, 1),
    ]


@pytest.mark.parametrize(
    ("target", "reason"),
    [(1, Reason.NOT_MERGED), (7, Reason.UNKNOWN_INCIDENT), (2, Reason.NOT_MERGED)],
)
def test_what_nothing_can_be_merged_into(world: World, target: int, reason: Reason) -> None:
    """Itself, an incident that isn't there, one that is closed."""
    world.command(Command.RESOLVE, 2)
    assert merge(world, 1, target) is reason
    assert world.incidents[1].is_open


def test_a_drill_and_a_real_incident_stay_apart(world: World) -> None:
    world.see(alert("d1", source="drill", drill="d", stands_for="alertmanager"))
    assert merge(world, 3, 1) is Reason.NOT_MERGED
    assert world.command(Command.LINK, 3, other=1) is Reason.NOT_LINKED


def test_links_are_on_both_sides_and_once(world: World) -> None:
    assert world.command(Command.LINK, 1, other=2) is Reason.LINKED
    assert world.command(Command.LINK, 2, other=1) is Reason.ALREADY_DONE
    assert [incident.related for incident in world.incidents.values()] == [(2,), (1,)]
    assert [incident.is_open for incident in world.incidents.values()] == [True, True]


def test_closed_incidents_can_be_linked(world: World) -> None:
    world.command(Command.RESOLVE, 1)
    assert world.command(Command.LINK, 1, other=2) is Reason.LINKED


def test_a_public_incident_that_is_merged_is_over_for_the_public(world: World) -> None:
    world.settings = settings(rule(), public=("page",))
    world.command(Command.PUBLISH, 1, text="We look into it", title="Payments fail")
    merge(world)
    published = [entry for entry in world.timeline if entry.what is Reason.PUBLISHED]
    assert published[-1].data["status"] == Status.MERGED
