"""Every test here runs on SQLite and on a real PostgreSQL."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from router.store import SqlStore, open_store
from tests.peers import Postgres

BOTH = ["sqlite", pytest.param("postgresql", marks=pytest.mark.peer)]


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


@pytest.fixture(params=BOTH)
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of an empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'router.db'}"
    else:
        async with request.getfixturevalue("postgres").database() as new:
            yield new


@pytest.fixture
async def store(url: str) -> AsyncIterator[SqlStore]:
    opened = await open_store(url, exclusive=True)  # as the daemon does
    yield opened
    await opened.close()
