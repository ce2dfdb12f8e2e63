"""Beats, burials, and what a replica that was stopped may still do."""

from collections import Counter
from typing import Any

import pytest
import structlog

from router.engine.ownership import BEAT, BURIED, LOOKS, VALID, Ownership
from router.ports.clock import SharedClock
from router.ports.errors import StoreUnavailable
from router.ports.store import Beat, Beats
from tests.clock import START, SteppedClock


class SharedStore:
    """The owners of a database that replicas share. Each `fault` is raised by the next beat.

    `jump`: seconds by which the database's clock has jumped.
    """

    shared = True

    def __init__(self, clock: SteppedClock) -> None:
        self.beats: Counter[str] = Counter()
        self.beaten_at: dict[str, float] = {}
        self.buried: list[str] = []
        self.faults: list[Exception] = []
        self.jump = 0.0
        self._clock = clock

    async def beat(self, owner: str) -> Beats:
        if self.faults:
            raise self.faults.pop()
        now = self._clock.now() + self.jump
        found = {name: Beat(self.beats[name], now - at) for name, at in self.beaten_at.items()}
        self.beats[owner] += 1
        self.beaten_at[owner] = now
        return Beats(found, now)

    async def remove_owners(self, *owners: str) -> None:
        for owner in owners:
            self.buried.append(owner)
            self.beats.pop(owner, None)
            self.beaten_at.pop(owner, None)


@pytest.fixture
def database(clock: SteppedClock) -> SharedStore:
    return SharedStore(clock)


def replica(database: Any, clock: SteppedClock, name: str) -> Ownership:
    return Ownership(database, clock, name)


async def test_a_replica_whose_beats_stop_is_buried_within_ten_seconds(
    database: SharedStore, clock: SteppedClock
) -> None:
    """And no sooner than it has itself stopped acting on its leases."""
    one, other = replica(database, clock, "one"), replica(database, clock, "other")
    await one.beat()
    passed = 0.0
    while "one" not in database.buried:
        await other.beat()
        await clock.advance(BEAT)
        passed += BEAT
    assert VALID < passed <= 10.0
    assert not one.holds("one")


async def test_replicas_that_beat_leave_one_another_alone(
    database: SharedStore, clock: SteppedClock
) -> None:
    one, other = replica(database, clock, "one"), replica(database, clock, "other")
    for _ in range(10):
        await one.beat()
        await other.beat()
        await clock.advance(BEAT)
    assert database.buried == []
    assert one.holds("one")


async def test_a_replica_that_was_stopped_holds_nothing_afterwards(
    database: SharedStore, clock: SteppedClock
) -> None:
    """Neither before its next beat nor after it, when it goes on under another name."""
    owner = replica(database, clock, "one")
    await owner.beat()
    await clock.advance(VALID + 1)
    assert not owner.holds("one")
    await owner.beat()
    assert database.buried == ["one"]
    assert not owner.holds("one")
    assert owner.holds(owner.name)


async def test_a_replica_that_was_stopped_buries_nobody_who_lives(
    database: SharedStore, clock: SteppedClock
) -> None:
    """Those that went on beating are younger than its own absence."""
    one, other = replica(database, clock, "one"), replica(database, clock, "other")
    await one.beat()
    for _ in range(4):
        await other.beat()
        await clock.advance(BEAT)
    await one.beat()
    assert {*database.buried} == {"one"}, "that is its own name of before"


async def test_a_replica_that_has_just_started_ends_the_leases_of_the_dead(
    database: SharedStore, clock: SteppedClock
) -> None:
    """Also if no replica ever lives long enough to see another one die."""
    await replica(database, clock, "one").start()
    await clock.advance(BURIED - 0.1)
    await replica(database, clock, "second").start()
    assert database.buried == []
    await clock.advance(0.1)
    await replica(database, clock, "third").start()
    assert database.buried == ["one"]


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
async def test_a_jump_of_the_databases_clock_buries_nobody_who_lives(
    database: SharedStore, clock: SteppedClock, jump: float
) -> None:
    """Beats are counted for a while, so the dead are still buried."""
    one, other = replica(database, clock, "one"), replica(database, clock, "other")
    dead = replica(database, clock, "dead")
    for each in (one, other, dead):
        await each.beat()
    database.jump = jump
    for _ in range(6):
        await clock.advance(BEAT)
        await one.beat()
        await other.beat()
    assert set(database.buried) == {"dead"}
    assert one.holds("one")


async def test_a_replica_goes_by_the_databases_clock(
    database: SharedStore, clock: SteppedClock
) -> None:
    """Also after that clock has jumped; the difference of this host's clock is logged once."""
    time = SharedClock()
    one = Ownership(database, clock, "one", time)
    with structlog.testing.capture_logs() as logs:
        for jump in (0.0, -3600.0, 3600.0):
            database.jump = jump
            await one.beat()
            assert time.now() == pytest.approx(clock.now() + jump, abs=1.0)
            await clock.advance(BEAT)
    assert [line["event"] for line in logs].count("clock_differs") == 1


def test_an_answer_that_a_stop_delays_sets_no_clock() -> None:
    """The database's time in it is as old as the stop was long."""
    time = SharedClock()
    time.follow(START, took=0.0)
    assert time.now() == pytest.approx(START, abs=1.0)
    time.follow(START - 7.0, took=7.0)
    assert time.now() == pytest.approx(START, abs=1.0)


async def test_a_replica_that_was_buried_continues_under_a_new_name(
    database: SharedStore, clock: SteppedClock
) -> None:
    owner = replica(database, clock, "one")
    await owner.beat()
    await database.remove_owners("one")
    await owner.beat()
    assert not owner.holds("one")
    assert owner.holds(owner.name)


async def test_a_beat_that_fails_ends_nothing_at_once(
    database: SharedStore, clock: SteppedClock
) -> None:
    owner = replica(database, clock, "one")
    await owner.beat()
    database.faults.append(StoreUnavailable("gone"))
    with pytest.raises(StoreUnavailable):
        await owner.beat()
    assert owner.holds("one")
    await clock.advance(VALID)
    assert not owner.holds("one")


async def test_who_shares_with_nobody_needs_no_beat(clock: SteppedClock) -> None:
    class Alone:
        shared = False

    own: Any = Alone()
    owner = Ownership(own, clock, "one")
    await owner.start()
    await clock.advance(3600)
    assert owner.holds("one")


def test_a_replica_stops_before_others_remove_it() -> None:
    assert VALID < BURIED
    assert VALID < BEAT * LOOKS
