"""The store of incidents, alerts, deadlines and the outbox, on SQLite and PostgreSQL."""

from collections.abc import Awaitable, Callable

from router.ports.errors import StoreUnavailable
from router.store.schema import REVISION
from router.store.sql import Database
from router.store.store import SqlStore, revision

__all__ = ["SqlStore", "migrate", "open_store", "read_store"]


async def _upgrade(database: Database) -> tuple[str | None, str]:
    # Import Alembic only here: that takes a third of a second, and usually nothing has to be
    # upgraded.
    from router.store.schema_upgrade import upgrade  # noqa: PLC0415

    return await upgrade(database)


async def migrate(url: str) -> tuple[str | None, str]:
    """Upgrade the database at `url`. Returns the old revision (None: empty) and the new revision.

    Raises: ValueError for a bad URL or a database of a later version; StoreUnavailable, also while
    a router uses a SQLite file.
    """
    database = Database(url)
    try:
        database.prepare(exclusive=True)
        return await _upgrade(database)
    finally:
        await database.close()


async def open_store(
    url: str, *, exclusive: bool = False, wait: Callable[[], Awaitable[None]] | None = None
) -> SqlStore:
    """Open the store at `sqlite:///path` or `postgresql://user:password@host/name`; upgrade it.

    exclusive: no other process may open the same SQLite file exclusively until this store is
    closed. wait: retry an unavailable database after each `wait()`.
    Raises: ValueError for a bad URL or a database of a later version, StoreUnavailable.
    """
    database = Database(url)
    try:
        database.prepare(exclusive=exclusive)
        while not await _is_current(database, exclusive=exclusive, patient=wait is not None):
            assert wait is not None
            await wait()
    except BaseException:
        await database.close()
        raise
    return SqlStore(database)


async def _is_current(database: Database, *, exclusive: bool, patient: bool) -> bool:
    """Upgrade the database. Returns False if it's unavailable and `patient` is set."""
    try:
        if await database.read(revision) != REVISION:
            await (_upgrade(database) if exclusive else migrate(database.url))
    except StoreUnavailable as error:
        if error.lasting or not patient:
            raise
        return False
    return True


async def read_store(url: str) -> SqlStore:
    """Open the store for reading, without upgrading it. A SQLite file must exist.

    Raises: ValueError, if the store has another version; StoreUnavailable.
    """
    database = Database(url)
    try:
        found = await database.read(revision)
    except BaseException:
        await database.close()
        raise
    if found != REVISION:
        await database.close()
        raise ValueError(
            f"the store has schema {found}, this release needs {REVISION}: see alert-router migrate"
        )
    return SqlStore(database)
