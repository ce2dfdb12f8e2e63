"""Runs the statements of the hot path directly on the database's driver: `sqlite3` or `asyncpg`.

SQLAlchemy, which runs all other statements, takes more CPU time for one statement than either
driver takes for the rows of a hundred alerts.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Concatenate, NamedTuple, ParamSpec, Protocol, TypeVar

from sqlalchemy import Connection

P = ParamSpec("P")
T = TypeVar("T")

Row = Sequence[Any]


class Read(NamedTuple):
    """A statement that returns one text. `rows` is its parameter, made by `bulk.encode`."""

    sql: str
    rows: str = "[]"


class Write(NamedTuple):
    """A statement that writes `rows` into a table, made with `bulk.written`.

    If it changes fewer rows than given, the error that `missed` returns is raised.
    """

    table: str
    sql: str
    rows: Sequence[Row]
    missed: Callable[[], Exception] | None = None


Watch = Callable[[], AbstractContextManager[None]]
"""Surrounds each use of a pool: converts failures to the caller's errors."""


class Driver(Protocol):
    """One connection. Parameters in statements are named, like `:now`."""

    def rows(self, sql: str, values: Mapping[str, Any]) -> Sequence[Row]:
        """Run a statement, and return its rows."""
        ...

    def texts(self, reads: Sequence[Read]) -> Sequence[str]:
        """Return the text of each statement, in one round trip."""
        ...


class Pool(Protocol):
    """Connections to one database."""

    @property
    def errors(self) -> tuple[type[Exception], ...]:
        """The errors of the driver."""
        ...

    async def query(
        self, work: Callable[Concatenate[Driver, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `work` on a connection of the driver."""
        ...

    async def write(
        self,
        make: Callable[[], Sequence[Write]],
        begun: Callable[[asyncio.Future[None]], None] | None = None,
    ) -> None:
        """Run what `make` returns, in order, in one transaction.

        `begun` is called with SQLite's running write, which continues if the caller is cancelled.
        """
        ...

    async def run(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `work` on a connection of SQLAlchemy."""
        ...

    async def close(self) -> None: ...
