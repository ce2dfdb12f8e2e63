"""Two replicas on one PostgreSQL with concurrent commands: one outcome, complete timeline, true
replies.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from router.model.incident import Incident, Severity, Status
from router.model.reason import Reason
from tests.acceptance.slack_double import Slack
from tests.daemon import Daemon, alert, write_config
from tests.peers import Postgres
from tests.receivers import signed
from tests.test_app import until
from tests.web.api.test_events import entries, stream
from tests.web.test_people import PAGERDUTY, SLACK, elsewhere

pytestmark = [pytest.mark.peer, pytest.mark.slow]

INCIDENTS = range(1, 9)
"""Enough that neither replica is always the first."""


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with Postgres() as postgres:
        yield postgres


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    """Slack's API, with the channel."""
    async with Slack() as slack:
        yield slack


@asynccontextmanager
async def replicas(
    server: Postgres, folder: Path, slack: Slack
) -> AsyncIterator[tuple[Daemon, Daemon]]:
    """Two of them, with an incident for each of INCIDENTS."""
    async with server.database() as url:
        path = write_config(folder, storage=url, **elsewhere(slack))
        async with Daemon(path) as one, Daemon(path) as other:
            await one.alert(*(alert(service=f"s{number}") for number in INCIDENTS))
            yield one, other


async def press(daemon: Daemon, action: str, number: int) -> None:
    """Ana, in Slack."""
    body = signed.press(action, str(number), action_ts=f"1548426417.{number:06}")
    answer = await daemon.ask(
        "POST", "/webhooks/slack", data=body, headers=signed.slack(body, SLACK, time.time())
    )
    assert (answer.status, answer.body) == (200, b"")


async def page(daemon: Daemon, kind: str, number: int, webhook: str = "W", **fields: object) -> str:
    """Ben, in PagerDuty: what is answered."""
    data = signed.pagerduty_incident(f"alert-router:INC-{number}:0", id=f"PD{number}", **fields)
    body = signed.pagerduty_event(kind, data=data, id=f"{webhook}{number}")
    headers = signed.pagerduty(body, PAGERDUTY, webhook=f"{webhook}{number}")
    answer = await daemon.ask("POST", "/webhooks/pagerduty", data=body, headers=headers)
    assert answer.status == 202
    return answer.body.decode()


async def ask(daemon: Daemon, command: str, number: int) -> str:
    """Cleo, on the command line: the outcome."""
    path = f"/api/v1/incidents/{number}/{command}"
    answer = await daemon.ask("POST", path, json={}, headers={"X-Router-User": "cleo"})
    return str(answer.json["outcome"])


async def story(daemon: Daemon, number: int) -> list[tuple[Reason, str]]:
    """Commands on the incident, with their authors."""
    timeline = await daemon.store.timeline(number)
    return [(entry.what, entry.by) for entry in timeline if entry.by in {"ana", "Ben Okri", "cleo"}]


async def found(daemon: Daemon, number: int) -> Incident:
    incident = await daemon.store.incident(number)
    assert isinstance(incident, Incident)
    return incident


async def test_acknowledged_at_three_doors_of_two_replicas(
    server: Postgres, tmp_path: Path, slack: Slack
) -> None:
    """In Slack, in PagerDuty and on the command line: one acknowledges, the others see who."""
    async with replicas(server, tmp_path, slack) as (one, other):
        answers = await asyncio.gather(
            *(press(one, "ack", number) for number in INCIDENTS),
            *(page(other, "incident.acknowledged", number) for number in INCIDENTS),
            *(ask((one, other)[number % 2], "ack", number) for number in INCIDENTS),
        )
        for number in INCIDENTS:
            _, paged, asked = answers[number - 1 :: len(INCIDENTS)]
            by = (await found(one, number)).acknowledged_by
            tried = await story(other, number)
            assert tried[0] == (Reason.ACKNOWLEDGED, by)
            assert {who for _, who in tried} == {"ana", "Ben Okri", "cleo"}
            assert [what for what, _ in tried[1:]] == [Reason.ALREADY_DONE] * 2
            already = f"INC-{number} is already acknowledged by {by}."
            assert paged == (f"Acknowledged INC-{number}." if by == "Ben Okri" else already)
            assert asked == ("acknowledged" if by == "cleo" else "already_done")
            assert (("U1", already) in slack.asides) is (by != "ana")
        await until(lambda: len(slack.messages) == len(INCIDENTS))


async def test_acknowledged_here_and_resolved_there(
    server: Postgres, tmp_path: Path, slack: Slack
) -> None:
    """In either order it ends resolved, and the late person is informed."""
    async with replicas(server, tmp_path, slack) as (one, other):
        answers = await asyncio.gather(
            *(page(one, "incident.acknowledged", number) for number in INCIDENTS),
            *(press(other, "resolve", number) for number in INCIDENTS),
        )
        for number in INCIDENTS:
            incident = await found(one, number)
            assert (incident.status, incident.closed_by) == (Status.RESOLVED, "ana")
            tried = await story(other, number)
            resolved = (Reason.RESOLVED_BY_PERSON, "ana")
            if tried[0] == resolved:
                assert tried[1:] == [(Reason.ALREADY_CLOSED, "Ben Okri")]
                assert answers[number - 1] == f"INC-{number} is already resolved by ana."
            else:
                assert tried == [(Reason.ACKNOWLEDGED, "Ben Okri"), resolved]
                assert answers[number - 1] == f"Acknowledged INC-{number}."
        assert slack.asides == []


async def test_the_same_webhook_at_both_has_one_effect(
    server: Postgres, tmp_path: Path, slack: Slack
) -> None:
    """PagerDuty gave up on the answer of the first, and asked the other."""
    async with replicas(server, tmp_path, slack) as (one, other):
        answers = await asyncio.gather(
            *(
                page(daemon, "incident.acknowledged", number)
                for daemon in (one, other)
                for number in INCIDENTS
            )
        )
        for number in INCIDENTS:
            assert await story(one, number) == [(Reason.ACKNOWLEDGED, "Ben Okri")]
            assert sorted(answers[number - 1 :: len(INCIDENTS)]) == [
                f"Acknowledged INC-{number}.",
                f"INC-{number} is acknowledged by Ben Okri.",
            ]


async def test_two_severities_at_once_end_as_the_last_decided(
    server: Postgres, tmp_path: Path, slack: Slack
) -> None:
    """Both stand on the timeline in the order in which they were decided, each from what the other
    left.
    """
    async with replicas(server, tmp_path, slack) as (one, other):
        priority = {"type": "priority_reference", "summary": "Sev 3"}

        async def set_here(number: int) -> None:
            path = f"/api/v1/incidents/{number}/severity"
            headers = {"X-Router-User": "cleo"}
            await other.ask(
                "POST", path, json={"severity": "P1", "text": "not that bad"}, headers=headers
            )

        await asyncio.gather(
            *(
                page(one, "incident.priority_updated", number, priority=priority)
                for number in INCIDENTS
            ),
            *(set_here(number) for number in INCIDENTS),
        )
        for number in INCIDENTS:
            timeline = await one.store.timeline(number)
            sets = [
                (e.data["from"], e.data["severity"])
                for e in timeline
                if e.what is Reason.SEVERITY_SET
            ]
            assert sets in ([("P0", "P1"), ("P1", "P2")], [("P0", "P2"), ("P2", "P1")])
            assert (await found(other, number)).severity is Severity(sets[-1][1])


async def test_a_reader_goes_on_at_another_replica(
    server: Postgres, tmp_path: Path, slack: Slack
) -> None:
    """Nothing is lost or repeated: both stream what is in the store."""
    async with replicas(server, tmp_path, slack) as (one, other):
        async with stream(one) as content:
            await one.ask("POST", "/api/v1/incidents/1/note", json={"text": "first"})
            first = await noted(content)
        await one.ask("POST", "/api/v1/incidents/2/note", json={"text": "second"})
        async with stream(other, **{"Last-Event-ID": str(first["id"])}) as content:
            second = await noted(content)
            await one.ask("POST", "/api/v1/incidents/3/note", json={"text": "third"})
            third = await noted(content)
        assert [found["incident"] for found in (first, second, third)] == [1, 2, 3]


async def noted(content: aiohttp.StreamReader) -> dict[str, Any]:
    """The next note in the stream."""
    while True:
        (found,) = await entries(content, 1)
        if found["what"] == "noted":
            return found
