"""Queries for people, senders and dashboards."""

import pytest
from msgspec.structs import replace

from router.core.incident.snapshot import ReadPlan, Writes
from router.model.alert import AlertStatus
from router.model.decision import Timer
from router.model.incident import Severity, Status
from router.model.notification import NotificationState
from router.model.reason import Reason
from router.ports.store import AlertRow, Gauges
from router.store import SqlStore, queries
from tests.store.examples import (
    NOW,
    alert,
    closed,
    entry,
    incident,
    opened,
    queued,
    rule_match,
    taken,
    timers,
)


async def test_a_letter_has_the_latest_of_the_timeline_and_some_alerts(store: SqlStore) -> None:
    """The last 30 entries, oldest first; ten firing alerts at most; nothing of other incidents."""
    changes = taken(*(rule_match(f"f{i}") for i in range(15)), rule_match("other", incident_id=2))
    changes.incidents = {1: incident(), 2: incident(2)}
    changes.entries = [entry(at=NOW + i, number=i) for i in range(40)] + [entry(2)]
    await store.save(changes)
    await store.save(taken(*(rule_match(f"f{i}", status=AlertStatus.RESOLVED) for i in range(12))))
    found = await store.messages([1, 2, 3])
    assert [*found] == [1, 2]
    about, entries, alerts = found[1]
    assert about == incident()
    assert [e.data["number"] for e in entries] == list(range(10, 40))
    assert entries == (await store.timeline(1))[10:]
    assert sorted(row.rule_match.fingerprint for row in alerts) == ["f12", "f13", "f14"]
    assert AlertRow(rule_match("f14"), alert("f14")) in alerts
    assert len(found[2][2]) == 1


async def test_there_is_no_letter_without_an_incident(store: SqlStore) -> None:
    """Nor the incident, nor a timeline."""
    assert await store.messages([1]) == {}
    assert await store.incident(1) is None
    assert await store.timeline(1) == []


async def test_the_timeline_is_in_order_of_writing(store: SqlStore) -> None:
    """Also where two entries have the same time; each gets an id."""
    reasons = [Reason.OPENED, Reason.STEP_DUE, Reason.ACKNOWLEDGED]
    await store.save(Writes(entries=[entry(what=reason) for reason in reasons]))
    await store.save(
        Writes(entries=[entry(what=Reason.RESOLVED, at=NOW - 5, note={"a": [1, None]})])
    )
    found = await store.timeline(1)
    assert [e.what for e in found] == [*reasons, Reason.RESOLVED]
    assert [e.id for e in found] == sorted({e.id for e in found})
    assert replace(found[-1], id=0) == entry(
        what=Reason.RESOLVED, at=NOW - 5, note={"a": [1, None]}
    )


async def test_incidents_are_listed_newest_first(store: SqlStore) -> None:
    """Filters by status and severity, in pages."""
    await store.save(
        opened(*(incident(i) for i in range(1, 4)), closed(incident_id=4, severity=Severity.P0))
    )

    async def ids(**wanted: object) -> list[int]:
        return [i.id for i in await store.incidents(**wanted)]  # type: ignore[arg-type]

    assert await ids() == [4, 3, 2, 1]
    assert await ids(limit=2) == [4, 3]
    assert await ids(limit=2, before=3) == [2, 1]
    assert await ids(statuses=[Status.RESOLVED]) == [4]
    assert await ids(statuses=iter(Status), severities={Severity.P1}) == [3, 2, 1]
    assert await ids(severities=[Severity.P3]) == []


async def test_alerts_are_listed_by_fingerprint(store: SqlStore) -> None:
    """Filters by incident and status; a page never ends between two matches of one alert."""
    over = rule_match("f3", status=AlertStatus.RESOLVED)
    await store.save(
        taken(rule_match("f1", "a"), rule_match("f1", "b"), rule_match("f2", incident_id=2), over)
    )

    async def found(**wanted: object) -> list[str]:
        return [
            f"{row.rule_match.fingerprint}{row.rule_match.rule}"
            for row in await store.alerts(**wanted)
        ]  # type: ignore[arg-type]

    assert await found() == ["f1a", "f1b", "f2r", "f3r"]
    assert await found(limit=1) == ["f1a", "f1b"]
    assert await found(limit=1, after="f1") == ["f2r"]
    assert await found(fingerprint="f2") == ["f2r"]
    assert await found(incident_id=1) == ["f1a", "f1b", "f3r"]
    assert await found(incident_id=1, firing=True) == ["f1a", "f1b"]
    assert await found(firing=False) == ["f3r"]
    assert await found(fingerprint="\0") == []
    assert await store.count_alerts() == 3
    assert await store.count_alerts(incident_id=1, firing=True) == 1
    assert await store.count_alerts(fingerprint="f2") == 1


async def test_notifications_are_listed_by_state_incident_channel_and_ref(store: SqlStore) -> None:
    """Messages of the newest incident are first."""
    await store.save(Writes(queued=[queued("a"), queued("b"), queued("a", incident_id=2)]))
    (held,) = await store.claim_notifications("b", NOW, "me", NOW + 1, 9)
    dead = replace(held, state=NotificationState.DEAD, error="no such channel", ref="C1:2.3")
    await store.save(Writes(settled=[(dead, "me", 1)]))

    async def found(**wanted: object) -> list[str]:
        return [f"{n.incident_id}{n.channel}" for n in await store.notifications(**wanted)]  # type: ignore[arg-type]

    assert await found() == ["2a", "1a", "1b"]
    assert await found(limit=1) == ["2a"]
    assert await found(states=[NotificationState.DEAD]) == ["1b"]
    assert await found(incident_id=1) == ["1a", "1b"]
    assert await found(channel="a") == ["2a", "1a"]
    assert await found(ref="C1:2.3") == ["1b"]
    assert await found(ref="C1:2.4") == []
    assert await store.count_notifications() == 3
    assert await store.count_notifications(states=[NotificationState.DEAD]) == 1
    assert await store.count_notifications(incident_id=1, channel="a") == 1


async def test_gauges_count_what_is_there(store: SqlStore) -> None:
    """Incidents by severity and state, messages by channel, and how late the latest timer is."""
    assert await store.gauges(NOW) == Gauges({}, {}, {}, 0.0)
    changes = opened(incident(1), incident(2), closed(incident_id=3, severity=Severity.P0))
    changes.queued = [queued("a"), queued("b"), queued("a", incident_id=2), queued("c")]
    changes.timers = timers(NOW + 5, NOW + 9).timers
    await store.save(changes)
    for channel, state in (("b", NotificationState.DEAD), ("c", NotificationState.SENT)):
        (held,) = await store.claim_notifications(channel, NOW, "me", NOW + 1, 9)
        await store.save(Writes(settled=[(replace(held, state=state), "me", 1)]))
    by_state = {(Severity.P1, Status.INVESTIGATING): 2, (Severity.P0, Status.RESOLVED): 1}
    assert await store.gauges(NOW) == Gauges(by_state, {"a": 2}, {"b": 1}, 0.0)
    assert (await store.gauges(NOW + 7)).timers_overdue == pytest.approx(2)


async def test_pruning_forgets_what_is_over(store: SqlStore) -> None:
    """Receipts and resolved alerts from before then, also thousands of them; never what fires,
    never an incident.
    """
    old = [
        rule_match(f"old{i}", status=AlertStatus.RESOLVED, last_seen=NOW - 10) for i in range(2500)
    ]
    recent = rule_match("recent", status=AlertStatus.RESOLVED)
    changes = taken(*old, rule_match("firing", last_seen=NOW - 10), recent)
    changes.incidents = {1: closed()}
    changes.entries = [entry(at=NOW - 10)]
    changes.receipts = {"old": NOW - 10, "recent": NOW}
    await store.save(changes)
    assert await store.prune(NOW - 5) == 2501
    assert await store.prune(NOW - 5) == 0
    assert [row.rule_match.fingerprint for row in await store.alerts()] == ["firing", "recent"]
    assert (await store.load(ReadPlan(receipts=["old", "recent"]))).receipts == {"recent"}
    assert await store.incident(1) == closed()
    assert len(await store.timeline(1)) == 1


async def test_all_timelines_are_read_page_after_page(store: SqlStore) -> None:
    """In the order of writing, whichever incident they're of."""
    await store.save(Writes(entries=[entry(2), entry(1), entry(2)]))
    first = await store.entries(limit=2)
    assert await store.last_entry() == (await store.entries())[-1].id
    assert [row.incident_id for row in first] == [2, 1]
    assert [row.incident_id for row in await store.entries(after=first[-1].id)] == [2]


async def test_entries_by_people_are_read_from_the_last_one(store: SqlStore) -> None:
    """Without those of sources and of the router; of everybody, or of one person."""
    by = ("ana", "", "source:alertmanager", "ben", "ana")
    await store.save(Writes(entries=[replace(entry(1), by=name) for name in by]))
    found = await store.people_entries()
    assert [one.by for one in found] == ["ana", "ben", "ana"]
    assert [person.by for person in await store.people_entries(before=found[0].id)] == [
        "ben",
        "ana",
    ]
    assert len(await store.people_entries(by="ana")) == 2
    assert len(await store.people_entries(by="ana", before=found[0].id, limit=5)) == 1


async def test_what_is_overdue_is_counted(store: SqlStore) -> None:
    """Counts by timer name."""
    names = ("postmortem", "postmortem-overdue", "item:1", "item-overdue:1", "item-overdue:12")
    await store.save(Writes(timers={(1, name): Timer(1, name, NOW) for name in names}))
    gauges = await store.gauges(NOW)
    assert (gauges.postmortems_overdue, gauges.items_overdue) == (1, 2)


async def test_incidents_are_scanned_for_words_part_by_part(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each call looks at some, in any case of letters, and says where to go on."""
    monkeypatch.setattr(queries, "SCANNED", 2)
    for number in range(1, 6):
        title = "Checkout Slow" if number % 2 else "Disk full"
        await store.save(opened(incident(number, title=title)))
    found: list[list[int]] = []
    place = 0
    while True:
        some, place = await store.scan_incidents(["checkout", "slow"], before=place)
        found.append([one.id for one in some])
        if not place:
            break
    assert found == [[5], [3], [1]]
    assert [one.id for one in (await store.scan_incidents(["disk"], limit=1))[0]] == [4]
    assert await store.scan_incidents(["x"], before=1) == ([], 0)
