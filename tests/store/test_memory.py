"""The memory of a SQLite store equals the store, whatever happens."""

import asyncio
import dataclasses
import shutil
import sqlite3
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from msgspec.structs import replace

from router.core.incident.settings import Settings
from router.core.incident.snapshot import Conflict, ReadPlan, Snapshot, Writes
from router.core.suppression.inhibition import Inhibition
from router.engine.apply import Applier
from router.model.alert import AlertStatus
from router.model.event import Command, Event
from router.model.incident import Incident, Severity
from router.model.reason import Reason
from router.ports.errors import StoreUnavailable
from router.store import SqlStore, memory, migrate, open_store
from router.telemetry.metrics import Metrics
from tests.clock import START, SteppedClock, stop
from tests.engine.conftest import settings as settings  # noqa: PLC0414 - a fixture
from tests.engine.office import command, seen
from tests.store.examples import NOW, closed, incident, opened, rule_match, taken

SQLITE = pytest.mark.parametrize("url", ["sqlite"], indirect=True)

EVENTS = (
    seen(),
    seen(value="0.005"),
    seen(value="0.5"),
    seen(pod="b"),
    seen(service="other"),
    seen("DiskFull"),
    seen(status="resolved"),
    seen(pod="b", status="resolved"),
    seen(service="other", status="resolved"),
    command(Command.ACKNOWLEDGE),
    command(Command.RESOLVE),
    command(Command.FALSE_POSITIVE),
    command(Command.REOPEN),
    command(Command.MERGE, other=2),
    command(Command.MERGE, 2, other=3),
)
FINGERPRINTS = sorted({e.alert.fingerprint for e in EVENTS if hasattr(e, "alert")})
KEYS = [f'payment-failures{{service="{name}"}}' for name in ("api", "other")]
RULES = ("payment-failures", "disk-full", "another")
IDS = range(1, 9)
STEP = 61.0
"""Seconds between two steps: a repeat moves the time when the alert was last seen."""


@contextmanager
def failing_commits(connection: sqlite3.Connection) -> Iterator[None]:
    """Let transactions write everything, and then fail."""

    def deny(_action: int, what: str | None, *_: object) -> int:
        return sqlite3.SQLITE_DENY if what == "COMMIT" else sqlite3.SQLITE_OK

    connection.set_authorizer(deny)
    yield
    connection.set_authorizer(None)


@asynccontextmanager
async def both(path: Path) -> AsyncIterator[tuple[SqlStore, SqlStore]]:
    """A store with a memory, and another one on the same file without."""
    url = f"sqlite:///{path / 'store.db'}"
    store, reader = await open_store(url, exclusive=True), await open_store(url)
    yield store, reader
    await store.close()
    await reader.close()


def ordered(view: Snapshot) -> Snapshot:
    for matches in view.rule_matches.values():
        matches.sort(key=lambda match: match.rule)
    view.rule_matches = dict(sorted(view.rule_matches.items()))
    return view


async def check(store: SqlStore, reader: SqlStore) -> None:
    """Compare what the store remembers with what another one reads."""
    for plan in (
        ReadPlan(FINGERPRINTS),
        ReadPlan(incident_ids=IDS),
        ReadPlan(keys=KEYS),
        ReadPlan(open=RULES),
    ):
        assert ordered(await store.load(plan)) == ordered(await reader.load(plan))
    for number in IDS:
        assert await store.incident(number) == await reader.incident(number)


def connection_of(store: SqlStore) -> sqlite3.Connection:
    pool: Any = store._database.writer
    return pool._opened[0]  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new store's file: to make one takes longer than what a test does with it."""
    path = tmp_path_factory.mktemp("new") / "store.db"
    asyncio.run(migrate(f"sqlite:///{path}"))
    return path


steps = st.one_of(
    st.tuples(
        st.just("events"), st.lists(st.sampled_from(EVENTS), min_size=1, max_size=4), st.booleans()
    ),
    st.tuples(st.sampled_from(["prune", "shift", "read"]), st.just([]), st.just(False)),
)


@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(script=st.lists(steps, min_size=1, max_size=12))
async def test_the_memory_equals_the_store(
    tmp_path_factory: pytest.TempPathFactory,
    new: Path,
    settings: Settings,
    script: list[tuple[str, list[Event], bool]],
) -> None:
    """After any events and commits that failed; nothing of those is remembered."""
    folder = tmp_path_factory.mktemp("memory")
    shutil.copy(new, folder)
    async with both(folder) as (store, reader):
        applier = Applier(store, settings, SteppedClock(), Metrics(), lambda _: None)
        loop = asyncio.ensure_future(applier.run())
        await store.save(Writes(receipts={"opens the connection": NOW}))
        for number, (what, events, fails) in enumerate(script):
            at = START + number * STEP
            if what == "prune":
                await store.prune(at)
            elif what == "shift":
                await store.shift(5.0, at)
            elif fails:
                before = await reader.incidents()
                with failing_commits(connection_of(store)):
                    try:
                        await applier.submit([replace(event, at=at) for event in events])
                    except StoreUnavailable:
                        assert await reader.incidents() == before
            else:
                await applier.submit([replace(event, at=at) for event in events])
            await check(store, reader)
        await stop(loop)


async def test_an_older_incident_that_is_open_again_is_remembered(tmp_path: Path) -> None:
    """Its key may be known from before, or be read meanwhile."""
    async with both(tmp_path) as (store, reader):
        plan, key = ReadPlan(keys=["key-1"]), "key-1"
        for number in (1, 2):
            await store.save(opened(closed(incident_id=number, key=key)))
        for version in range(2, 8):
            if version == 4:
                store._memory._newest.clear()  # type: ignore[union-attr]
            make = closed if version % 2 else incident
            await store.save(opened(make(key=key, version=version)))
            assert await store.load(plan) == await reader.load(plan)


async def test_nothing_of_a_failed_commit_is_remembered(tmp_path: Path, settings: Settings) -> None:
    """Its alert is decided again, and opens the incident."""
    async with both(tmp_path) as (store, reader):
        applier = Applier(store, settings, SteppedClock(), Metrics(), lambda _: None)
        loop = asyncio.ensure_future(applier.run())
        await store.save(Writes(receipts={"opens the connection": NOW}))
        with failing_commits(connection_of(store)), pytest.raises(StoreUnavailable):
            await applier.submit([seen()])
        await check(store, reader)
        assert await applier.submit([seen()]) == [Reason.OPENED]
        await check(store, reader)
        await stop(loop)


async def test_known_alerts_and_incidents_are_not_read(tmp_path: Path, settings: Settings) -> None:
    """A repeat and an alert that joins need no statement before they are written.

    Nor do the open incidents that may inhibit a new alert.
    """
    settings = dataclasses.replace(settings, inhibitions=(Inhibition((), rule="disk-full"),))
    async with both(tmp_path) as (store, _):
        applier = Applier(store, settings, SteppedClock(), Metrics(), lambda _: None)
        loop = asyncio.ensure_future(applier.run())
        await applier.submit([seen()])
        reads: list[str] = []

        def watch(driver: Any) -> None:
            driver.set_trace_callback(reads.append)

        await asyncio.gather(*(store._database.query(watch) for _ in range(9)))
        await applier.submit([seen(), seen(pod="b"), seen(status="resolved")])
        assert await store.incident(1) is not None
        assert reads == []
        await stop(loop)


async def test_alerts_are_known_after_a_restart(tmp_path: Path) -> None:
    """A new process learns which alerts are stored, and reads their matches when needed."""
    async with both(tmp_path) as (store, _):
        await store.save(taken(rule_match("f1"), rule_match("f2", "a"), rule_match("f2", "b")))
    async with both(tmp_path) as (store, reader):
        for plan in (ReadPlan(["f1", "new"]), ReadPlan(["f2", "f1"]), ReadPlan(["new"])):
            assert ordered(await store.load(plan)) == ordered(await reader.load(plan))


async def test_more_than_fits_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full memory forgets the oldest, and reads them from the store."""
    monkeypatch.setattr(memory, "MOST_ALERTS", 10)
    monkeypatch.setattr(memory, "MOST_INCIDENTS", 10)
    every = [f"f{i}" for i in range(40)]
    async with both(tmp_path) as (store, reader):
        await store.load(ReadPlan(every, keys=["key-1"], open=["payment-failures"]))
        for i, fingerprint in enumerate(every):
            changes = opened(incident(i + 1))
            changes.rule_matches = taken(rule_match(fingerprint, incident_id=i + 1)).rule_matches
            await store.save(changes)
        kept: Any = store._memory
        assert len(kept.incidents) <= 10
        assert len(kept._matches) <= 10
        for plan in (
            ReadPlan(every),
            ReadPlan(incident_ids=range(1, 41)),
            ReadPlan(keys=[f"key-{i}" for i in range(1, 41)]),
            ReadPlan(open=["payment-failures"]),
        ):
            assert ordered(await store.load(plan)) == ordered(await reader.load(plan))


async def test_a_read_beside_a_write_is_not_kept(tmp_path: Path) -> None:
    """The page of an incident is read while an alert changes it."""
    async with both(tmp_path) as (store, reader):
        await store.save(opened(incident()))
        for version in range(2, 12):
            changes = opened(incident(version=version, firing=version))
            await asyncio.gather(
                store.load(ReadPlan(["f1"], [1], ["key-1"])),
                store.save(changes),
                store.load(ReadPlan(["f1"], [1], ["key-1"])),
            )
            assert await store.load(ReadPlan(incident_ids=[1])) == await reader.load(
                ReadPlan(incident_ids=[1])
            )
            store._memory.forget_alerts()  # type: ignore[union-attr]


async def test_a_cancelled_save_is_remembered_once_it_is_done(tmp_path: Path) -> None:
    """Its thread goes on, and so the memory follows."""
    async with both(tmp_path) as (store, reader):
        await store.load(ReadPlan(keys=["key-1"]))
        saving = asyncio.ensure_future(store.save(opened(incident())))
        await asyncio.sleep(0)
        saving.cancel()
        await asyncio.gather(saving, return_exceptions=True)
        await store.save(Writes(receipts={"waits for its turn": NOW}))
        plan = ReadPlan(keys=["key-1"], incident_ids=[1])
        assert await store.load(plan) == await reader.load(plan)


async def test_another_writer_is_noticed(tmp_path: Path) -> None:
    """A version that isn't the remembered one is a conflict, and then it is read again."""
    async with both(tmp_path) as (store, other):
        await store.save(opened(incident()))
        await other.save(opened(incident(version=2, firing=7)))
        with pytest.raises(Conflict):
            await store.save(opened(incident(version=2)))
        found: Sequence[Incident] = [
            *(await store.load(ReadPlan(incident_ids=[1]))).incidents.values()
        ]
        assert [one.firing for one in found] == [7]


@SQLITE
async def test_a_changed_column_is_written(store: SqlStore) -> None:
    """An incident that is remembered is found by what has changed."""
    await store.save(opened(incident()))
    await store.save(opened(incident(version=2, severity=Severity.P0)))
    assert [one.id for one in await store.incidents(severities=[Severity.P0])] == [1]


async def test_resolved_alerts_that_were_deleted_are_forgotten(tmp_path: Path) -> None:
    over = rule_match(status=AlertStatus.RESOLVED, last_seen=NOW - 1)
    async with both(tmp_path) as (store, _):
        await store.save(taken(over))
        assert (await store.load(ReadPlan(["f1"]))).rule_matches == {"f1": [over]}
        assert await store.prune(NOW) == 1
        assert (await store.load(ReadPlan(["f1"]))).rule_matches == {}
