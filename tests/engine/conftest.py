"""Fixtures: an engine on its own store."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from router.app import load_config
from router.core.incident.settings import Settings
from router.store import SqlStore
from tests.clock import SteppedClock
from tests.daemon import write_config
from tests.engine.office import Office
from tests.faults import FaultyStore


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """P0 notifies `hook`, then `boss` after five minutes unless acknowledged; `spare` is the
    fallback.
    """
    path = write_config(
        tmp_path,
        channels={name: {"type": "console"} for name in ("hook", "other", "boss", "spare")},
        severities={"P0": {"policy": "loud"}}
        | {name: {"policy": "quiet"} for name in ("P1", "P2", "P3")},
        policies={
            "loud": {
                "steps": [
                    {"notify": ["channel:hook"]},
                    {"after": "5m", "notify": ["channel:boss"], "unless": "acknowledged"},
                ],
                "fallback": ["channel:spare"],
            },
            "quiet": {"steps": [{"notify": ["channel:other"]}]},
        },
    )
    return load_config(path).settings


@pytest.fixture
def faulty(store: SqlStore) -> FaultyStore:
    return FaultyStore(store)


@pytest.fixture
async def office(
    faulty: FaultyStore, settings: Settings, clock: SteppedClock
) -> AsyncIterator[Office]:
    async with Office(faulty, settings, clock) as opened:
        yield opened
