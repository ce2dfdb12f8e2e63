"""Upgrades a database to the schema of this version."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection, text

from router.store.bulk import POSTGRES
from router.store.sql import Database

_LOCK = 7256019348  # any number, the same in every replica


async def upgrade(database: Database) -> tuple[str | None, str]:
    """Upgrade the database. Returns its old revision (None: it was empty) and its new revision.

    If replicas start together, one upgrades and the others wait until it's done.
    Raises: ValueError if the database is of a later version; StoreUnavailable.
    """
    return await database.write(_upgrade, lock=database.dialect is POSTGRES)


def _upgrade(connection: Connection, *, lock: bool) -> tuple[str | None, str]:
    if lock:  # SQLite's write transaction already excludes other processes
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
    config = Config()
    config.set_main_option(
        "script_location", str(Path(__file__).parent / "migrations").replace("%", "%%")
    )
    config.attributes["connection"] = connection
    head = ScriptDirectory.from_config(config).get_current_head()
    assert head is not None
    found = MigrationContext.configure(connection).get_current_revision()
    if found != head:
        try:
            command.upgrade(config, "head")
        except CommandError:
            raise ValueError(
                f"the store has schema {found}, of a later version of alert-router"
            ) from None
    return found, head
