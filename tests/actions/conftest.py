"""A router whose rule names the action `act`."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.actions.room import RULES
from tests.daemon import Daemon, write_config


@pytest.fixture
def router(tmp_path: Path) -> Callable[..., Daemon]:
    """Makes one to enter with `async with`: `router(actions=…)`; the same database each time."""
    return lambda clock=None, **changes: Daemon(write_config(tmp_path, RULES, **changes), clock)
