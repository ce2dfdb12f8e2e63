"""When the store can't be written, the router answers 503 so that the sender tries again."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.router_process import RouterProcess
from tests.acceptance.test_router_process import CONFIG
from tests.daemon import alert, group

REQUESTS = 30
ALERTS = 1000
"""In each request. Together they are more than the router lets wait (`WAITING` of engine/apply)."""


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Nobody else can write to it in the meantime."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("BEGIN EXCLUSIVE")
        yield
        connection.execute("ROLLBACK")


def webhook(number: int) -> dict[str, Any]:
    """Alerts like no other request's, in one group."""
    return group(*(alert(instance=f"{number}-{position}") for position in range(ALERTS)))


@pytest.mark.slow
async def test_what_cant_be_written_is_refused_and_taken_later(tmp_path: Path) -> None:
    """503 for each request, and for a command, while a lock outlasts the router's patience; nothing
    of them is kept.
    """
    async with RouterProcess(tmp_path, CONFIG) as router:
        status, _ = await router.post("/webhooks/alertmanager", json=group(alert()))
        assert status == 200
        await router.until(
            "/api/v1/notifications", lambda answer: answer["notifications"], state="sent"
        )
        with locked(router.database):
            answers = await asyncio.gather(
                *(
                    router.post("/webhooks/alertmanager", json=webhook(number))
                    for number in range(REQUESTS)
                ),
                router.post("/api/v1/incidents/1/ack"),
            )
        assert {status for status, _ in answers} == {503}
        assert all(answer["status"] == 503 for _, answer in answers)
        assert (await router.get("/api/v1/incidents/1"))["alerts"] == 1

        assert await router.post("/webhooks/alertmanager", json=webhook(0)) == (
            200,
            {"accepted": ALERTS, "errors": []},
        )
        assert (await router.get("/api/v1/incidents/1"))["firing"] == 1 + ALERTS
