"""Read the store of a config without a router. Nothing is written."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import reduce
from pathlib import Path
from urllib.parse import urlsplit

from router.config.load import Config
from router.config.people import calendars
from router.core.incident.settings import Settings
from router.core.oncall.override import StoredOverride
from router.core.suppression.silence import Silence
from router.engine.jobs.calendars import Calendars, Copy
from router.engine.live_settings import Stored
from router.engine.overrides import KIND as ARRANGEMENT
from router.engine.overrides import StoredOverrides
from router.engine.silences import KIND as SILENCE
from router.engine.silences import Silences
from router.ports.clock import Clock
from router.ports.errors import StoreUnavailable
from router.ports.store import Store
from router.records.records import Records
from router.store import read_store
from router.telemetry.metrics import Metrics

UNREADABLE = (StoreUnavailable, OSError, ValueError)
"""Exceptions from reading a store. Their text has the reason."""


def location(storage: str) -> str:
    """The file of a store, or its host and database, without user name and password."""
    file = storage.removeprefix("sqlite:///")
    if file != storage:
        return file
    parts = urlsplit(storage)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


@asynccontextmanager
async def store_of(config: Config) -> AsyncIterator[Store]:
    """The store of a config, for reading. Raises: one of UNREADABLE, also if there is none."""
    storage = config.file.storage.reveal()
    try:
        store = await read_store(existing(storage))
    except StoreUnavailable as error:
        raise StoreUnavailable(f"{location(storage)}: {error}") from error
    try:
        yield store
    finally:
        await store.close()


def existing(storage: str) -> str:
    """The URL of a store that exists: opening would create a SQLite file. Raises: ValueError."""
    file = storage.removeprefix("sqlite:///")
    if file != storage and not Path(file).exists():
        raise ValueError(f"there is no store at {Path(file).absolute()}")
    return storage


async def live_settings(config: Config, store: Store, clock: Clock) -> Settings:
    """The settings of a router on this store, with calendars, overrides and silences."""
    wanted = calendars(config.file.schedules)
    parts: tuple[Stored, ...] = (
        Calendars(Records(store, "calendar", Copy), clock, Metrics(), lambda: wanted),
        StoredOverrides(Records(store, ARRANGEMENT, StoredOverride), clock),
        Silences(Records(store, SILENCE, Silence), clock),
    )
    for part in parts:
        await part.read()
    return reduce(lambda settings, part: part.over(settings), parts, config.settings)
