"""Shared fixtures of several test folders."""

import logging
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

from router.ports.clock import Clock
from router.store import SqlStore, open_store
from tests.clock import SteppedClock
from tests.daemon import Daemon, write_config

# How long an example takes says how busy the machine is.
hypothesis.settings.register_profile("router", deadline=None)
hypothesis.settings.load_profile("router")


SLOW = 600
"""Seconds for a test that is marked as slow, or needs a real peer."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give slow tests more time than the rest."""
    for item in items:
        slow = any(item.get_closest_marker(name) for name in ("slow", "peer"))
        if slow and not item.get_closest_marker("timeout"):
            item.add_marker(pytest.mark.timeout(SLOW))


@pytest.fixture(autouse=True)
def _logs_stay() -> Iterator[None]:
    """Starting a router takes over the process's logs: give them back."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("router").setLevel(logging.NOTSET)


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock()


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[SqlStore]:
    """An empty store on SQLite."""
    opened = await open_store(f"sqlite:///{tmp_path / 'store.db'}")
    yield opened
    await opened.close()


@pytest.fixture
def router(tmp_path: Path) -> Callable[..., Daemon]:
    """Makes a router to enter with `async with`: `router(channels=…, clock=…)`; other keywords are
    config keys.
    """

    def make(clock: Clock | None = None, **changes: Any) -> Daemon:
        return Daemon(write_config(tmp_path, **changes), clock)

    return make
