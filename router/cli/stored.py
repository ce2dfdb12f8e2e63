"""What a store has beside the config, read by a command without a router: nothing is written."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import reduce
from pathlib import Path

from router.config.load import Config
from router.config.people import calendars
from router.core.arrangement import Arrangement
from router.core.quieting import MadeSilence
from router.core.settings import Settings
from router.engine.arrangements import KIND as ARRANGEMENT
from router.engine.arrangements import Arrangements
from router.engine.calendars import Calendars, Copy
from router.engine.in_force import Stored
from router.engine.silences import KIND as SILENCE
from router.engine.silences import Silences
from router.ports import Clock, Store, StoreUnavailable
from router.shelf import Shelf
from router.store import read_store
from router.telemetry.metrics import Metrics

UNREADABLE = (StoreUnavailable, OSError, ValueError)
"""What reading a store raises; the text says why."""


@asynccontextmanager
async def store_of(config: Config) -> AsyncIterator[Store]:
    """The config's store, to be read. Raises: one of UNREADABLE, also if there's none."""
    store = await read_store(_there(config.document.storage.reveal()))
    try:
        yield store
    finally:
        await store.close()


def _there(storage: str) -> str:
    """The URL, if there's something: a SQLite file would be made otherwise. Raises: ValueError."""
    file = storage.removeprefix("sqlite:///")
    if file != storage and not Path(file).exists():
        raise ValueError(f"there's no store at {file}")
    return storage


async def in_force(config: Config, store: Store, clock: Clock) -> Settings:
    """The settings as a router on this store has them: with imported calendars, overrides and silences."""
    wanted = calendars(config.document.schedules)
    parts: tuple[Stored, ...] = (
        Calendars(Shelf(store, "calendar", Copy), clock, Metrics(), lambda: wanted),
        Arrangements(Shelf(store, ARRANGEMENT, Arrangement), clock),
        Silences(Shelf(store, SILENCE, MadeSilence), clock),
    )
    for part in parts:
        await part.read()
    return reduce(lambda settings, part: part.over(settings), parts, config.settings)
