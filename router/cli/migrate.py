"""`alert-router migrate`."""

import asyncio

import typer

from router.cli.config import ConfigPath, config_at, fail, path_of
from router.ports.errors import StoreUnavailable
from router.store import migrate as migrate_store


def migrate(config: ConfigPath = None) -> None:
    """Bring the store's schema up to date. `serve` does so, too, when it starts."""
    storage = config_at(path_of(config)).document.storage.reveal()
    try:
        before, after = asyncio.run(migrate_store(storage))
    except (StoreUnavailable, OSError, ValueError) as error:
        fail(f"can't migrate: {error}")
    typer.echo(
        f"at {after} already" if before == after else f"from {before or 'nothing'} to {after}"
    )
