"""Saved alerts, incidents, windows and receipts are loaded unchanged."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from router.core.incident.snapshot import Conflict, ReadPlan, Snapshot, Writes
from router.model.alert import AlertStatus
from router.model.incident import Severity, Status
from router.model.reason import Reason
from router.ports.store import AlertRow
from router.store import SqlStore
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

text = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
times = st.floats(2.0**30, 2.0**32)  # exact from 2004 on


async def loaded(store: SqlStore, *fingerprints: str) -> Snapshot:
    return await store.load(ReadPlan(fingerprints=fingerprints))


async def test_an_empty_store_knows_nothing(store: SqlStore) -> None:
    """Missing rows are left out, and the first incident is number 1."""
    wanted = ReadPlan(
        fingerprints=["f"], incident_ids=[1], keys=["k"], windows=["k"], receipts=["e"]
    )
    assert await store.load(wanted) == Snapshot()
    assert await store.load(ReadPlan()) == Snapshot()


async def test_takings_come_back_by_fingerprint(store: SqlStore) -> None:
    """For all rules, and only for the requested fingerprints."""
    one, other = rule_match("f1", "a"), rule_match("f1", "b", incident_id=None, severity=None)
    await store.save(taken(one, other, rule_match("f2")))
    view = await loaded(store, "f1", "f1", "unknown")
    assert {t.rule: t for t in view.rule_matches.pop("f1")} == {"a": one, "b": other}
    assert view == Snapshot()


async def test_a_taking_replaces_the_one_before_it(store: SqlStore) -> None:
    """Its alert too."""
    await store.save(taken(rule_match()))
    after = rule_match(
        status=AlertStatus.RESOLVED, reason=Reason.CLEARED, last_seen=NOW + 1, severity=None
    )
    await store.save(taken(after))
    assert (await loaded(store, "f1")).rule_matches == {"f1": [after]}
    assert await store.alerts() == [AlertRow(after, alert("f1", status=AlertStatus.RESOLVED))]


async def test_seen_moves_only_the_time_and_the_end(store: SqlStore) -> None:
    """An alert that isn't there any more stays gone."""
    await store.save(taken(rule_match("f1"), rule_match("f1", "other")))
    seen = [("f1", "r", NOW + 1, None), ("f1", "r", NOW + 2, NOW + 240), ("gone", "r", NOW, None)]
    await store.save(Writes(seen=seen))
    view = await loaded(store, "f1", "gone")
    assert {t.rule: (t.last_seen, t.ended_at) for t in view.rule_matches["f1"]} == {
        "r": (NOW + 2, NOW + 240),
        "other": (NOW, None),
    }
    assert list(view.rule_matches) == ["f1"]


async def test_the_longest_gap_between_two_reports_is_kept(store: SqlStore) -> None:
    """As the core reckons it: of a firing alert only."""
    over = rule_match("f2", status=AlertStatus.RESOLVED)
    await store.save(taken(rule_match("f1"), over))
    for at in (100, 160, 400, 401):
        await store.save(Writes(seen=[("f1", "r", NOW + at, None), ("f2", "r", NOW + at, None)]))
    view = await loaded(store, "f1", "f2")
    assert [view.rule_matches[one][0].longest_gap for one in ("f1", "f2")] == [240.0, 0.0]


async def test_a_match_keeps_its_value_and_its_end(store: SqlStore) -> None:
    """To the last digit, however small or large."""
    match = rule_match("f1", value=1.2345678901234567e-9, ended_at=NOW + 0.25)
    await store.save(taken(match, rule_match("f2", value=float("inf"))))
    view = await loaded(store, "f1", "f2")
    assert view.rule_matches["f1"] == [match]
    assert view.rule_matches["f2"][0].value == float("inf")


async def test_merging_hands_the_firing_alerts_over(store: SqlStore) -> None:
    """A resolved alert stays with its incident."""
    over = rule_match("f2", status=AlertStatus.RESOLVED)
    await store.save(taken(rule_match("f1"), over, rule_match("f3", incident_id=2)))
    await store.save(Writes(moved={1: 2}))
    view = await loaded(store, "f1", "f2", "f3")
    assert view.rule_matches == {
        "f1": [rule_match("f1", digest="", incident_id=2)],
        "f2": [over],
        "f3": [rule_match("f3", incident_id=2)],
    }


async def test_forgotten_takings_are_gone_unless_taken_again(store: SqlStore) -> None:
    """Deletion runs before insertion."""
    await store.save(taken(rule_match("f1", "a"), rule_match("f1", "b"), rule_match("f1", "c")))
    changes = taken(rule_match("f1", "b", digest="new"))
    changes.forgotten = [("f1", "a"), ("f1", "b")]
    await store.save(changes)
    assert {t.rule: t.digest for t in (await loaded(store, "f1")).rule_matches["f1"]} == {
        "b": "new",
        "c": "d",
    }


async def test_what_is_closed_by_hand_is_looked_at_again(store: SqlStore) -> None:
    """The alerts that fire stay on their incident, and their next report is no repeat.

    All others stay as they are.
    """
    over = rule_match("f2", status=AlertStatus.RESOLVED)
    await store.save(
        taken(rule_match("f1"), over, rule_match("f3", incident_id=2), rule_match("f4"))
    )
    changes = taken(rule_match("f4", digest="again"))
    changes.detached = {1}
    await store.save(changes)
    view = await loaded(store, "f1", "f2", "f3", "f4")
    assert view.rule_matches == {
        "f1": [rule_match("f1", digest="")],
        "f2": [over],
        "f3": [rule_match("f3", incident_id=2)],
        "f4": [rule_match("f4", digest="again")],
    }


async def test_the_newest_incident_of_a_key_is_the_latest(store: SqlStore) -> None:
    """Open or closed; and the next id is free."""
    first, second, other = (
        closed(incident_id=1, key="k"),
        closed(incident_id=2, key="k"),
        incident(3, key="other"),
    )
    await store.save(opened(first, second, other))
    view = await store.load(ReadPlan(keys=["k", "unknown"]))
    assert view == Snapshot(incidents={2: second}, latest={"k": 2}, next_incident_id=4)
    view = await store.load(ReadPlan(keys=["other"], incident_ids=[1, 99]))
    assert view == Snapshot(incidents={1: first, 3: other}, latest={"other": 3}, next_incident_id=4)


async def test_an_incident_is_written_version_by_version(store: SqlStore) -> None:
    """A decision based on an older version is returned for another try."""
    await store.save(opened(incident()))
    mine = incident(version=2, severity=Severity.P0, lead="ana")
    await store.save(opened(mine))
    assert await store.incident(1) == mine
    with pytest.raises(Conflict):
        await store.save(opened(incident(version=2, lead="ben")))
    assert await store.incident(1) == mine


@pytest.mark.parametrize("version", [1, 3])
async def test_a_version_that_follows_no_other_is_a_conflict(store: SqlStore, version: int) -> None:
    """Neither a new incident with a number that is taken, nor a version that skips one, nor one of
    nothing.
    """
    await store.save(opened(incident()))
    with pytest.raises(Conflict):
        await store.save(opened(incident(version=version)))
    with pytest.raises(Conflict):
        await store.save(opened(incident(2, version=2)))


async def test_one_incident_of_a_key_is_open(store: SqlStore) -> None:
    """Not two new ones, and none reopened beside another; but one may close as the next opens."""
    await store.save(opened(incident(1, key="k")))
    with pytest.raises(Conflict):
        await store.save(opened(incident(2, key="k")))
    await store.save(opened(incident(2, key="k"), closed(incident_id=1, key="k", version=2)))
    with pytest.raises(Conflict):
        await store.save(opened(incident(1, key="k", version=3)))


async def test_of_two_at_once_one_wins(store: SqlStore) -> None:
    """Two write the same version of an incident, or both open one for a key: one of them gets a
    conflict.
    """
    await store.save(opened(incident()))
    for changes in (
        [opened(incident(version=2, lead=lead)) for lead in ("ana", "ben")],
        [opened(incident(i, key="k")) for i in (2, 3)],
    ):
        outcomes = await asyncio.gather(*(store.save(c) for c in changes), return_exceptions=True)
        assert sorted(type(outcome) for outcome in outcomes if outcome is not None) == [Conflict]


async def test_a_failed_save_writes_nothing(store: SqlStore) -> None:
    """The conflict of one incident takes everything else with it."""
    await store.save(opened(incident()))
    changes = taken(rule_match())
    changes.incidents = {1: incident(), 2: incident(2)}
    changes.entries, changes.queued = [entry()], [queued()]
    changes.timers = timers(NOW).timers
    changes.windows, changes.receipts = {"k": (NOW,)}, {"e": NOW}
    with pytest.raises(Conflict):
        await store.save(changes)
    wanted = ReadPlan(fingerprints=["f1"], incident_ids=[2], windows=["k"], receipts=["e"])
    assert await store.load(wanted) == Snapshot()
    assert await store.timeline(1) == []
    assert await store.notifications() == []
    assert await store.claim_timers(NOW, "o", NOW + 1, 9) == ()


async def test_windows_are_replaced_and_receipts_kept(store: SqlStore) -> None:
    """A receipt that comes twice is one receipt, of the first time."""
    await store.save(Writes(windows={"a": (NOW, NOW + 0.1), "b": ()}, receipts={"e1": NOW}))
    await store.save(Writes(windows={"a": (NOW + 0.1,)}, receipts={"e1": NOW + 99, "e2": NOW}))
    view = await store.load(ReadPlan(windows=["a", "b", "c"], receipts=["e1", "e2", "e3"]))
    assert view == Snapshot(windows={"a": (NOW + 0.1,), "b": ()}, receipts={"e1", "e2"})


async def test_an_older_incident_that_is_open_again_is_read_by_its_key(store: SqlStore) -> None:
    """Only one of a key may be open, so alerts have to join it."""
    first, second = closed(key="a"), closed(incident_id=2, key="a")
    await store.save(opened(first))
    await store.save(opened(second))
    again = replace(first, version=2, status=Status.INVESTIGATING, closed_at=None)
    await store.save(opened(again))
    for _ in range(2):  # the second time from memory
        view = await store.load(ReadPlan(keys=["a"]))
        assert (view.latest, view.reopened) == ({"a": 2}, {"a": 1})
        assert view.incidents == {1: again, 2: second}
    over = replace(again, version=3, status=Status.RESOLVED, closed_at=NOW + 90)
    await store.save(opened(over))
    view = await store.load(ReadPlan(keys=["a"]))
    assert (view.latest, view.reopened) == ({"a": 2}, {})


async def test_windows_and_receipts_are_forgotten(store: SqlStore) -> None:
    """A window by its latest time: one that nothing was in lately counts nothing."""
    windows = {"going on": (NOW - 99, NOW + 60.5), "over": (NOW - 99, NOW - 0.1), "empty": ()}
    await store.save(Writes(windows=windows, receipts={"e1": NOW, "e2": NOW}))
    assert await store.prune(NOW + 50) == 4
    view = await store.load(ReadPlan(windows=[*windows], receipts=["e1", "e2"]))
    assert view == Snapshot(windows={"going on": windows["going on"]})


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    words=st.lists(text, min_size=6, max_size=6),
    data=st.dictionaries(
        text, st.none() | st.booleans() | st.integers(-(2**53), 2**53) | text | st.lists(text)
    ),
    at=times,
    sliding=st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=3),
)
async def test_any_text_and_time_comes_back_as_it_was(
    store: SqlStore, words: list[str], data: dict[str, object], at: float, sliding: list[float]
) -> None:
    """Except NUL, which becomes U+FFFD in text columns: PostgreSQL can't store it."""
    fingerprint, rule, mark, label, note, key = words
    kept = [word.replace("\0", "\ufffd") for word in words]
    given_alert = alert(fingerprint, labels={label: note}, annotations={note: label}, starts_at=at)
    known = await store.incident(1)
    changes = opened(
        incident(key=key, title=note, version=known.version + 1 if known else 1, opened_at=at)
    )
    changes.rule_matches = {
        (fingerprint, rule): (rule_match(fingerprint, rule, digest=mark, starts_at=at), given_alert)
    }
    changes.entries = [replace(entry(at=at), by=label, data=data)]
    changes.windows, changes.receipts = {key: tuple(sliding)}, {note: at}
    await store.save(changes)

    wanted = ReadPlan(
        fingerprints=[fingerprint], incident_ids=[1], keys=[key], windows=[key], receipts=[note]
    )
    view = await store.load(wanted)
    assert rule_match(kept[0], kept[1], digest=kept[2], starts_at=at) in view.rule_matches[kept[0]]
    assert view.incidents == changes.incidents
    assert view.latest == {key: 1}
    assert view.windows == {kept[5]: tuple(sliding)}
    assert view.receipts == {kept[4]}
    assert given_alert in [row.alert for row in await store.alerts(fingerprint=fingerprint)]
    last = (await store.timeline(1))[-1]
    assert (last.at, last.by, last.data) == (at, kept[3], data)


@pytest.mark.parametrize("url", ["sqlite"], indirect=True)
async def test_thousands_are_written_and_read_in_few_statements(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The cost of a statement is shared by all alerts of a transaction, see bulk.py."""
    statements: list[str] = []

    def watch(driver: Any) -> None:
        driver.set_trace_callback(
            lambda statement: statements.append(statement.split(maxsplit=1)[0])
        )

    def watched(driver: Any, work: Callable[..., object], *args: object) -> object:
        watch(driver)
        return work(driver, *args)

    rule_matches = [rule_match(f"f{i:04}", starts_at=NOW + i / 7) for i in range(2000)]
    await store._database.transact(watch)
    # Each read may be in another thread, with a connection of its own.
    monkeypatch.setattr(store._database, "query", partial(store._database.query, watched))
    await store.save(taken(*rule_matches))
    view = await loaded(store, *(t.fingerprint for t in rule_matches))
    assert statements.count("INSERT") <= 8
    assert statements.count("SELECT") == 2  # which alerts there are, and their matches
    assert view.rule_matches == {t.fingerprint: [t] for t in rule_matches}


async def test_status_and_severity_survive(store: SqlStore) -> None:
    """They're enums again, and so is the reason."""
    await store.save(opened(closed(severity=Severity.P3, status=Status.FALSE_POSITIVE)))
    found = await store.incident(1)
    assert found is not None
    assert (found.severity, found.status, found.is_open) == (
        Severity.P3,
        Status.FALSE_POSITIVE,
        False,
    )
    assert type(found.severity) is Severity
