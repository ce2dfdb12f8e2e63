"""Connections and transactions, and the errors of their failures."""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial

from sqlalchemy import make_url
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from router.ports.clock import MonotonicClock
from router.ports.errors import StoreUnavailable
from router.store.bulk import POSTGRES, SQLITE
from router.store.driver import Pool
from router.store.faults import meaning, remedy
from router.store.files import StoreLock, file_of, make_private
from router.store.sqlite import READS, WRITES, SqlitePool
from router.telemetry.logs import logger

log = logger(__name__)

_DRIVERS = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+asyncpg",
    "postgres": "postgresql+asyncpg",
}
_BUSY = 5.0  # seconds to wait for another process' write lock, or for a free connection
_READERS = 3  # connections that read a SQLite file at the same time

ANSWERS_WITHIN = 10.0
"""Seconds until a statement that the server doesn't answer fails. The alert's sender gets 503."""

LOGGED_EVERY = 30.0
"""Seconds between two log lines about the same outage."""


class Database:
    """A database as two pools: `reader` without transactions, `writer` with.

    SQLite has one writer connection, so that writers queue here in order instead of racing for the
    file's lock.
    read: run work without a write lock; each of its statements sees committed data. write: run work
    in one transaction, which is durable when this returns, and undone if it raises. query,
    transact: the same by the driver, for the work that alerts wait for. save: see `Pool.write`.
    """

    def __init__(self, url: str) -> None:
        """Parse the URL, without connecting yet. Raises: ValueError, for an unknown database."""
        parsed = parse(url)
        self.url = url
        self.file = file_of(parsed)
        self.lock: StoreLock | None = None
        self._inode: int | None = None
        self._clock = MonotonicClock()
        self._out = False
        self._log_again_at = 0.0
        self.dialect = SQLITE if parsed.get_backend_name() == "sqlite" else POSTGRES
        self.reader, self.writer = _pools(parsed, self._watched)
        self.read, self.query = self.reader.run, self.reader.query
        self.write, self.transact, self.save = (
            self.writer.run,
            self.writer.query,
            self.writer.write,
        )
        self._failures: tuple[type[Exception], ...] = (
            DBAPIError,
            OSError,
            PoolTimeoutError,
            *self.reader.errors,
        )

    @contextmanager
    def _watched(self, *, writes: bool) -> Iterator[None]:
        """Convert failures to the errors of ports; log an outage with its remedy, and its end."""
        try:
            if writes:
                self._check_file()
            yield
        except StoreUnavailable as error:
            self._log_outage(error, None)
            raise
        except self._failures as error:
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
        """Refuse to write to a file that was deleted or replaced: the data would be lost.

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
                "move the file back, or restart the router to use the new file",
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
    if parsed.drivername == "sqlite" and (parsed.database or "").startswith("file:"):
        raise ValueError("storage has a file: URI, which can't be locked: write sqlite:///file.db")
    return parsed.set(drivername=_DRIVERS[parsed.drivername])


def _pools(url: URL, watched: Callable[..., AbstractContextManager[None]]) -> tuple[Pool, Pool]:
    """The pools to read and to write."""
    read, write = partial(watched, writes=False), partial(watched, writes=True)
    if url.get_backend_name() == "sqlite":
        return (
            SqlitePool(url, _READERS, READS, _BUSY, read, writes=False),
            SqlitePool(url, 1, WRITES, _BUSY, write, writes=True),
        )
    # Imported only here: it loads the ORM, which SQLite doesn't need.
    from router.store.postgres import pools  # noqa: PLC0415

    return pools(url, _BUSY, ANSWERS_WITHIN, (read, write))


def _meaning(error: Exception) -> Exception | None:
    """Return the error of ports for a failure; None for a bug in the router."""
    if not isinstance(error, OSError | PoolTimeoutError):
        return meaning(error)
    number = error.errno if isinstance(error, OSError) else None
    why = os.strerror(number) if number else str(error) or type(error).__name__
    return StoreUnavailable(f"cannot connect: {why}")
