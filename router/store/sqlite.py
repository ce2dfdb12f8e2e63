"""SQLite: a pool of connections, each with its own thread, that run the store's statements."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from itertools import chain
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.pool import SingletonThreadPool

from router.store.bulk import clean
from router.store.driver import Driver, Read, Row, Watch, Write

P = ParamSpec("P")
T = TypeVar("T")

_MOST_PARAMETERS = 32_766  # SQLITE_MAX_VARIABLE_NUMBER, https://www.sqlite.org/limits.html
_MOST_ROWS = 512

_ARGUMENTS = {"isolation_level": None, "check_same_thread": False, "cached_statements": 256}

READS = ("cache_size = -4000",)
WRITES = (
    "journal_mode = WAL",
    "synchronous = FULL",
    "cache_size = -8000",
    "wal_autocheckpoint = 4000",
)


class SqliteDriver(sqlite3.Connection):
    """A connection. All calls to it are made in one thread."""

    def rows(self, sql: str, values: Mapping[str, Any]) -> Sequence[Row]:
        return self.execute(sql, values).fetchall()

    def texts(self, reads: Sequence[Read]) -> Sequence[str]:
        return [self.execute(read.sql, {"rows": read.rows}).fetchone()[0] for read in reads]

    def write(self, make: Callable[[], Sequence[Write]]) -> None:
        """Run what `make` returns, in order."""
        for write in make():
            rows, width = write.rows, len(write.rows[0])
            most = min(_MOST_ROWS, 1 << (_MOST_PARAMETERS // width).bit_length() - 1)
            changed, start = 0, 0
            while start < len(rows):
                size = min(most, 1 << (len(rows) - start).bit_length() - 1)
                values = tuple(chain.from_iterable(rows[start : start + size]))
                if "\0" in "".join([value for value in values if value.__class__ is str]):
                    values = tuple(map(_clean, values))
                changed += self.execute(_filled(write.sql, size, width), values).rowcount
                start += size
            if write.missed and changed < len(rows):
                raise write.missed()


def _clean(value: Any) -> Any:
    return clean(value) if isinstance(value, str) else value


@lru_cache(maxsize=256)
def _filled(sql: str, size: int, width: int) -> str:
    row = f"({', '.join('?' * width)})"
    return sql.replace(":rows", ", ".join([row] * size))


class SqlitePool:
    """Connections that SQLAlchemy and the driver share, with a thread for each.

    Why not aiosqlite: it returns to the event loop after each call of the driver, about twenty
    times in a small transaction. Measured beside a busy loop, a transaction of 100 alerts takes
    75 ms that way, and 14 ms without the returns (tests/bench/store_bench.py).
    """

    errors: tuple[type[Exception], ...] = (sqlite3.Error,)

    def __init__(  # noqa: PLR0913 - what differs between the two pools
        self,
        url: URL,
        threads: int,
        pragmas: Sequence[str],
        busy: float,
        watch: Watch,
        *,
        writes: bool,
    ) -> None:
        self._watch = watch
        self._threads = ThreadPoolExecutor(threads, "store")
        self._local = threading.local()
        self._opened: list[SqliteDriver] = []
        self._pragmas = pragmas
        self._writes = writes
        self._engine = self._make_engine(url, threads)
        (self._name,), options = self._engine.dialect.create_connect_args(url)
        self._arguments: dict[str, Any] = {**options, "timeout": busy} | _ARGUMENTS

    async def query(
        self, work: Callable[Concatenate[Driver, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        task = partial(self._query, work, *args, **kwargs)
        with self._watch():
            return await asyncio.get_running_loop().run_in_executor(self._threads, task)

    async def write(
        self,
        make: Callable[[], Sequence[Write]],
        begun: Callable[[asyncio.Future[None]], None] | None = None,
    ) -> None:
        task = partial(self._query, SqliteDriver.write, make)
        with self._watch():
            write = asyncio.get_running_loop().run_in_executor(self._threads, task)
            if begun:
                begun(write)
            await asyncio.shield(write)  # a thread can't be cancelled

    async def run(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        task = partial(self._run, work, *args, **kwargs)
        with self._watch():
            return await asyncio.get_running_loop().run_in_executor(self._threads, task)

    async def close(self) -> None:
        await asyncio.to_thread(self._threads.shutdown)
        self._engine.dispose()
        for connection in self._opened:
            connection.close()

    def _query(
        self, work: Callable[Concatenate[SqliteDriver, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        driver: SqliteDriver = getattr(self._local, "connection", None) or self._connection()
        if not self._writes:
            return work(driver, *args, **kwargs)
        driver.execute("BEGIN IMMEDIATE")
        try:
            result = work(driver, *args, **kwargs)
            driver.execute("COMMIT")
        except BaseException:
            if driver.in_transaction:  # after some errors SQLite has already rolled back
                driver.execute("ROLLBACK")
            raise
        return result

    def _run(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        with self._engine.begin() as connection:
            return work(connection, *args, **kwargs)

    def _connection(self) -> SqliteDriver:
        """The connection of this thread."""
        opened: SqliteDriver | None = getattr(self._local, "connection", None)
        if opened is None:
            opened = SqliteDriver(self._name, **self._arguments)
            self._opened.append(opened)
            for pragma in self._pragmas:
                opened.execute(f"PRAGMA {pragma}").close()
            self._local.connection = opened
        return opened

    def _make_engine(self, url: URL, threads: int) -> Engine:
        engine = create_engine(
            url,
            hide_parameters=True,
            creator=self._connection,
            poolclass=SingletonThreadPool,
            pool_size=threads,
            pool_reset_on_return=None,
        )
        if self._writes:
            event.listen(engine, "begin", _begin_immediate)
        return engine


def _begin_immediate(connection: Connection) -> None:
    """Take the write lock at once: after a read, a transaction can't wait for it any more."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")
