"""Muted alerts in the store: kept as received, with their timers."""

from router.core.incident.snapshot import ReadPlan, Snapshot, Writes
from router.core.incident.suppression import NO_INCIDENT, recheck
from router.model.alert import AlertStatus
from router.store import SqlStore
from tests.store.examples import NOW, alert, closed, incident, opened, rule_match, taken, timers


async def test_alerts_come_back_as_they_came(store: SqlStore) -> None:
    """For each rule that took them."""
    await store.save(taken(rule_match("f1", "a"), rule_match("f1", "b"), rule_match("f2")))
    assert await store.load(ReadPlan(alerts=["f1", "gone"])) == Snapshot(
        alerts={("f1", "a"): alert("f1"), ("f1", "b"): alert("f1")}
    )


async def test_an_incident_has_the_alerts_that_hold_it_open(store: SqlStore) -> None:
    """Alerts that still fire."""
    over = rule_match("f2", status=AlertStatus.RESOLVED)
    await store.save(
        taken(
            rule_match("f1"),
            over,
            rule_match("f3", incident_id=2),
            rule_match("f4", incident_id=None),
        )
    )
    assert await store.load(ReadPlan(firing=[1])) == Snapshot(
        firing={1: {("f1", "r"): (rule_match("f1"), alert("f1"))}}
    )


async def test_all_open_incidents_can_be_asked_for(store: SqlStore) -> None:
    await store.save(opened(incident(1), closed(incident_id=2), incident(3)))
    assert (await store.load(ReadPlan(open_besides=[]))).incidents == {
        1: incident(1),
        3: incident(3),
    }
    assert (await store.load(ReadPlan(open=[incident(1).rule]))).incidents == {
        1: incident(1),
        3: incident(3),
    }
    assert (
        await store.load(ReadPlan(open=["another"], open_besides=[incident(1).rule]))
    ).incidents == {}


async def test_deadlines_of_what_is_quiet_are_moved_forward(store: SqlStore) -> None:
    """The later ones, before others are set; a deadline of an incident, and one that has come, stay
    as they are.
    """
    before = timers(NOW + 100)
    for timer in (recheck("f1", "r", NOW - 5), recheck("f2", "r", NOW + 300)):
        before.timers[NO_INCIDENT, timer.name] = timer
    await store.save(before)
    after = recheck("f3", "r", NOW + 400)
    await store.save(Writes(recheck_at=NOW, timers={(NO_INCIDENT, after.name): after}))
    due = await store.claim_timers(NOW + 1000, "me", NOW + 2000, 10)
    assert [(timer.incident_id, timer.name, timer.due_at) for timer in due] == [
        (0, "recheck/f1 r", NOW - 5),
        (0, "recheck/f2 r", NOW),
        (1, "t0", NOW + 100),
        (0, "recheck/f3 r", NOW + 400),
    ]
