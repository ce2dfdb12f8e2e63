"""Where incidents, alerts, deadlines and debts are kept: one SQL layer over SQLite and PostgreSQL."""

from router.store.migrate import migrate
from router.store.sql import Database
from router.store.store import SqlStore

__all__ = ["SqlStore", "migrate", "open_store"]


async def open_store(url: str) -> SqlStore:
    """Open the store at `sqlite:///path` or `postgresql://user:password@host/database`, brought up to date first.

    Raises: ValueError for a bad URL, StoreUnavailable.
    """
    await migrate(url)
    return SqlStore(Database(url))
