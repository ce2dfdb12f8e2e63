"""The audit log: every write has a line, wherever it is stored."""

from collections.abc import Callable
from typing import Any

import pytest

from router.ports.errors import StoreUnavailable
from router.web.api.openapi import OPERATIONS
from router.web.auth import Role
from tests.clock import SteppedClock
from tests.daemon import Daemon, alert
from tests.web.access.browser import text
from tests.web.access.conftest import ADMIN, jump, signed_in
from tests.web.webhooks.test_endpoint import is_problem

Closed = Callable[..., Daemon]

ROOT = {"Authorization": f"Bearer {ADMIN}"}
SILENCE = {"match": ['alertname="DiskFull"'], "for": "2h", "comment": "moving"}


async def lines(daemon: Daemon, **query: Any) -> list[tuple[str, str]]:
    """All changes, oldest first, with who made them."""
    found: list[dict[str, Any]] = []
    while True:
        page = (await daemon.get("/api/v1/audit", params=query, headers=ROOT)).json
        found += page["entries"]
        if page["next"] is None:
            return [(entry["by"], entry["what"]) for entry in reversed(found)]
        query["before"] = page["next"]


async def test_writes_on_timelines_and_others_are_in_one_list(
    closed: Closed, clock: SteppedClock
) -> None:
    """In the order in which they happened, each once; the page links to the incident."""
    async with closed() as daemon:
        await daemon.alert(alert())
        ana = await signed_in(daemon, "ana")
        jump(clock, 1)
        await ana.post("/incidents/1/ack")
        jump(clock, 1)
        await daemon.ask("POST", "/api/v1/silences", json=SILENCE, headers=ROOT)
        jump(clock, 1)
        await daemon.ask("POST", "/api/v1/incidents/1/note", json={"text": "hm"}, headers=ROOT)
        jump(clock, 1)
        await daemon.ask("POST", "/-/reload", headers=ROOT)
        found = await lines(daemon)
        assert [by for by, _ in found] == ["root", "Ana Cruz", "Ana Cruz", "root", "root", "root"]
        whats = [what for _, what in found]
        assert whats[:2] == ["added user ana, responder", "signed in"]
        assert "cknowledged" in whats[2]
        assert whats[3].startswith("made silence ")
        assert 'alertname="DiskFull"' in whats[3]
        assert "hm" in whats[4]
        assert whats[5] == "reloaded the config"
        boss = await signed_in(daemon, "boss", "admin")
        shown = await boss.get("/audit?by=Ana+Cruz")
        assert "made silence" not in text(shown)
        assert 'href="/incidents/1"' in shown.body.decode()
        assert "127.0.0.1" in text(shown)


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_pages_of_any_length_have_every_line_once(
    closed: Closed, clock: SteppedClock, limit: int
) -> None:
    """Also where many changes have the same time."""
    async with closed() as daemon:
        await daemon.alert(alert())
        for number in range(3):
            for _ in range(2):
                note = {"text": f"note {number}"}
                await daemon.ask("POST", "/api/v1/incidents/1/note", json=note, headers=ROOT)
                await daemon.ask("POST", "/api/v1/silences", json=SILENCE, headers=ROOT)
            jump(clock, 1)
        found = await lines(daemon, limit=limit)
        assert len(found) == 12
        assert sum("note" in what for _, what in found) == 6


async def test_reads_and_refusals_are_no_writes(closed: Closed) -> None:
    async with closed() as daemon:
        await daemon.alert(alert())
        await daemon.get("/api/v1/incidents", headers=ROOT)
        await daemon.ask("POST", "/api/v1/explain?source=alertmanager", json={}, headers=ROOT)
        assert is_problem(await daemon.ask("POST", "/api/v1/silences", json={}, headers=ROOT), 400)
        assert is_problem(await daemon.ask("POST", "/api/v1/silences", json=SILENCE), 401)
        assert await lines(daemon) == []


async def test_the_log_is_for_admins(closed: Closed) -> None:
    async with closed() as daemon:
        ana = await signed_in(daemon, "ana")
        assert (await ana.get("/audit")).status == 403
        assert is_problem(await daemon.get("/api/v1/audit?before=x", headers=ROOT), 400)


async def test_no_write_is_without_a_line(closed: Closed) -> None:
    """Without its line nothing is written; after a crash or a fault the outcome is unknown."""
    unknown = "POST /api/v1/silences (outcome unknown)"
    async with closed() as daemon:
        await daemon.until_idle()
        faults = daemon.store.plan["save"]
        faults.append(StoreUnavailable("full"))
        refused = await daemon.ask("POST", "/api/v1/silences", json=SILENCE, headers=ROOT)
        assert is_problem(refused, 503)
        assert await lines(daemon) == []
        faults.extend([None, StoreUnavailable("full")])
        refused = await daemon.ask("POST", "/api/v1/silences", json=SILENCE, headers=ROOT)
        assert is_problem(refused, 503)
        assert await lines(daemon) == [("root", unknown)]


def test_every_operation_that_writes_needs_a_responder() -> None:
    """Except for what people do with their own tokens and sessions, and for explanations.

    The gate stores a line for each operation of a responder; the exceptions store their own.
    """
    writes = [
        operation
        for operation in OPERATIONS
        if operation.method != "GET" and operation.role is not None
    ]
    own = [write.name for write in writes if write.role is Role.VIEWER]
    assert sorted(own) == ["end_session", "explain_payload", "make_token", "revoke_token"]
