"""amtool, Prometheus and Grafana use the router as an Alertmanager, unchanged."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import yaml

from tests.daemon import TOKEN, Daemon, write_config
from tests.peers import Prometheus, require

pytestmark = pytest.mark.peer

RULES = [
    {"name": "disk", "match": ['alertname="Disk"'], "severity": "P1", "group_by": ["service"]},
    {"name": "slow", "match": ['alertname=~"Slow.*"', 'env!="dev"'], "severity": "P3"},
]
POLICIES = {name: {"steps": [{"notify": ["channel:log"]}]} for name in ("pages", "mails")}
SEVERITIES = {
    name: {"policy": "pages" if name in {"P0", "P1"} else "mails"}
    for name in ("P0", "P1", "P2", "P3")
}
FIRES = 9.0
"""Seconds that an alert of Prometheus fires: it finds its Alertmanagers after five."""

DISK = {"labels": {"alertname": "Disk", "service": "api"}, "annotations": {"summary": "full"}}


@pytest.fixture
async def router(tmp_path: Path) -> AsyncIterator[Daemon]:
    path = write_config(
        tmp_path,
        RULES,
        sources={"prometheus": {"bearer_token": TOKEN}},
        policies=POLICIES,
        severities=SEVERITIES,
    )
    async with Daemon(path) as daemon:
        yield daemon


class Amtool:
    """The installed amtool, with the source's token."""

    def __init__(self, url: str, folder: Path) -> None:
        self._program = require("amtool")
        http = folder / "http.yml"
        http.write_text(yaml.safe_dump({"authorization": {"credentials": TOKEN}}))
        self._options = (f"--alertmanager.url={url}", f"--http.config.file={http}")

    async def __call__(self, *arguments: str) -> str:
        """Its output; it must succeed."""
        process = await asyncio.create_subprocess_exec(
            self._program,
            *self._options,
            *arguments,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output, errors = await process.communicate()
        assert process.returncode == 0, errors.decode()
        return output.decode().strip()

    async def json(self, *arguments: str) -> Any:
        return json.loads(await self(*arguments, "--output=json"))


@pytest.fixture
def amtool(router: Daemon, tmp_path: Path) -> Amtool:
    return Amtool(router.url, tmp_path)


async def test_amtool_adds_and_queries_alerts(amtool: Amtool) -> None:
    annotation = "--annotation=summary=full"
    await amtool("alert", "add", "alertname=Disk", "service=api", annotation)
    await amtool("alert", "add", "Other", "--generator-url=http://p/g")
    names = [alert["labels"]["alertname"] for alert in await amtool.json("alert", "query")]
    assert sorted(names) == ["Disk", "Other"]
    (one,) = await amtool.json("alert", "query", "service=~a.*", "--receiver=pages")
    assert (one["annotations"], one["receivers"]) == ({"summary": "full"}, [{"name": "pages"}])
    assert "full" in await amtool("alert", "query", "Disk")
    assert await amtool.json("alert", "query", "Disk", "--silenced") == []


async def test_amtool_manages_silences(amtool: Amtool, tmp_path: Path) -> None:
    """Created, queried, updated, exported, expired, and imported again."""
    await amtool("alert", "add", "alertname=Disk", "service=api")
    key = await amtool("silence", "add", "Disk", "env!=dev", "--comment=deploy", "--author=ana")
    (one,) = await amtool.json("silence", "query")
    assert (one["id"], one["createdBy"], one["comment"]) == (key, "ana", "deploy")
    assert [matcher["isEqual"] for matcher in one["matchers"]] == [True, False]
    assert await amtool.json("alert", "query") == []
    assert len(await amtool.json("alert", "query", "--silenced")) == 1
    assert key in await amtool("silence", "update", key, "--comment=longer", "--duration=2h")
    (one,) = exported = await amtool.json("silence", "query", "alertname=Disk")
    assert (one["id"], one["comment"]) == (key, "longer")
    await amtool("silence", "expire", key)
    assert await amtool.json("silence", "query") == []
    assert len(await amtool.json("silence", "query", "--expired")) == 1
    (tmp_path / "silences.json").write_text(json.dumps(exported))
    await amtool("silence", "import", "--force", str(tmp_path / "silences.json"))
    (again,) = await amtool.json("silence", "query")
    assert again["matchers"] == one["matchers"]


async def test_amtool_shows_the_configuration(amtool: Amtool, tmp_path: Path) -> None:
    """amtool itself accepts it, and its routes lead to the policies that the rules lead to."""
    assert "disabled" in await amtool("cluster", "show")
    shown = tmp_path / "shown.yml"
    shown.write_text(await amtool("config", "show"))
    assert "SUCCESS" in await amtool("check-config", str(shown))
    for labels, policy in (
        (["alertname=Disk"], "pages"),
        (["alertname=SlowQuery", "env=prod"], "mails"),
        (["alertname=Other"], "mails"),
    ):
        assert await amtool("config", "routes", "test", *labels) == policy


def firing_until(end: float, folder: Path, target: str) -> dict[str, Any]:
    """A Prometheus whose alert fires until a time."""
    rule = {
        "alert": "Disk",
        "expr": f"vector(time()) < {end}",
        "labels": {"service": "api"},
        "annotations": {"summary": "full", "value": "{{ $value }}"},
    }
    groups = {"groups": [{"name": "all", "rules": [rule]}]}
    (folder / "alerts.yaml").write_text(yaml.safe_dump(groups))
    manager = {
        "authorization": {"credentials": TOKEN},
        "static_configs": [{"targets": [target]}],
    }
    return {
        "global": {"evaluation_interval": "1s", "external_labels": {"env": "prod"}},
        "rule_files": ["alerts.yaml"],
        "alerting": {"alertmanagers": [manager]},
    }


async def until(condition: Callable[[], Any]) -> Any:
    for _ in range(150):
        if found := await condition():
            return found
        await asyncio.sleep(0.1)
    raise TimeoutError


async def test_prometheus_sends_straight_to_the_router(router: Daemon, tmp_path: Path) -> None:
    """One incident while it fires, whose value changes each second; then it is resolved."""
    target = router.url.removeprefix("http://")
    config = firing_until(time.time() + FIRES, tmp_path, target)

    async def alerts() -> Any:
        return (await router.get("/api/v2/alerts")).json

    async def resolved() -> bool:
        return (await router.get("/api/v1/incidents/1")).json["status"] == "resolved"

    async with Prometheus(tmp_path, config):
        (one,) = await until(alerts)
        assert one["labels"] == {"alertname": "Disk", "service": "api", "env": "prod"}
        assert one["annotations"]["summary"] == "full"
        assert one["receivers"] == [{"name": "pages"}]
        assert "/graph?" in one["generatorURL"]
        assert await until(resolved)
        assert await alerts() == []
        incident = (await router.get("/api/v1/incidents/1")).json
        assert "cleared" in [entry["what"] for entry in incident["timeline"]]
        assert len((await router.get("/api/v1/incidents")).json["incidents"]) == 1


async def test_grafana_finds_an_alertmanager(router: Daemon) -> None:
    """The data source's health check, and the queries and silences of its pages.

    grafana/grafana: `plugins/datasource/alertmanager/DataSource.ts`, `ngalert/api/lotex_am.go` and
    `alerting/unified/api/alertmanagerApi.ts`.
    """
    assert (await router.get("/api/v1/status/buildinfo")).status == 404
    assert (await router.get("/alertmanager/api/v2/status")).status == 404
    status = (await router.get("/api/v2/status")).json
    config = yaml.safe_load(status["config"]["original"])
    assert {receiver["name"] for receiver in config["receivers"]} == {"pages", "mails"}
    headers = {"Authorization": f"Bearer {TOKEN}"}
    await router.ask("POST", "/api/v2/alerts", json=[DISK], headers=headers)
    query = [("filter", '"alertname"="Disk"'), ("silenced", "true"), ("active", "true")]
    (one,) = (await router.get(f"/api/v2/alerts?{urlencode(query)}")).json
    assert one["status"]["state"] == "active"
    (group,) = (await router.get(f"/api/v2/alerts/groups?{urlencode([*query[:1]])}")).json
    assert group["receiver"] == {"name": "pages"}
    payload = {
        "startsAt": "2026-01-01T00:00:00.000Z",
        "endsAt": "2096-01-01T00:00:00.000Z",
        "comment": "created today",
        "createdBy": "admin",
        "matchers": [{"name": "alertname", "value": "Disk", "isRegex": False, "isEqual": True}],
    }
    made = (await router.ask("POST", "/api/v2/silences", json=payload)).json
    query = [("ruleMetadata", "false"), ("accesscontrol", "false")]
    (silence,) = (await router.get(f"/api/v2/silences?{urlencode(query)}")).json
    assert silence["id"] == made["silenceID"]
    (one,) = (await router.get("/api/v2/alerts?silenced=true")).json
    assert one["status"]["silencedBy"] == [silence["id"]]
    answer = await router.ask("DELETE", f"/api/v2/silence/{silence['id']}")
    assert (answer.status, answer.body) == (200, b"")
