"""Connections, transactions, and what their failures mean."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, event, make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from router.ports import Conflict, StoreUnavailable
from router.store.bulk import POSTGRES, SQLITE, Dialect

P = ParamSpec("P")
T = TypeVar("T")

_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
_BUSY = 5.0  # seconds to wait for another process' write lock, or for a free connection

# PostgreSQL's SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html
_LOST_RACES = ("40001", "40P01", "23505")  # serialization failure, deadlock, unique violation
_OUR_MISTAKES = ("21", "22", "23", "42")  # cardinality, data, integrity, syntax or access


class Database:
    """A database as two pools: `reader` without transactions, `writer` with.

    SQLite has one writer connection, so that writers queue here in order instead of racing for the file's lock.
    """

    def __init__(self, url: str) -> None:
        """Raises: ValueError, for a URL that isn't of a database we know. Connects to nothing yet."""
        parsed = parse(url)
        if parsed.get_backend_name() == "sqlite":
            self.dialect: Dialect = SQLITE
            self.reader, self.writer = _sqlite(parsed)
        else:
            self.dialect = POSTGRES
            self.reader, self.writer = _postgres(parsed)

    async def read(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` on a connection that takes no write lock; each of its statements sees what is committed."""
        with _translated():
            async with self.reader.connect() as connection:
                return await connection.run_sync(work, *args, **kwargs)

    async def write(self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work` in one transaction: all of it is durable when this returns, or none of it is if it raises."""
        with _translated():
            async with self.writer.begin() as connection:
                return await connection.run_sync(work, *args, **kwargs)

    async def close(self) -> None:
        await self.reader.dispose()
        await self.writer.dispose()


def parse(url: str) -> URL:
    """Raises: ValueError, without the password in it."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise ValueError("storage isn't a URL like sqlite:///file.db or postgresql://user@host/db") from None
    if parsed.drivername not in _DRIVERS:
        raise ValueError(f"storage {parsed.drivername!r} is neither sqlite nor postgresql")
    return parsed.set(drivername=_DRIVERS[parsed.drivername])


def _sqlite(url: URL) -> tuple[AsyncEngine, AsyncEngine]:
    reader = create_async_engine(
        url,
        hide_parameters=True,
        isolation_level="AUTOCOMMIT",
        pool_size=3,
        max_overflow=0,
        pool_timeout=_BUSY,
        pool_reset_on_return=None,
        skip_autocommit_rollback=True,
        connect_args={"timeout": _BUSY},
    )
    writer = create_async_engine(
        url,
        hide_parameters=True,
        pool_size=1,
        max_overflow=0,
        pool_timeout=_BUSY,
        connect_args={"timeout": _BUSY, "isolation_level": None},
    )
    event.listen(reader.sync_engine, "connect", _tune("cache_size = -4000"))
    event.listen(
        writer.sync_engine,
        "connect",
        _tune("journal_mode = WAL", "synchronous = FULL", "cache_size = -16000", "wal_autocheckpoint = 4000"),
    )
    event.listen(writer.sync_engine, "begin", _begin_immediate)
    return reader, writer


def _tune(*pragmas: str) -> Callable[[Any, Any], None]:
    def connected(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for pragma in pragmas:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return connected


def _begin_immediate(connection: Connection) -> None:
    """Take the write lock first: a transaction that starts by reading can't wait for it later, only fail."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _postgres(url: URL) -> tuple[AsyncEngine, AsyncEngine]:
    if "sslmode" in url.query:  # libpq's name, which hosted databases print in their URLs
        url = url.update_query_dict({"ssl": url.query["sslmode"]}).difference_update_query(["sslmode"])
    writer = create_async_engine(
        url,
        hide_parameters=True,
        pool_size=5,
        max_overflow=5,
        pool_timeout=_BUSY,
        connect_args={"timeout": _BUSY, "command_timeout": 30, "server_settings": {"application_name": "alert-router"}},
    )
    return writer.execution_options(isolation_level="AUTOCOMMIT"), writer


@contextmanager
def _translated() -> Iterator[None]:
    """Say what a failure means to the caller. The text is the database's own, with no URL, SQL or data in it."""
    try:
        yield
    except DBAPIError as error:
        meaning = _meaning(error)
        if meaning is None:
            raise
        raise meaning from error
    except (OSError, PoolTimeoutError) as error:
        raise StoreUnavailable(f"{type(error).__name__}: {error}") from error


def _meaning(error: DBAPIError) -> Exception | None:
    """None: the statement or its data is wrong, so trying again won't help."""
    state = getattr(error.orig, "sqlstate", None) or ""
    name = getattr(error.orig, "sqlite_errorname", "")
    if state in _LOST_RACES or name in {"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"}:
        return Conflict(str(error.orig))
    if state[:2] in _OUR_MISTAKES or name in {"SQLITE_ERROR", "SQLITE_MISMATCH"} or "CONSTRAINT" in name:
        return None
    return StoreUnavailable(str(error.orig))
