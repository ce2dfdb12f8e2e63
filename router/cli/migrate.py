"""`alert-router migrate`."""

import asyncio

from router.cli.config import ConfigPath, config_at, path_of
from router.cli.output import echo, fail


def migrate(config: ConfigPath = None) -> None:
    """Upgrade the schema of the store. `serve` does the same when it starts."""
    from router.cli.store import location
    from router.ports.errors import StoreUnavailable
    from router.store import migrate as migrate_store

    storage = config_at(path_of(config)).file.storage.reveal()
    try:
        before, after = asyncio.run(migrate_store(storage))
    except (StoreUnavailable, OSError, ValueError) as error:
        fail(f"can't migrate {location(storage)}: {error}")
    upgraded = f"upgraded from {before or 'nothing'} to {after}"
    echo(f"already at {after}" if before == after else upgraded)
