"""PostgreSQL: a pool of asyncpg connections that run the store's statements."""

# ruff: noqa: S608 - only statements of the store go into statements

import asyncio
import os
import re
import socket
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import cache, lru_cache, partial
from typing import Any, Concatenate, ParamSpec, TypeVar

import asyncpg
from sqlalchemy import Connection
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.util import await_only, greenlet_spawn

from router.store.bulk import encode
from router.store.driver import Driver, Read, Row, Watch, Write

P = ParamSpec("P")
T = TypeVar("T")

_SESSION = {"application_name": "alert-router", "idle_in_transaction_session_timeout": "2000"}
"""The server aborts the transaction of a paused process after 2 s and releases its locks: other
replicas wait for them, and must take each step within 5 s.
"""

_PROBES = {"TCP_KEEPIDLE": 2, "TCP_KEEPINTVL": 1, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 5000}
"""Socket options that detect within 5 s that the server's host has disappeared or lost its address,
however long a statement may take. Options that the system doesn't have are left out.
"""

_CONNECTIONS = 5
_NAME = re.compile(r"(?<!:):([a-z_]+)")
_CACHES = {"prepared_statement_cache_size", "prepared_statement_name_func"}
"""Options of SQLAlchemy in the URL that the driver does not know."""


class _Probed(asyncpg.Connection):  # type: ignore[misc]  # the package has no types
    """A connection with TCP probes, to detect that the server's host is gone."""

    def __init__(self, protocol: Any, transport: asyncio.Transport, *rest: Any) -> None:
        super().__init__(protocol, transport, *rest)
        ours = transport.get_extra_info("socket")
        if ours is None or ours.family == socket.AF_UNIX:
            return
        with socket.socket(fileno=os.dup(ours.fileno())) as same:
            same.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for name, value in _PROBES.items():
                if option := getattr(socket, name, None):
                    same.setsockopt(socket.IPPROTO_TCP, option, value)


class PostgresDriver:
    """A connection. The event loop runs while a call waits for the server."""

    def __init__(self, connection: Any) -> None:
        self._connection = connection

    def rows(self, sql: str, values: Mapping[str, Any]) -> Sequence[Row]:
        numbered, names = _numbered(sql)
        return self._fetch(numbered, [values[name] for name in names])

    def texts(self, reads: Sequence[Read]) -> Sequence[str]:
        if not reads:
            return ()
        sql, given = _side_by_side(tuple(read.sql for read in reads))
        (row,) = self._fetch(sql, [reads[number].rows for number in given])
        return row

    def _fetch(self, sql: str, values: Sequence[Any]) -> Sequence[Row]:
        found: Sequence[Row] = await_only(self._connection.fetch(sql, *values))
        return found


@cache
def _numbered(sql: str) -> tuple[str, tuple[str, ...]]:
    """Return the statement with numbered parameters, and the parameters' names in order."""
    names = tuple(dict.fromkeys(_NAME.findall(sql)))
    return _NAME.sub(lambda name: f"${names.index(name[1]) + 1}", sql), names


@lru_cache(maxsize=256)
def _side_by_side(sqls: tuple[str, ...]) -> tuple[str, tuple[int, ...]]:
    """Combine queries into one with a column for each.

    Also returns the positions of the queries that have a parameter.
    """
    given = tuple(number for number, sql in enumerate(sqls) if ":rows" in sql)
    numbers = {number: str(place) for place, number in enumerate(given, 1)}
    columns = (
        f"({sql.replace(':rows', f'${numbers.get(number)}')})" for number, sql in enumerate(sqls)
    )
    return f"SELECT {', '.join(columns)}", given


async def _write(connection: Any, group: Sequence[Write]) -> None:
    sql = _at_once(tuple((write.table, write.sql, bool(write.missed)) for write in group))
    try:
        await connection.fetch(sql, *(encode(write.rows) for write in group))
    except asyncpg.InvalidTextRepresentationError as error:
        for write in group:
            if write.missed and f'"{write.table}"' in error.args[0]:
                raise write.missed() from None
        raise


@lru_cache(maxsize=256)
def _at_once(parts: tuple[tuple[str, str, bool], ...]) -> str:
    """Combine writes into one statement, to save the round trips of a transaction.

    If fewer rows change than given, the statement fails: it casts the table's name to a number.
    """
    written = [
        f"new_{table} AS ({sql.replace(':rows', f'${number}')} RETURNING 1)"
        for number, (table, sql, _) in enumerate(parts, 1)
    ]
    checks = [
        f"""CAST(CASE WHEN (SELECT count(*) FROM new_{table}) = jsonb_array_length(${number})
            THEN '0' ELSE '{table}' END AS INTEGER)"""
        for number, (table, _, is_checked) in enumerate(parts, 1)
        if is_checked
    ]
    return f"WITH {', '.join(written)} SELECT {', '.join(checks) or 1}"


def _groups(writes: Sequence[Write]) -> Iterator[Sequence[Write]]:
    """Split the writes, in order, into groups that contain each table only once.

    The parts of one statement don't see each other's writes.
    """
    group: list[Write] = []
    for write in writes:
        if any(write.table == other.table for other in group):
            yield group
            group = []
        group.append(write)
    if group:
        yield group


_BROKEN = (asyncpg.InterfaceError, asyncpg.InternalClientError)
"""Errors of a connection that the server closed, even in the middle of its answer."""


class _Connections:
    """Idle connections of the driver, and the number of connections that may still be opened."""

    def __init__(self, options: Mapping[str, Any], busy: float) -> None:
        self._options = options
        self._busy = busy
        self._idle: list[Any] = []
        self._room = asyncio.Semaphore(_CONNECTIONS)

    @asynccontextmanager
    async def one(self) -> AsyncIterator[Any]:
        """Lend a connection, and close it if its state is unknown afterwards.

        Raises: TimeoutError, if no connection is free in time; OSError; an error of the driver.
        """
        if self._room.locked():
            await asyncio.wait_for(self._room.acquire(), self._busy)
        else:
            await self._room.acquire()
        try:
            connection = self._take() or await asyncpg.connect(**self._options)
            try:
                yield connection
            except (OSError, asyncio.CancelledError, *_BROKEN):
                connection.terminate()
                raise
            finally:
                if not connection.is_closed():
                    if connection.is_in_transaction():
                        connection.terminate()
                    else:
                        self._idle.append(connection)
        finally:
            self._room.release()

    async def close(self) -> None:
        while connection := self._take():
            await connection.close()

    def _take(self) -> Any:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return None


class PostgresPool:
    """Connections for the driver, and a few others for SQLAlchemy."""

    errors: tuple[type[Exception], ...] = (asyncpg.PostgresError, *_BROKEN)

    def __init__(
        self, engine: AsyncEngine, connections: _Connections, watch: Watch, *, writes: bool
    ) -> None:
        self._engine = engine
        self._connections = connections
        self._watch = watch
        self._writes = writes

    async def query(
        self, work: Callable[Concatenate[Driver, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        with self._watch():
            async with self._connections.one() as connection:
                task = partial(work, PostgresDriver(connection), *args, **kwargs)
                if not self._writes:
                    return await greenlet_spawn(task)
                await connection.execute("BEGIN")
                try:
                    result = await greenlet_spawn(task)
                except Exception:
                    if not connection.is_closed():
                        await connection.execute("ROLLBACK")
                    raise
                await connection.execute("COMMIT")
                return result

    async def write(
        self,
        make: Callable[[], Sequence[Write]],
        begun: Callable[[asyncio.Future[None]], None] | None = None,  # noqa: ARG002
    ) -> None:
        with self._watch():
            groups = [*_groups(make())]
            async with self._connections.one() as connection:
                if len(groups) == 1:  # a statement is a transaction, with one round trip
                    await _write(connection, groups[0])
                    return
                async with connection.transaction():
                    for group in groups:
                        await _write(connection, group)

    async def run(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        with self._watch():
            async with self._engine.begin() as connection:
                return await connection.run_sync(work, *args, **kwargs)

    async def close(self) -> None:
        await self._connections.close()
        await self._engine.dispose()


def pools(
    url: URL, busy: float, patience: float, watches: tuple[Watch, Watch]
) -> tuple[PostgresPool, PostgresPool]:
    """Return the pools of a database: one for reads, and one for transactions."""
    if "sslmode" in url.query:  # libpq's name, which hosted databases print in their URLs
        url = url.update_query_dict({"ssl": url.query["sslmode"]}).difference_update_query(
            ["sslmode"]
        )
    settings = {
        "timeout": busy,
        "command_timeout": patience,
        "server_settings": _SESSION,
        "connection_class": _Probed,
    }
    engine = create_async_engine(
        url,
        hide_parameters=True,
        pool_size=2,
        max_overflow=3,
        pool_timeout=busy,
        connect_args=settings,
    )
    options = {**engine.dialect.create_connect_args(url)[1], **settings}
    connections = _Connections({k: options[k] for k in options.keys() - _CACHES}, busy)
    reader = engine.execution_options(isolation_level="AUTOCOMMIT")
    return (
        PostgresPool(reader, connections, watches[0], writes=False),
        PostgresPool(engine, connections, watches[1], writes=True),
    )
