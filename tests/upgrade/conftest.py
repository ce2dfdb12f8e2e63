"""Copies of the recorded stores, on both databases."""

import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import asyncpg
import pytest

from tests.peers import Postgres

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with Postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.peer)])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of a copy of the recorded store."""
    if request.param == "sqlite":
        shutil.copy(HERE / "v0.sqlite", tmp_path / "router.db")
        yield f"sqlite:///{tmp_path / 'router.db'}"
        return
    async with request.getfixturevalue("postgres").database() as new:
        connection = await asyncpg.connect(new)
        await connection.execute((HERE / "v0.pg.sql").read_text())
        await connection.close()
        yield new
