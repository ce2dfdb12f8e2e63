"""A store written by an earlier version opens, keeps everything, delivers what was pending, and
replays.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from router.cli import main
from router.model.incident import Severity, Status
from router.model.notification import NotificationState
from router.ports.store import Store
from router.store import migrate, open_store
from tests.clock import SteppedClock
from tests.daemon import Daemon
from tests.senders.kit import Peer, Reply, Request
from tests.senders.test_mail import Relay, running

HERE = Path(__file__).parent
CONFIG = HERE / "config.yaml"
RECORDED = 1_796_012_075.0
"""Time of both recordings, within a few seconds."""

DAY = 86_400.0
PENDING, SENT, DEAD = NotificationState.PENDING, NotificationState.SENT, NotificationState.DEAD


async def test_incidents_timelines_and_alerts_survive(url: str) -> None:
    """Each incident is as it was recorded, with all of its timeline."""
    store = await open_store(url)
    try:
        found = {
            incident.id: (incident.rule, incident.severity, incident.status)
            for incident in await store.incidents()
        }
        first, timeline = await store.incident(1), await store.timeline(1)
        firing = await store.alerts(firing=True)
    finally:
        await store.close()
    assert found == {
        1: ("payment-failures", Severity.P0, Status.RESOLVED),
        2: ("payment-failures", Severity.P0, Status.INVESTIGATING),
        3: ("disk-full", Severity.P2, Status.RESOLVED),
        4: ("slow", Severity.P1, Status.INVESTIGATING),
        5: ("slow", Severity.P1, Status.INVESTIGATING),
    }
    assert first is not None
    assert (first.acknowledged_by, first.items[0].text) == ("ana", "Test the pool")
    assert len(timeline) > 20
    assert {row.alert.labels["service"] for row in firing} == {"shop", "search", "authentication"}


async def test_messages_and_documents_survive(url: str) -> None:
    """Nothing pending or dead is lost, and every kind of document is there."""
    store = await open_store(url)
    try:
        rows = {
            (row.incident_id, row.channel): row.state
            for row in await store.notifications(limit=1000)
        }
        kept = {
            kind: len(await store.records(kind))
            for kind in (
                "arrangement",
                "silence",
                "deployment",
                "drill",
                "postmortem",
                "maintenance",
                "subscriber",
            )
        }
    finally:
        await store.close()
    assert {key for key, state in rows.items() if state is DEAD} == {(1, "refused"), (2, "refused")}
    assert {
        (1, "down"),
        (1, "hangs"),
        (1, "customers"),
        (1, "mail/ben"),
        (2, "down"),
        (2, "hangs"),
        (2, "mail/ben"),
        (4, "down"),
    } <= {key for key, state in rows.items() if state is PENDING}
    assert rows[2, "up"] is SENT
    assert set(kept.values()) == {1}, kept


async def timers(store: Store) -> Counter[str]:
    """The names of all deadlines, which all are due within the next year."""
    return Counter(
        timer_due.name
        for timer_due in await store.claim_timers(RECORDED + 365 * DAY, "test", RECORDED, 1000)
    )


async def test_deadlines_survive(url: str) -> None:
    """The open incidents still escalate: their timers are there."""
    store = await open_store(url)
    try:
        assert {"step", "respond", "promote", "item:1"} <= set(await timers(store))
    finally:
        await store.close()


async def test_upgrading_twice_changes_nothing(url: str) -> None:
    """The second run finds the newest revision."""
    before, after = await migrate(url)
    assert before == "0002"
    assert await migrate(url) == (after, after)


class Hooks(Peer):
    """Accepts everything, and knows which messages came by which path."""

    def __init__(self) -> None:
        super().__init__(answer=self._answer)

    def _answer(self, request: Request) -> Reply:
        if "pagerduty" in request.path:
            return Reply(
                202, json={"status": "success", "message": "Event processed", "dedup_key": "key"}
            )
        return Reply()

    def delivered(self, path: str) -> set[str]:
        return {
            request.json["data"]["incident"]["id"]
            for request in self.requests
            if request.path.startswith(path)
        }

    def changes(self) -> list[Any]:
        return [
            request.json["payload"]["summary"]
            for request in self.requests
            if "change" in request.path
        ]


@pytest.fixture
def relay() -> Relay:
    return Relay()


async def _unfinished(daemon: Daemon) -> Sequence[Any]:
    found = (await daemon.get("/api/v1/notifications?state=pending")).json["notifications"]
    return [(one["incident"], one["channel"]) for one in found]


async def test_what_was_pending_is_delivered(
    url: str, relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Incident messages, the deployment event, subscriber and customer mail: each once, and sent
    ones not again.
    """
    clock = SteppedClock(RECORDED + 60)
    async with Hooks() as hooks, running(relay) as port:
        monkeypatch.setenv("DATABASE", url)
        monkeypatch.setenv("HOOKS", hooks.url)
        monkeypatch.setenv("SMTP_PORT", str(port))
        async with Daemon(CONFIG, clock) as daemon:

            async def done() -> bool:
                return (
                    not await _unfinished(daemon)
                    and bool(hooks.changes())
                    and len(relay.mails) >= 6
                )

            for _ in range(40):  # a sender asked for 3,000 s of patience
                await clock.advance(120)
                await asyncio.sleep(0.02)
            await clock.settle(done, "delivery of all that was pending", step=1.0)
            await clock.advance(30)
            dead = (await daemon.get("/api/v1/notifications?state=dead")).json["notifications"]
            again = await daemon.ask("POST", "/api/v1/notifications/1/refused/resend")
            assert again.status == 202
            await clock.settle(
                lambda: hooks.delivered("/refused"), "the message that was sent again", step=1.0
            )
    assert len(dead) == 2
    assert len(hooks.changes()) == 1
    assert {"1", "2", "4"} <= {name.removeprefix("INC-") for name in hooks.delivered("/down")}
    assert {"1", "2"} <= {name.removeprefix("INC-") for name in hooks.delivered("/hangs")}
    to = Counter(address for address, _ in relay.mails)
    assert (to["customer-1@example.com"], to["customer-2@example.com"]) == (0, 1)
    assert to["reader@example.com"] == 3


def test_old_history_replays(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Under the settings that it happened under, nothing comes out differently."""
    monkeypatch.setenv("DATABASE", url)
    monkeypatch.setenv("HOOKS", "http://127.0.0.1:9")
    monkeypatch.setenv("SMTP_PORT", "9")
    asyncio.run(migrate(url))
    file = tmp_path / "history.jsonl"
    runner = CliRunner()
    exported = runner.invoke(main, ["replay", "--config", str(CONFIG), "--export", str(file)])
    assert exported.exit_code == 0, exported.output
    replayed = runner.invoke(
        main, ["replay", "--config", str(CONFIG), "--history", str(file), "--json"]
    )
    assert replayed.exit_code == 0, replayed.output
    found = json.loads(replayed.stdout)
    assert found["events"] > 50
    different = {
        name: found[name]
        for name in ("appeared", "vanished", "severity", "merged", "split", "lost")
    }
    assert not any(different.values()), different
    assert found["pages"]["fewer"] == 0  # a replay lets arrive what was still pending
    assert found["channels"]["up"]["then"] == found["channels"]["up"]["now"] > 0
