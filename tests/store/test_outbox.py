"""Messages and timers: queued, merged, leased, settled; no crash gives a row to two at a time."""

import asyncio

import pytest
from msgspec.structs import replace

from router.core.incident.snapshot import Conflict, Writes
from router.core.outbox.digest import Standing
from router.model.event import TimerDue
from router.model.incident import Severity, Status
from router.model.notification import Notification, NotificationState
from router.model.outbox import OutboxKind
from router.model.reason import Reason
from router.store import SqlStore
from tests.store.examples import NOW, incident, queued, timers

PENDING, SENT, DEAD = NotificationState.PENDING, NotificationState.SENT, NotificationState.DEAD
NEW = Notification(1, "log", 1, PENDING, Reason.OPENED, queued_at=NOW, due_at=NOW)


async def queue(
    store: SqlStore, at: float = NOW, reason: Reason = Reason.OPENED, channel: str = "log"
) -> None:
    await store.save(Writes(queued=[queued(channel, at, reason)]))


async def claim(  # noqa: ANN201
    store: SqlStore,
    now: float = NOW,
    owner: str = "me",
    lasts: float = 60,
    limit: int = 10,
    **more: bool,
):
    return await store.claim_notifications("log", now, owner, now + lasts, limit, **more)


async def settle(store: SqlStore, held: Notification, **changed: object) -> Notification:
    """Settle it as the core would; the only row of the outbox afterwards."""
    after = replace(held, lease="", lease_until=0.0, **changed)
    await store.save(Writes(settled=[(after, held.lease, held.seq)]))
    return await the_one(store)


async def the_one(store: SqlStore) -> Notification:
    (only,) = await store.notifications()
    return only


async def test_what_is_queued_is_pending_at_once(store: SqlStore) -> None:
    """A new row, due when it was queued."""
    await queue(store)
    assert await the_one(store) == NEW


async def test_queued_again_is_still_one_message(store: SqlStore) -> None:
    """It's as old as the first, and says the latest; within one transaction and over several."""
    await store.save(Writes(queued=[queued(at=NOW), queued(at=NOW + 1, reason=Reason.CHANGED)]))
    await queue(store, NOW + 2, Reason.RESOLVED)
    assert await the_one(store) == replace(NEW, seq=2, reason=Reason.RESOLVED)


async def test_owing_more_shortens_no_back_off(store: SqlStore) -> None:
    """More updates don't cause more retries of a channel that is down."""
    await queue(store)
    (held,) = await claim(store)
    waiting = await settle(store, held, due_at=NOW + 300, attempts=3, error="503", fallen_back=True)
    await queue(store, NOW + 10, Reason.CHANGED)
    assert await the_one(store) == replace(waiting, seq=2, reason=Reason.CHANGED)


@pytest.mark.parametrize("state", [SENT, DEAD])
async def test_queued_after_the_end_is_a_new_message(
    store: SqlStore, state: NotificationState
) -> None:
    """Due at once, with no attempts; the channel's count and last entry are kept."""
    await queue(store)
    (held,) = await claim(store)
    await settle(
        store,
        held,
        state=state,
        sent=1,
        ref="ts",
        seen_entry=7,
        attempts=2,
        error="x",
        may_be_doubled=True,
    )
    await queue(store, NOW + 10, Reason.RESOLVED)
    fresh = replace(NEW, seq=2, reason=Reason.RESOLVED, queued_at=NOW + 10, due_at=NOW + 10)
    assert await the_one(store) == replace(fresh, sent=1, ref="ts", seen_entry=7, tried=1)


async def test_settled_is_stored_as_given(store: SqlStore) -> None:
    """And the lease is over."""
    await queue(store)
    (held,) = await claim(store)
    assert held == replace(NEW, lease="me", lease_until=NOW + 60, tried=1)
    after = await settle(store, held, state=SENT, sent=1, ref="ts", seen_entry=3, attempts=1)
    assert after == replace(NEW, state=SENT, sent=1, ref="ts", seen_entry=3, attempts=1, tried=1)
    assert await claim(store, NOW + 999) == ()


async def test_queued_while_it_is_sent_stays_queued(store: SqlStore) -> None:
    """The message under way has the old state; the next is due at once and counts its own delay."""
    await queue(store)
    (held,) = await claim(store)
    await queue(store, NOW + 5, Reason.RESOLVED)
    assert await claim(store, NOW + 6, "other") == ()
    after = await settle(store, held, state=SENT, sent=1, ref="ts", seen_entry=3, attempts=1)
    assert after == replace(
        NEW,
        seq=2,
        reason=Reason.RESOLVED,
        queued_at=NOW + 5,
        sent=1,
        ref="ts",
        seen_entry=3,
        tried=1,
    )
    (again,) = await claim(store, NOW + 6, "other")
    assert (again.seq, again.may_be_doubled) == (2, False)


async def test_queued_while_it_fails_waits_with_it(store: SqlStore) -> None:
    """The same back-off, the same age: the channel has had neither."""
    await queue(store)
    (held,) = await claim(store)
    await queue(store, NOW + 5, Reason.RESOLVED)
    after = await settle(store, held, due_at=NOW + 60, attempts=1, error="503", tried=1)
    assert after == replace(
        NEW, seq=2, reason=Reason.RESOLVED, due_at=NOW + 60, attempts=1, error="503", tried=1
    )


@pytest.mark.parametrize("taken_over", [True, False])
async def test_a_lost_lease_settles_nothing(store: SqlStore, taken_over: bool) -> None:
    """Also when another worker has settled it."""
    await queue(store)
    (slow,) = await claim(store, owner="slow")
    (held,) = await claim(store, NOW + 60, "quick")
    assert held.may_be_doubled, "the first may have sent it before it went silent"
    if not taken_over:
        await settle(store, held, due_at=NOW + 900)
    before = await the_one(store)
    assert await settle(store, slow, state=SENT, sent=1) == before


async def test_only_due_messages_of_the_channel_are_claimed_earliest_first(store: SqlStore) -> None:
    """And no more than asked for."""
    due = {1: NOW + 3, 2: NOW + 1, 3: NOW + 2, 4: NOW + 9}
    await store.save(Writes(queued=[queued(at=at, incident_id=i) for i, at in due.items()]))
    await queue(store, channel="other")
    assert [n.incident_id for n in await claim(store, NOW + 3, limit=2)] == [2, 3]
    assert [n.incident_id for n in await claim(store, NOW + 3)] == [1]


async def test_a_storm_of_lesser_things_holds_up_no_p0(store: SqlStore) -> None:
    """Messages about an open P0 go first, however long others have been due."""
    severities = [Severity.P2, Severity.P2, Severity.P0, Severity.P0]
    storm = [incident(number, severity=severity) for number, severity in enumerate(severities, 1)]
    storm[3] = replace(storm[3], status=Status.RESOLVED, closed_at=NOW)
    debts = [queued(at=NOW + one.id, incident_id=one.id) for one in storm]
    await store.save(Writes(incidents={one.id: one for one in storm}, queued=debts))
    claims = [[held.incident_id for held in await claim(store, NOW + 9, limit=2)] for _ in range(3)]
    assert claims == [[3, 1], [2, 4], []]


@pytest.mark.parametrize("people", [False, True])
async def test_a_storm_of_p0s_is_claimed_earliest_first(store: SqlStore, *, people: bool) -> None:
    """Among many open P0s, too, and each before a lesser incident that has been due for longer."""
    storm = [incident(number, severity=Severity.P0) for number in range(1, 301)]
    storm[0] = replace(storm[0], severity=Severity.P2)
    debts = [queued(at=NOW - one.id, incident_id=one.id) for one in storm[:4]]
    debts += [queued("log/ana", NOW - 9, incident_id=7)] if people else []
    debts[0] = queued(at=NOW - 60, incident_id=1)
    await store.save(Writes(incidents={one.id: one for one in storm}, queued=debts))
    claimed = [held.incident_id for held in await claim(store, limit=3, people=people)]
    assert claimed == ([7, 4, 3] if people else [4, 3, 2])
    left = [held.incident_id for held in await claim(store, people=people)]
    assert left == ([2, 1] if people else [1])


async def test_a_channel_s_messages_are_also_those_to_people_over_it(store: SqlStore) -> None:
    """Earliest first of both kinds, within the limit; of no other channel, however it's called."""
    mine = ["log/cy", "log", "log/ana", "log/\u00e9va", "log/a/b"]
    others = ["log-b", "log0", "logs/ana", "lo", "lo/g", "log.x", "LOG/ana", "l\u00f6g/ana"]
    for at, channel in enumerate([*mine, *others]):
        await queue(store, NOW + at, channel=channel)
    assert [held.channel for held in await claim(store, NOW + 99, limit=3, people=True)] == mine[:3]
    assert [held.channel for held in await claim(store, NOW + 99, people=True)] == mine[3:]
    assert await claim(store, NOW + 99, people=True) == ()


async def test_a_channel_that_reaches_no_people_gets_none_of_theirs(store: SqlStore) -> None:
    """It wouldn't know where to send them."""
    for channel in ("log/ana", "log"):
        await queue(store, channel=channel)
    assert [held.channel for held in await claim(store)] == ["log"]


async def test_no_message_is_claimed_twice(store: SqlStore) -> None:
    """With any number of workers at once."""
    await store.save(Writes(queued=[queued(incident_id=i) for i in range(1, 61)]))
    claims = await asyncio.gather(*(claim(store, owner=f"o{i}", limit=7) for i in range(12)))
    claimed = [n.incident_id for claimed in claims for n in claimed]
    assert sorted(claimed) == sorted(set(claimed))
    assert all(len(some) <= 7 for some in claims)
    while some := await claim(store):
        claimed += [n.incident_id for n in some]
    assert sorted(claimed) == list(range(1, 61))


async def test_timers_are_claimed_when_due_earliest_first(store: SqlStore) -> None:
    """Nobody else gets them until the lease runs out, and they're gone only when done."""
    await store.save(timers(NOW + 2, NOW + 1, NOW + 9))
    assert await store.claim_timers(NOW, "a", NOW + 60, 9) == ()
    first = [TimerDue(NOW + 2, 1, "t1", NOW + 1), TimerDue(NOW + 2, 1, "t0", NOW + 2)]
    assert await store.claim_timers(NOW + 2, "a", NOW + 60, 9) == first
    assert await store.claim_timers(NOW + 8, "b", NOW + 60, 9) == ()
    again = await store.claim_timers(NOW + 60, "b", NOW + 99, 2)
    assert [timer.name for timer in again] == ["t1", "t0"]
    await store.save(Writes(timers_done=[*first]))
    assert [timer.name for timer in await store.claim_timers(NOW + 999, "b", NOW + 1999, 9)] == [
        "t2"
    ]


async def test_a_timer_set_anew_outlives_its_old_claim(store: SqlStore) -> None:
    """It's no longer the one that was claimed: its being done changes nothing, and its lease is
    over.
    """
    await store.save(timers(NOW))
    claimed = await store.claim_timers(NOW, "a", NOW + 60, 9)
    await store.save(timers(NOW + 5))
    await store.save(Writes(timers_done=[*claimed]))
    assert [timer.due_at for timer in await store.claim_timers(NOW + 5, "b", NOW + 60, 9)] == [
        NOW + 5
    ]


async def test_a_cleared_timer_never_comes(store: SqlStore) -> None:
    """Unless it's set in the same transaction."""
    await store.save(timers(NOW, NOW))
    changes = Writes(
        timers_cleared={(1, "t0"), (1, "t1"), (1, "unknown")}, timers=timers(NOW + 1).timers
    )
    await store.save(changes)
    assert await store.claim_timers(NOW + 9, "a", NOW + 60, 9) == [
        TimerDue(NOW + 9, 1, "t0", NOW + 1)
    ]


async def test_no_timer_is_claimed_twice(store: SqlStore) -> None:
    """With any number of workers at once."""
    await store.save(timers(*(NOW + i for i in range(50))))
    claims = await asyncio.gather(
        *(store.claim_timers(NOW + 99, f"o{i}", NOW + 199, 9) for i in range(8))
    )
    names = [timer.name for claimed in claims for timer in claimed]
    assert len(names) == len(set(names))


async def test_recovering_ends_the_leases_of_a_dead_process(store: SqlStore, url: str) -> None:
    """On SQLite, where nobody else can be at work; what was in flight is marked.

    On PostgreSQL they may be others'.
    """
    await store.save(Writes(queued=[queued()], timers=timers(NOW).timers))
    await claim(store)
    await store.claim_timers(NOW, "me", NOW + 60, 9)
    await store.recover()
    alone = url.startswith("sqlite")
    assert [n.may_be_doubled for n in await claim(store, owner="next")] == [True] * alone
    assert len(await store.claim_timers(NOW, "next", NOW + 60, 9)) == alone


async def test_a_beat_has_a_number_and_an_age_by_the_databases_clock(store: SqlStore) -> None:
    """A replica learns the last beat of each owner, its own included, before its new one."""
    first = await store.beat("one")
    assert first.of == {}
    assert (await store.beat("other")).of["one"].number == 1
    beats = await store.beat("one")
    own = beats.of["one"]
    assert first.now < beats.now < first.now + 60
    assert own.number == 1
    assert 0 <= own.age < 60
    await store.remove_owners("other")
    assert {*(await store.beat("one")).of} == {"one"}


async def test_deadlines_move_once_for_all_replicas(store: SqlStore, url: str) -> None:
    """All notice that their database's clock was set back, and each moves the deadlines."""
    await store.save(Writes(timers=timers(NOW).timers))
    moved = [await store.shift(-3600.0, NOW - 3600 + second) for second in (0, 1, 2)]
    assert moved == [True, *[url.startswith("sqlite")] * 2]
    by = 3600.0 * moved.count(True)
    (due,) = await store.claim_timers(NOW, "me", NOW + 60, 9)
    assert due.due_at == NOW - by
    assert await store.shift(-3600.0, NOW)


async def test_deadlines_that_move_undo_no_save(store: SqlStore) -> None:
    """Replicas write incidents while one of them moves the deadlines of all."""
    await store.save(Writes(incidents={1: incident(1)}))
    for turn in range(20):
        before = await store.incident(1)
        assert before is not None
        version = before.version + 1
        changed = replace(before, version=version, title=f"turn {turn}")
        save = store.save(Writes(incidents={1: changed}))
        at = NOW + 100.0 * turn
        _, lost = await asyncio.gather(store.shift(-1.0, at), save, return_exceptions=True)
        after = await store.incident(1)
        assert after is not None
        assert isinstance(lost, Conflict) or after.title == changed.title, lost
        assert after.version == version + (lost is None)


async def test_a_new_state_before_a_second_sending_is_no_repetition(store: SqlStore) -> None:
    """The second sending would have repeated the last state; this one replaces it."""
    await queue(store)
    (held,) = await claim(store)
    late = {"queued_at": NOW + 60, "due_at": NOW + 60, "uncertain": 1, "uncertain_until": NOW + 60}
    await settle(store, held, seq=2, sent=1, attempts=0, may_have_arrived=True, **late)
    await queue(store, NOW + 5, Reason.RESOLVED)
    row = await the_one(store)
    assert (row.seq, row.due_at, row.uncertain) == (3, NOW + 5, 1)
    assert not row.may_have_arrived


async def test_what_waits_for_people_is_looked_at_without_a_lease(store: SqlStore) -> None:
    """Worst first, with its incident; where there's no room only what is never held; then leased by
    name, once.
    """
    worst = incident(2, severity=Severity.P0)
    incidents = {1: incident(1), 2: worst, 3: incident(3)}
    people = [
        queued(channel, incident_id=n)
        for n in (1, 2, 3)
        for channel in ("log", "log/ana", "log/ben")
    ]
    await store.save(Writes(incidents=incidents, queued=people))
    waiting = await store.waiting({"log/ana": True, "log/ben": False}, NOW, 10)
    assert {(row.incident_id, row.channel) for row, _ in waiting[:2]} == {
        (2, "log/ana"),
        (2, "log/ben"),
    }
    assert [(row.incident_id, row.channel, standing.id) for row, standing in waiting[2:]] == [
        (1, "log/ana", 1),
        (3, "log/ana", 3),
    ]
    assert waiting[0][1] == Standing.of(worst)
    later = await store.waiting({"log/ana": True, "log/ben": False}, NOW + 9, 10, NOW + 1)
    assert {(row.incident_id, row.channel) for row, _ in later} == {
        (number, "log/ana") for number in (1, 2, 3)
    }
    assert await store.waiting({"log/ana": True}, NOW - 1, 10) == []
    keys = [(OutboxKind.INCIDENT, incident_id, "", "log/ana") for incident_id in (1, 3, 9)]
    claimed = await store.claim_waiting(keys, NOW, "me", NOW + 60)
    assert {(row.incident_id, row.lease, row.may_be_doubled) for row in claimed} == {
        (1, "me", False),
        (3, "me", False),
    }
    assert await store.claim_waiting(keys, NOW, "other", NOW + 60) == []
    assert [row.incident_id for row, _ in await store.waiting({"log/ana": True}, NOW, 10)] == [2]


async def test_edits_are_looked_at_where_there_is_no_room(store: SqlStore) -> None:
    """Where the channel edits in place, a row with a message that stands is one."""
    incidents = {1: incident(1), 2: incident(2)}
    await store.save(Writes(incidents=incidents, queued=[queued("room", incident_id=1)]))
    (first,) = await store.claim_notifications("room", NOW, "me", NOW + 60, 10)
    await settle(store, first, state=NotificationState.SENT, ref="C1:1.2")
    await store.save(Writes(queued=[queued("room", incident_id=n) for n in (1, 2)]))
    assert await store.waiting({"room": False}, NOW, 10) == []
    ((row, standing),) = await store.waiting({"room": False}, NOW, 10, edits=True)
    assert (row.incident_id, row.ref, standing.id) == (1, "C1:1.2", 1)
    assert len(await store.waiting({"room": True}, NOW, 10, edits=True)) == 2


async def test_a_channel_of_people_with_a_limit_is_left_out_of_a_claim(store: SqlStore) -> None:
    """Its own messages, but not those to people without a limit."""
    people = [queued(address) for address in ("log", "log/ana", "log/ben")]
    await store.save(Writes(incidents={1: incident(1)}, queued=people))
    claimed = await store.claim_notifications(
        "log", NOW, "me", NOW + 60, 10, people=True, less=["log", "log/ana"]
    )
    assert [row.channel for row in claimed] == ["log/ben"]


async def test_people_with_a_limit_are_left_out_of_a_claim(store: SqlStore) -> None:
    """Their messages are claimed by name."""
    await store.save(Writes(queued=[queued(name) for name in ("log", "log/ana", "log/ben")]))
    claimed = await store.claim_notifications(
        "log", NOW, "me", NOW + 60, 10, people=True, less=["log/ana"]
    )
    assert sorted(row.channel for row in claimed) == ["log", "log/ben"]
    again = await store.claim_notifications(
        "log", NOW, "me", NOW + 60, 10, people=True, less=["log/ana"]
    )
    assert again == ()
