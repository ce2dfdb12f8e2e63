"""SIGKILL at random while steps become due and people answer: no step is lost, and who has answered
is paged no more.

STEP_KILLS=1000 makes a longer run, SEED=… draws the same moments again.
"""

import asyncio
import os
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

import pytest

from router.config.secret import Secret
from tests.acceptance.groups import NO_ANSWER, answered
from tests.acceptance.record import Record, read, unfinished
from tests.acceptance.router_process import RouterProcess, WarmRouter, eventually
from tests.acceptance.test_kill import Dawdling, kill_repeatedly, seeded
from tests.receivers import signed
from tests.senders.kit import Reply, Request
from tests.senders.test_webhook import SECRET, receiver

KILLS = int(os.environ.get("STEP_KILLS", "15"))
AFTER = (0.0, 0.3, 0.6, 0.9)
"""Seconds from the opening to each step; each step notifies its own channel."""

LATEST_ACK = 1.2
SLACK = 2.0
"""Seconds for which a page that was on its way when somebody answered may still arrive."""

SIGNING = Secret("slack-signing-s3cret")
PAGERDUTY = Secret("pagerduty-s3cret")
ANSWERS = {"acknowledged", "already_done"}


class Pager(Dawdling):
    """The receiver of all steps' channels: what arrived of each incident at each, in order, with
    when.
    """

    def __init__(self) -> None:
        super().__init__(answer=self._answer)
        self.received: dict[tuple[str, int], list[tuple[float, dict[str, Any]]]] = defaultdict(list)

    def _answer(self, request: Request) -> Reply:
        reply = receiver(request)
        incident = request.json["data"]["incident"]
        self.received[incident["id"], int(request.path.removeprefix("/step-"))].append(
            (perf_counter(), incident)
        )
        return reply


@dataclass
class Case:
    """One incident, from the alert that opens it to the answer, if somebody gives one.

    `by` is nobody else's name.
    """

    number: int
    random: Random
    incident: int = 0
    by: str = ""
    outcome: str | None = None
    answered_at: float | None = None
    tries: int = field(default=0)

    @property
    def key(self) -> str:
        return f'page{{service="s{self.number}"}}'

    async def run(self, router: RouterProcess) -> None:
        labels = {"alertname": "Page", "service": f"s{self.number}", "instance": f"i{self.number}"}
        now = datetime.now(UTC).isoformat()
        alert = {
            "status": "firing",
            "labels": labels,
            "annotations": {},
            "startsAt": now,
            "fingerprint": "",
        }
        body = {"version": "4", "status": "firing", "alerts": [alert]}
        while await answered(router, "/webhooks/alertmanager", body) is None:
            pass
        if self.random.random() < 0.7:
            await asyncio.sleep(self.random.uniform(0, LATEST_ACK))
            await self._answer(router)

    async def _answer(self, router: RouterProcess) -> None:
        """Acknowledge by one of the ways, again and again until it's answered, as a person or a
        service does.
        """
        self.incident = await self._find(router)
        way = self.random.choice([self._by_api, self._by_button, self._by_pagerduty])
        self.by = f"{way.__name__}-{self.number}"
        while not await way(router):
            self.tries += 1
        self.answered_at = perf_counter()

    async def _find(self, router: RouterProcess) -> int:
        while True:
            try:
                found = await router.get("/api/v1/incidents", service=f"s{self.number}")
            except NO_ANSWER:
                await asyncio.sleep(0.05)
            else:
                return int(found["incidents"][0]["id"])

    async def _by_api(self, router: RouterProcess) -> bool:
        answer = await answered(router, f"/api/v1/incidents/{self.incident}/ack", {}, self.by)
        self.outcome = answer[1]["outcome"] if answer else None
        return answer is not None

    async def _by_button(self, router: RouterProcess) -> bool:
        body = signed.press(
            "ack", str(self.incident), user="", name=self.by, action_ts=f"{self.number}.1"
        )
        return await _webhook(
            router, "slack", body, signed.slack(body, SIGNING, datetime.now(UTC).timestamp())
        )

    async def _by_pagerduty(self, router: RouterProcess) -> bool:
        agent = {"id": "P1", "type": "user_reference", "summary": self.by}
        key = f"alert-router:INC-{self.incident}:0"
        body = signed.pagerduty_event(key=key, agent=agent, id=self.by)
        return await _webhook(
            router, "pagerduty", body, signed.pagerduty(body, PAGERDUTY, webhook=self.by)
        )


async def _webhook(
    router: RouterProcess, source: str, body: bytes, headers: dict[str, str]
) -> bool:
    """Post a webhook and return whether it was accepted. Only temporary refusals are allowed."""
    try:
        status = await router.status(f"/webhooks/{source}", data=body, headers=headers)
    except NO_ANSWER:
        status = 503
    assert status in {200, 202, 503}, status
    if status == 503:
        await asyncio.sleep(0.05)
    return status != 503


def config(folder: Path, pager: Pager) -> dict[str, Any]:
    (folder / "rules.yaml").write_text(
        "rules: [{name: page, match: ['alertname=Page'], severity: P2, group_by: [service]}]"
    )
    steps = [
        {
            "after": f"{round(after * 1000)}ms",
            "unless": "acknowledged",
            "notify": [f"channel:step-{number}"],
        }
        for number, after in enumerate(AFTER)
    ]
    return {
        "rules": [str(folder / "rules.yaml")],
        "sources": {
            "alertmanager": {"insecure": True},
            "slack": {"signing_secret": SIGNING.reveal()},
            "pagerduty": {"secrets": [PAGERDUTY.reveal()]},
        },
        "channels": {
            f"step-{number}": {
                "type": "webhook",
                "url": f"{pager.url}/step-{number}",
                "secret": SECRET,
            }
            for number in range(len(AFTER))
        },
        "severities": {severity: {"policy": "steps"} for severity in ("P0", "P1", "P2", "P3")},
        "policies": {"steps": {"steps": steps}},
    }


async def incidents_until(over: asyncio.Event, router: RouterProcess, random: Random) -> list[Case]:
    """Open one after the other, each with an answer to come, until it's over."""
    cases: list[Case] = []
    async with asyncio.TaskGroup() as tasks:
        while not over.is_set():
            cases.append(Case(len(cases), Random(f"{random.random()}")))
            tasks.create_task(cases[-1].run(router))
            await asyncio.sleep(random.uniform(0.02, 0.2))
    return cases


@pytest.mark.slow
async def test_kills_lose_no_step_and_page_nobody_who_answered(tmp_path: Path) -> None:
    """At rest: each step was taken or skipped, once, in order, not early; after an answer none was
    taken.
    """
    with seeded(f"STEP_KILLS={KILLS}") as seed:
        async with Pager() as pager, WarmRouter(tmp_path, config(tmp_path, pager)) as router:
            over = asyncio.Event()
            async with asyncio.TaskGroup() as tasks:
                opening = tasks.create_task(incidents_until(over, router, Random(f"{seed} cases")))
                await kill_repeatedly(router, Random(f"{seed} kills"), KILLS)
                over.set()
            await eventually(lambda: unfinished(router), lambda left: not left)
            record = await read(router)
    cases = opening.result()
    assert len(record.incidents) == len(cases)
    assert {case.by.partition("-")[0] for case in cases if case.by} == {
        "_by_api",
        "_by_button",
        "_by_pagerduty",
    }
    for case in cases:
        (incident,) = record.of(case.key)
        taken = assert_each_step_once(incident)
        assert_only_those_were_notified(incident, taken, pager)
        if case.answered_at is not None:
            assert_the_answer_is_kept(incident, case)
            assert_no_page_after(incident, case.answered_at, pager)
    assert_it_was_not_in_vain(record)


def assert_each_step_once(incident: dict[str, Any]) -> set[int]:
    """The steps that were taken, by number from 0.

    Of an acknowledged incident, none is after that.
    """
    timeline = incident["timeline"]
    after = [entry for entry in timeline if entry["what"] in {"step_due", "step_skipped"}]
    assert [entry["data"]["step"] for entry in after] == [2, 3, 4], incident
    assert [entry["what"] for entry in timeline].count("steps_ended") == 1
    answered = next(
        (i for i, entry in enumerate(timeline) if entry["what"] == "acknowledged"), len(timeline)
    )
    for entry in after:
        wanted = "step_due" if timeline.index(entry) < answered else "step_skipped"
        assert entry["what"] == wanted, incident
        late = _time(entry["at"]) - _time(incident["opened_at"])
        assert late >= AFTER[entry["data"]["step"] - 1] - 0.001, "not early"
    return {0} | {entry["data"]["step"] - 1 for entry in after if entry["what"] == "step_due"}


def assert_only_those_were_notified(
    incident: dict[str, Any], taken: set[int], pager: Pager
) -> None:
    """Steps that ran have notified their channels; skipped steps have notified nobody."""
    notified = {number for number in range(len(AFTER)) if pager.received[incident["name"], number]}
    assert notified == taken, incident
    received = {
        notification["channel"]
        for notification in incident["notifications"]
        if notification["state"] == "sent" or notification["sent"]  # or it is sent once more, later
    }
    assert received == {f"step-{number}" for number in taken}


def assert_the_answer_is_kept(incident: dict[str, Any], case: Case) -> None:
    """Recorded once with the answered outcome; `already_done` if an unanswered try had done it."""
    mine = [entry["what"] for entry in incident["timeline"] if entry["by"] == case.by]
    assert mine, f"answered, and not on record: {case}"
    assert incident["acknowledged_by"] == case.by
    assert mine[0] == "acknowledged"
    assert set(mine) <= ANSWERS
    assert case.outcome in {None, mine[-1]}
    # A service's second try carries the same receipt, and has no second effect; a person's is on
    # record as one.
    assert case.outcome is not None or len(mine) == 1


def assert_no_page_after(incident: dict[str, Any], answered_at: float, pager: Pager) -> None:
    for number in range(len(AFTER)):
        for at, shown in pager.received[incident["name"], number]:
            assert shown["acknowledged_at"] or at < answered_at + SLACK, incident


def assert_it_was_not_in_vain(record: Record) -> None:
    """Steps were taken and skipped, and answers came between them."""
    what: Callable[[dict[str, Any]], list[str]] = lambda one: [  # noqa: E731
        entry["what"] for entry in one["timeline"]
    ]
    happened = [what(incident) for incident in record.incidents]
    assert any("step_due" in one and "step_skipped" in one for one in happened)
    assert any("acknowledged" not in one for one in happened)


def _time(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
