"""The statements that alerts wait for go to the database's own driver: `sqlite3` or `asyncpg`.

Why not SQLAlchemy, which runs all others: it takes more CPU time for a statement than both drivers
do for the rows of a hundred alerts.
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
    """A statement that returns one text; `rows` is its parameter, see `bulk.encode`."""

    sql: str
    rows: str = "[]"


class Write(NamedTuple):
    """A statement that writes `rows` into a table, see `bulk.written`.

    The error that `missed` makes is raised if it changes fewer rows.
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
        """Return the text of each, in one round trip."""
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

        `begun` is called with the write of SQLite, which goes on if its caller is cancelled.
        """
        ...

    async def run(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `work` on a connection of SQLAlchemy."""
        ...

    async def close(self) -> None: ...
