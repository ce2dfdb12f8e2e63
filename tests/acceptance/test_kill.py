"""SIGKILL at random moments under load: no alert answered 2xx is lost, no message is left unsent.

KILLS=1000 makes a longer run, SEED=… repeats the same moments and alerts.
"""

import asyncio
import os
import secrets
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from random import Random
from typing import Any

import pytest
from aiohttp import web

from tests.acceptance.groups import NO_ANSWER, Group, answered
from tests.acceptance.record import Record, read, unfinished
from tests.acceptance.router_process import RouterProcess, WarmRouter, eventually
from tests.acceptance.slack_double import CHANNEL, TOKEN, Slack
from tests.senders.kit import Peer, Reply, Request
from tests.senders.test_webhook import SECRET, receiver

KILLS = int(os.environ.get("KILLS", "40"))
GROUPS = 12
LONGEST_LIFE = 0.3
"""Seconds that a router lives at most once it's ready."""

RULES = """
rules:
  - name: quick
    match: ['alertname="Quick"']
    thresholds: {P0: "> 10%", P1: "> 1%"}
    group_by: [service]
    flapping: {changes: 0}
  - name: patient
    match: ['alertname="Patient"']
    severity: P2
    group_by: [service]
    resolve_after: 300ms
    flapping: {changes: 0}
"""
"""Groups change many times a second, and each change must arrive."""


class Dawdling(Peer):
    """Keeps who sent it something waiting: so kills find messages that have arrived and aren't
    settled.
    """

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        response = await super()._handle(request)
        await asyncio.sleep(Random().uniform(0, 0.02))
        return response


class DawdlingSlack(Dawdling, Slack):
    pass


class Hook(Dawdling):
    """Receiver of a generic webhook: events by incident name, in order of arrival."""

    def __init__(self) -> None:
        super().__init__(answer=self._answer)
        self.received: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self._incident: dict[str, str] = {}

    def _answer(self, request: Request) -> Reply:
        reply = receiver(request)
        incident = request.json["data"]["incident"]
        known = self._incident.setdefault(request.headers["webhook-id"], incident["id"])
        assert known == incident["id"], "the same webhook-id is the same message"
        self.received[incident["id"]].append(incident)
        return reply


@dataclass(frozen=True)
class Command:
    """A person's command that the router answered with `outcome`.

    Each command is sent by another person.
    """

    incident: int
    by: str
    outcome: str


async def command(router: RouterProcess, random: Random, over: asyncio.Event) -> list[Command]:
    """Acknowledge and note, here and there, until it's over; what was answered."""
    given: list[Command] = []
    for number in count():
        if over.is_set():
            break
        try:
            incidents = (await router.get("/api/v1/incidents", limit=20))["incidents"]
        except NO_ANSWER:
            incidents = []
        if incidents:
            incident, what, by = (
                random.choice(incidents)["id"],
                random.choice(["ack", "note"]),
                f"person-{number}",
            )
            answer = await answered(
                router, f"/api/v1/incidents/{incident}/{what}", {"text": f"word-{number}"}, by
            )
            if answer is not None:
                given.append(Command(incident, by, answer[1]["outcome"]))
        await asyncio.sleep(0.05)
    return given


async def kill_repeatedly(router: RouterProcess, random: Random, kills: int = KILLS) -> None:
    """Most of the time while it works, sometimes while it's starting."""
    for _ in range(kills):
        if random.random() < 0.9:
            await router.until_ready()
        await asyncio.sleep(random.uniform(0, LONGEST_LIFE))
        await router.kill()
        await router.spawn()
    await router.until_ready()


def config(folder: Path, slack: Slack, hook: Hook) -> dict[str, Any]:
    """One rule that resolves at once and one that waits; two channels, one of them with repeats."""
    (folder / "rules.yaml").write_text(RULES)
    later = {"after": "500ms", "unless": "acknowledged", "notify": ["channel:hook"]}
    return {
        "rules": [str(folder / "rules.yaml")],
        "sources": {"alertmanager": {"insecure": True}},
        "channels": {
            "slack": {"type": "slack", "token": TOKEN, "channel": CHANNEL, "api_url": slack.api},
            "hook": {"type": "webhook", "url": f"{hook.url}/hook", "secret": SECRET},
        },
        "severities": {severity: {"policy": "all"} for severity in ("P0", "P1", "P2", "P3")},
        "policies": {"all": {"steps": [{"notify": ["channel:slack", "channel:hook"]}, later]}},
        # Short, so that some incidents come back and others are followed by a new one.
        "reopen_within": "1s",
    }


@contextmanager
def seeded(kills: str = f"KILLS={KILLS}") -> Iterator[int]:
    """A seed, which a failure names."""
    seed = int(os.environ.get("SEED", secrets.randbits(32)))
    try:
        yield seed
    except BaseException as failure:
        failure.add_note(f"to draw the same again: SEED={seed} {kills}")
        raise


@pytest.mark.slow
async def test_kills_lose_nothing(tmp_path: Path) -> None:
    """Afterwards, at rest: every alert, command and incident is on record, and every channel knows
    how it ended.
    """
    with seeded() as seed:
        async with (
            DawdlingSlack() as slack,
            Hook() as hook,
            WarmRouter(tmp_path, config(tmp_path, slack, hook)) as router,
        ):
            groups = [
                Group(("Quick", "Patient")[n % 2], f"s{n}", Random(f"{seed} {n}"))
                for n in range(GROUPS)
            ]
            over = asyncio.Event()
            async with asyncio.TaskGroup() as tasks:
                for group in groups:
                    tasks.create_task(group.run(router, over))
                commands = tasks.create_task(command(router, Random(f"{seed} commands"), over))
                await kill_repeatedly(router, Random(f"{seed} kills"))
                over.set()
            await eventually(lambda: unfinished(router), lambda left: not left)
            record = await read(router)
            assert_alerts_are_kept(record, groups)
            assert_commands_are_kept(record, commands.result())
            assert_all_are_delivered(record)
            assert_slack_shows(record, slack)
            assert_hook_received(record, hook)


def assert_alerts_are_kept(record: Record, groups: list[Group]) -> None:
    """Each alert has its incident; each key has at most one open incident, and only while it
    fires.
    """
    by_id = {incident["id"]: incident for incident in record.incidents}
    for group in groups:
        for name, status in group.accepted.items():
            row = record.alerts[name]
            assert row["status"] == status, row
            assert by_id[row["incident"]]["key"] == group.key, row
        still_open = [incident["firing"] for incident in record.of(group.key) if incident["open"]]
        assert still_open == ([len(group.firing)] if group.firing else []), group.key
        assert all(
            incident["open"] or incident["status"] == "resolved"
            for incident in record.of(group.key)
        )


def assert_commands_are_kept(record: Record, commands: list[Command]) -> None:
    """Each is on the timeline once, with the outcome that was answered."""
    assert commands
    done = defaultdict(list)
    for incident in record.incidents:
        for entry in incident["timeline"]:
            done[incident["id"], entry["by"]].append(entry["what"])
    for given in commands:
        assert done[given.incident, given.by] == [given.outcome], given


def assert_all_are_delivered(record: Record) -> None:
    for incident in record.incidents:
        notified = [
            notification["channel"]
            for notification in incident["notifications"]
            if notification["state"] == "sent" or notification["sent"]
        ]
        assert sorted(notified) == ["hook", "slack"], incident


def assert_slack_shows(record: Record, slack: Slack) -> None:
    """The edited message shows the incident's state; a second needs a reason in the timeline."""
    for incident in record.incidents:
        [ref] = [
            notification["ref"]
            for notification in incident["notifications"]
            if notification["channel"] == "slack"
        ]
        message = slack.at(ref)
        assert message.incident == incident["name"]
        assert message.line("Status") == incident["status"].upper()
        assert f"[{incident['severity']}]" in message.headline
        assert message.line("Incident Lead") == (
            f"@{incident['lead']}" if incident["lead"] else "nobody yet"
        )
        words = "\n".join(message.thread)
        notes = [entry["text"] for entry in incident["timeline"] if entry["what"] == "noted"]
        doubled = len(slack.about(incident["name"])) > 1 or any(
            words.count(note) > 1 for note in notes
        )
        assert not doubled or _may_be_doubled(incident, "slack"), incident


def assert_hook_received(record: Record, hook: Hook) -> None:
    """The last event has the incident's final state, and events arrived in order."""
    for incident in record.incidents:
        received = hook.received[incident["name"]]
        for field in ("status", "severity", "acknowledged_at", "closed_at", "reopened"):
            assert received[-1][field] == incident[field], field
        times = [event["updated_at"] for event in received]
        assert times == sorted(times)


def _may_be_doubled(incident: dict[str, Any], channel: str) -> bool:
    marked = [
        entry["data"]["channel"]
        for entry in incident["timeline"]
        if entry["data"].get("may_be_doubled")
    ]
    return channel in marked
