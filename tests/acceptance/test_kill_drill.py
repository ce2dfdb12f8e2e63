"""A drill survives SIGKILL at random moments: it fires once, ends and leaves nothing open."""

import asyncio
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from tests.acceptance.groups import answered
from tests.acceptance.router_process import RouterProcess, eventually
from tests.senders.kit import Peer

KILLS = 3
CONFIG: dict[str, Any] = {
    "rules": ["rules.yaml"],
    "sources": {"alertmanager": {"insecure": True}},
    "severities": {name: {"policy": "all"} for name in ("P0", "P1", "P2", "P3")},
    "policies": {"all": {"steps": [{"notify": ["channel:hook"]}]}},
    "drills": {"scenarios": ["p0.yaml"]},
}
RULES = {
    "rules": [
        {"name": "page", "match": ['alertname="Page"'], "severity": "P0", "group_by": ["service"]}
    ]
}
SCENARIO = {
    "name": "p0",
    "time_out": "4s",
    "steps": [
        {"alert": {"labels": {"alertname": "Page", "service": "a"}}},
        {"at": "1s", "alert": {"labels": {"alertname": "Page", "service": "b"}}},
        {"expect": "acknowledged"},
    ],
}


@pytest.mark.slow
async def test_a_drill_survives_kills(tmp_path: Path) -> None:
    """Two incidents are notified and resolved once each despite the kills; a real one isn't
    touched.
    """
    random = Random(7)
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(RULES))
    (tmp_path / "p0.yaml").write_text(yaml.safe_dump(SCENARIO))
    async with Peer() as peer:
        channels = {"hook": {"type": "webhook", "url": f"{peer.url}/hook"}}
        async with RouterProcess(tmp_path, CONFIG | {"channels": channels}) as router:
            real = {
                "status": "firing",
                "labels": {"alertname": "Page", "service": "a"},
                "annotations": {},
            }
            real |= {"startsAt": "2026-11-25T00:00:00Z", "fingerprint": ""}
            await answered(
                router,
                "/webhooks/alertmanager",
                {"version": "4", "status": "firing", "alerts": [real]},
            )
            status, drill = await router.post("/api/v1/drills", json={"scenario": "p0"})
            assert status == 201
            for _ in range(KILLS):
                await asyncio.sleep(random.uniform(0, 0.4))
                await router.kill()
                await router.start()
            found = await eventually(
                lambda: router.get(f"/api/v1/drills/{drill['id']}"),
                lambda one: one["ending"] is not None,
            )
            incidents = await eventually(
                lambda: router.get("/api/v1/incidents"),
                lambda one: (
                    sum(incident["status"] == "resolved" for incident in one["incidents"]) == 2
                ),
            )
    assert (found["ending"], len(found["incidents"])) == ("timed_out", 2)
    assert [
        (incident["drill"], incident["status"])
        for incident in incidents["incidents"]
        if not incident["drill"]
    ] == [(False, "investigating")]
    assert len(incidents["incidents"]) == 3
