"""Opening, migrating and losing a database."""

import asyncio
import sqlite3
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from router.core.incident.snapshot import Writes
from router.ports.errors import StoreUnavailable
from router.store import SqlStore, migrate, open_store
from router.store.indexes import metadata
from router.store.schema import REVISION
from router.store.sql import Database
from router.store.store import revision
from tests.store.examples import incident, opened


async def test_migrating_makes_the_schema(url: str) -> None:
    """The tables of schema.py exactly; the second time there's nothing to do."""
    before, after = await migrate(url)
    assert before is None
    assert await migrate(url) == (after, after)
    assert after == REVISION, "a database at REVISION is taken as it is"

    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    database = Database(url)
    assert await database.read(differences) == []
    await database.close()


@pytest.mark.parametrize("url", ["postgresql"], indirect=True)
@pytest.mark.peer
async def test_replicas_may_start_at_the_same_time(url: str) -> None:
    """One migrates, the others find it done. (SQLite has one daemon.)"""
    (_, head), *others = sorted(
        await asyncio.gather(*(migrate(url) for _ in range(3))), key=lambda found: found[0] or ""
    )
    assert others == [(head, head)] * 2


async def test_what_was_saved_is_there_after_a_restart(url: str) -> None:
    """A second store on the same database sees it."""
    first = await open_store(url)
    await first.save(opened(incident()))
    await first.close()
    second = await open_store(url)
    assert await second.incident(1) == incident()
    await second.close()


async def test_a_sqlite_file_is_durable(tmp_path: Path) -> None:
    """Write-ahead log, and an fsync before a commit returns."""
    database = Database(f"sqlite:///{tmp_path / 'router.db'}")

    def pragmas(connection: Connection) -> list[object]:
        names = ("journal_mode", "synchronous")
        return [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names]

    assert await database.write(pragmas) == ["wal", 2]
    await database.close()


@pytest.mark.parametrize(
    "url", ["", "nonsense", "mysql://user:hunter2@host/db", "://user:hunter2@host"]
)
def test_an_unknown_url_is_refused_without_its_password(url: str) -> None:
    """Before anything connects."""
    with pytest.raises(ValueError, match="storage") as refused:
        Database(url)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["postgresql://user:hunter2@127.0.0.1:1/db", "sqlite:////nowhere/at/all/router.db"]
)
async def test_a_database_out_of_reach_is_unavailable(url: str) -> None:
    """The error doesn't contain the password."""
    with pytest.raises(StoreUnavailable) as failed:
        await open_store(url)
    assert "hunter2" not in str(failed.value)


@pytest.mark.peer
async def test_a_lost_connection_is_replaced(postgres, tmp_path: Path) -> None:  # noqa: ANN001
    """Work fails as unavailable once, if at all; the next try gets a new connection."""
    async with postgres.database() as url:
        store = await open_store(url)
        await store.ping()
        connection = await asyncpg.connect(url)
        await connection.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        await connection.close()
        for work in (store.ping, partial(store.save, Writes(receipts={"e": 1.0}))):
            with suppress(StoreUnavailable):  # unless the loss was noticed meanwhile
                await work()
            await work()
        await store.close()


async def test_a_locked_file_is_unavailable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process holds the write lock for too long: nothing is written, and readers aren't
    disturbed.
    """
    monkeypatch.setattr("router.store.sql._BUSY", 0.05)
    path = tmp_path / "router.db"
    store = await open_store(f"sqlite:///{path}")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match="locked"):
        await store.save(opened(incident()))
    assert await store.incident(1) is None
    other.close()
    await store.save(opened(incident()))
    await store.close()


async def test_our_own_mistakes_are_not_taken_for_an_outage(url: str) -> None:
    """A statement that is wrong stays wrong: it's raised as it is, without its data."""
    database = Database(url)

    def wrong(connection: Connection) -> None:
        connection.exec_driver_sql("SELECT hunter FROM nowhere")

    with pytest.raises(DBAPIError, match="nowhere"):
        await database.read(wrong)
    await database.close()


async def test_an_interrupted_save_leaves_the_store_usable(store: SqlStore) -> None:
    """A cancelled request takes no connection with it."""
    for moment in range(0, 200, 10):
        saving = asyncio.ensure_future(store.save(Writes(receipts={"e": 1.0})))
        for _ in range(moment):
            await asyncio.sleep(0)
        saving.cancel()
        await asyncio.gather(saving, return_exceptions=True)
    await store.save(opened(incident()))
    assert await store.incident(1) == incident()


class Refusal(Exception):
    """An error of PostgreSQL. 42P01: no such table."""

    sqlstate = "42P01"


@pytest.mark.parametrize("cause", [Exception("gone"), Refusal()])
def test_a_broken_connection_is_not_an_empty_database(cause: Exception) -> None:
    """A router that starts in that moment waits, instead of creating tables."""

    class Broken:
        def execute(self, _statement: object) -> object:
            raise DBAPIError("SELECT", {}, cause)

    connection: Any = Broken()
    with nullcontext() if isinstance(cause, Refusal) else pytest.raises(DBAPIError):
        assert revision(connection) is None
