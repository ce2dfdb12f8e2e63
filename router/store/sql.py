"""Connections, transactions, and what their failures mean."""

import asyncio
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from router.ports.clock import MonotonicClock
from router.ports.errors import StoreUnavailable
from router.store.bulk import POSTGRES, SQLITE, Dialect
from router.store.faults import meaning, remedy
from router.store.files import StoreLock, file_of, make_private
from router.telemetry.logs import logger

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncEngine

log = logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")

_DRIVERS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+asyncpg",
    "postgres": "postgresql+asyncpg",
}
_BUSY = 5.0  # seconds to wait for another process' write lock, or for a free connection
_READERS = 3  # connections that read a SQLite file at the same time
_SESSION = {"application_name": "alert-router", "idle_in_transaction_session_timeout": "2000"}
"""A process that is stopped in the middle of a transaction loses it after 2 s, and the locks that
others wait for: their steps must be taken within 5 s.
"""

ANSWERS_WITHIN = 10.0
"""Seconds until a statement that a server does not answer has failed: its sender gets 503."""

LOGGED_EVERY = 30.0
"""Seconds between two lines of the log about the same outage."""


class _OnTheLoop:
    """A pool whose driver speaks to a server without blocking."""

    def __init__(self, engine: "AsyncEngine") -> None:
        self.engine = engine.sync_engine
        self._engine = engine

    async def run(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        async with self._engine.begin() as connection:
            return await connection.run_sync(work, *args, **kwargs)

    async def close(self) -> None:
        await self._engine.dispose()


class _InThreads:
    """A pool of SQLite connections, with a thread for each.

    Why not aiosqlite: it comes back to the event loop after each call of the driver, some twenty
    times in a small transaction, and each time waits for its turn. Measured beside a busy loop, a
    transaction of 100 alerts takes 75 ms that way and 14 ms in one go (tests/bench/store_bench.py).
    """

    def __init__(self, engine: Engine, threads: int) -> None:
        self.engine = engine
        self._threads = ThreadPoolExecutor(threads, "store")

    async def run(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        task = partial(self._run, work, *args, **kwargs)
        return await asyncio.get_running_loop().run_in_executor(self._threads, task)

    def _run(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        with self.engine.begin() as connection:
            return work(connection, *args, **kwargs)

    async def close(self) -> None:
        await asyncio.to_thread(self._threads.shutdown)
        self.engine.dispose()


class Database:
    """A database as two pools: `reader` without transactions, `writer` with.

    SQLite has one writer connection, so that writers queue here in order instead of racing for the
    file's lock.
    """

    def __init__(self, url: str) -> None:
        """Raises: ValueError, for a URL that isn't of a database we know.

        Connects to nothing yet.
        """
        parsed = parse(url)
        self.url = url
        self.file = file_of(parsed)
        self.lock: StoreLock | None = None
        self._inode: int | None = None
        self._clock = MonotonicClock()
        self._out = False
        self._log_again_at = 0.0
        self.reader: _InThreads | _OnTheLoop
        self.writer: _InThreads | _OnTheLoop
        if parsed.get_backend_name() == "sqlite":
            self.dialect: Dialect = SQLITE
            self.reader, self.writer = _sqlite(parsed)
        else:
            self.dialect = POSTGRES
            self.reader, self.writer = _postgres(parsed)

    async def read(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `work` without a write lock; each of its statements sees committed data."""
        with self._watched():
            return await self.reader.run(work, *args, **kwargs)

    async def write(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `work` in one transaction: durable when this returns, undone if it raises."""
        with self._watched():
            self._check_file()
            return await self.writer.run(work, *args, **kwargs)

    @contextmanager
    def _watched(self) -> Iterator[None]:
        """Convert failures to the caller's errors; log an outage with a remedy, and its end."""
        try:
            yield
        except StoreUnavailable as error:
            self._log_outage(error, None)
            raise
        except (DBAPIError, OSError, PoolTimeoutError) as error:
            found = _meaning(error)
            if found is None:
                raise
            if isinstance(found, StoreUnavailable):
                self._log_outage(found, error)
            raise found from error
        if self._out:
            self._out, self._log_again_at = False, 0.0
            log.info("store_available_again")

    def _log_outage(self, error: StoreUnavailable, cause: BaseException | None) -> None:
        now = self._clock.now()
        if now >= self._log_again_at:
            todo = error.remedy or remedy(cause)
            log.error("store_unavailable", error=str(error), what_to_do=todo)
            self._log_again_at = now + LOGGED_EVERY
        self._out = True

    def _check_file(self) -> None:
        """Refuse to write into a file that was deleted or replaced: it would be lost at the end.

        Raises: StoreUnavailable.
        """
        if self.file is None or self._inode is None:
            return
        try:
            there = self.file.stat().st_ino
        except OSError:
            there = 0
        if there != self._inode:
            raise StoreUnavailable(
                f"{self.file} was deleted or replaced while the router ran",
                "move the file back, or restart the router to work with what is there",
            )

    def prepare(self, *, exclusive: bool) -> None:
        """Create a SQLite file that only its owner may read; `exclusive` locks out other processes.

        Raises: StoreUnavailable.
        """
        if self.file is None:
            return
        try:
            if exclusive:
                self.lock = StoreLock(self.file)
            if exclusive or not self.file.exists():
                make_private(self.file)
            if exclusive:
                self._inode = self.file.stat().st_ino
        except OSError as error:
            raise StoreUnavailable(
                f"{self.file} can't be opened: {error.strerror}", lasting=True
            ) from error

    async def close(self) -> None:
        await self.reader.close()
        await self.writer.close()
        if self.lock:
            self.lock.release()


def parse(url: str) -> URL:
    """Raises: ValueError, without the password in it."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ValueError(
            "storage isn't a URL like sqlite:///file.db or postgresql://user@host/db"
        ) from None
    if parsed.drivername not in _DRIVERS:
        raise ValueError(f"storage {parsed.drivername!r} is neither sqlite nor postgresql")
    return parsed.set(drivername=_DRIVERS[parsed.drivername])


def _sqlite(url: URL) -> tuple[_InThreads, _InThreads]:
    arguments = {"timeout": _BUSY, "check_same_thread": False, "cached_statements": 256}
    reader = create_engine(
        url,
        hide_parameters=True,
        isolation_level="AUTOCOMMIT",
        pool_size=_READERS,
        max_overflow=0,
        pool_reset_on_return=None,
        skip_autocommit_rollback=True,
        connect_args=arguments,
    )
    writer = create_engine(
        url,
        hide_parameters=True,
        pool_size=1,
        max_overflow=0,
        connect_args=arguments | {"isolation_level": None},
    )
    event.listen(reader, "connect", _tune("cache_size = -4000"))
    event.listen(
        writer,
        "connect",
        _tune(
            "journal_mode = WAL",
            "synchronous = FULL",
            "cache_size = -8000",
            "wal_autocheckpoint = 4000",
        ),
    )
    event.listen(writer, "begin", _begin_immediate)
    return _InThreads(reader, _READERS), _InThreads(writer, 1)


def _tune(*pragmas: str) -> Callable[[Any, Any], None]:
    def connected(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return connected


def _begin_immediate(connection: Connection) -> None:
    """Take the write lock first: a transaction that starts by reading can't wait for it later."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _postgres(url: URL) -> tuple[_OnTheLoop, _OnTheLoop]:
    # It loads the ORM, which SQLite doesn't need.
    from sqlalchemy.ext.asyncio import create_async_engine  # noqa: PLC0415

    if "sslmode" in url.query:  # libpq's name, which hosted databases print in their URLs
        url = url.update_query_dict({"ssl": url.query["sslmode"]}).difference_update_query(
            ["sslmode"]
        )
    writer = create_async_engine(
        url,
        hide_parameters=True,
        pool_size=5,
        max_overflow=5,
        pool_timeout=_BUSY,
        connect_args={
            "timeout": _BUSY,
            "command_timeout": ANSWERS_WITHIN,
            "server_settings": _SESSION,
        },
    )
    return _OnTheLoop(writer.execution_options(isolation_level="AUTOCOMMIT")), _OnTheLoop(writer)


def _meaning(error: Exception) -> Exception | None:
    """Return the caller's error for a failure; None if it's a fault of the router."""
    if isinstance(error, DBAPIError):
        return meaning(error)
    number = error.errno if isinstance(error, OSError) else None
    why = os.strerror(number) if number else str(error) or type(error).__name__
    return StoreUnavailable(f"cannot connect: {why}")
