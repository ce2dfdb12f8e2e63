"""Faults of a SQLite store: each is unavailability, is logged with what to do, and loses
nothing.
"""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from router.core.incident.snapshot import Writes
from router.ports.errors import StoreUnavailable
from router.store import SqlStore, open_store
from tests.store.examples import incident


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "router.db"


@pytest.fixture
async def store(file: Path) -> AsyncIterator[SqlStore]:
    opened = await open_store(f"sqlite:///{file}", exclusive=True)
    await save(opened, 1)
    yield opened
    await opened.close()


async def save(store: SqlStore, number: int) -> None:
    # Large enough that it doesn't fit into pages that the file has already.
    await store.save(Writes(incidents={number: incident(number, title="x" * 100_000)}))


async def pragma(store: SqlStore, text: str) -> None:
    """Set something on the connection that writes, outside of a transaction."""
    pool: Any = store._database.writer
    await asyncio.wrap_future(
        pool._threads.submit(lambda: pool._connection().execute(f"PRAGMA {text}"))
    )


Fault = Callable[[SqlStore, Path], Awaitable[Callable[[], Awaitable[None]]]]
"""Makes a fault, and returns what ends it."""


async def disk_full(store: SqlStore, _file: Path) -> Callable[[], Awaitable[None]]:
    await pragma(store, "max_page_count = 1")

    async def end() -> None:
        await pragma(store, "max_page_count = 1000000")

    return end


async def read_only(store: SqlStore, _file: Path) -> Callable[[], Awaitable[None]]:
    await pragma(store, "query_only = ON")

    async def end() -> None:
        await pragma(store, "query_only = OFF")

    return end


async def locked(store: SqlStore, file: Path) -> Callable[[], Awaitable[None]]:
    await pragma(store, "busy_timeout = 50")
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    async def end() -> None:
        other.close()

    return end


async def deleted(_store: SqlStore, file: Path) -> Callable[[], Awaitable[None]]:
    away = file.with_name("away")
    shutil.move(file, away)

    async def end() -> None:
        shutil.move(away, file)

    return end


@pytest.mark.parametrize(
    ("fault", "todo"),
    [
        (disk_full, "free space on the disk"),
        (read_only, "writable"),
        (locked, "end the program that keeps the store's file locked"),
        (deleted, "move the file back"),
    ],
)
async def test_a_fault_is_logged_with_what_to_do_and_passes_without_loss(
    store: SqlStore, file: Path, fault: Fault, todo: str
) -> None:
    end = await fault(store, file)
    with capture_logs() as logged:
        for _ in range(2):
            with pytest.raises(StoreUnavailable):
                await save(store, 2)
    (line,) = (one for one in logged if one["event"] == "store_unavailable")
    assert todo in line["what_to_do"]
    await end()
    with capture_logs() as logged:
        await save(store, 2)
    assert [one["event"] for one in logged] == ["store_available_again"]
    assert [one.id for one in await store.incidents()] == [2, 1]


def test_a_corrupt_file_is_said_to_be_one(file: Path) -> None:
    file.write_bytes(b"this is no database" * 1000)
    with capture_logs() as logged, pytest.raises(StoreUnavailable):
        asyncio.run(open_store(f"sqlite:///{file}", exclusive=True))
    assert logged[0]["what_to_do"] == "stop the router and restore the store's file from a backup"
