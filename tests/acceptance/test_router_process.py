"""The router process: start, report, stop on request, and restart on the same store."""

import json
from pathlib import Path

import pytest

from tests.acceptance.router_process import RouterProcess, WarmRouter

ROOT = Path(__file__).parent.parent.parent
SAMPLE = json.loads((ROOT / "deploy/samples/payment-failures.json").read_text())
CONFIG = {
    "rules": [str(ROOT / "rules/critical.yaml")],
    "sources": {"alertmanager": {"insecure": True}},
    "channels": {"log": {"type": "console"}},
    "severities": {severity: {"policy": "all"} for severity in ("P0", "P1", "P2", "P3")},
    "policies": {"all": {"steps": [{"notify": ["channel:log"]}]}},
}


@pytest.mark.parametrize("kind", [RouterProcess, WarmRouter])
async def test_a_killed_router_comes_back_with_its_incident(
    tmp_path: Path, kind: type[RouterProcess]
) -> None:
    """An incident whose alert was answered 200 survives SIGKILL, however the process was
    started.
    """
    async with kind(tmp_path, CONFIG) as router:
        status, _ = await router.post("/webhooks/alertmanager", json=SAMPLE)
        await router.kill()
        assert status == 200
        await router.start()
        [incident] = (await router.get("/api/v1/incidents"))["incidents"]
        assert incident["severity"] == "P0"


async def test_a_stop_is_clean_and_the_message_was_printed(tmp_path: Path) -> None:
    """SIGTERM ends it with 0; standard output has the announcement and the page, though it's a
    file.
    """
    async with RouterProcess(tmp_path, CONFIG) as router:
        await router.post("/webhooks/alertmanager", json=SAMPLE)
        await router.until(
            "/api/v1/notifications", lambda answer: answer["notifications"], state="sent"
        )
        assert await router.terminate() == 0
        assert f"receives webhooks at {router.url}/webhooks/" in router.out.read_text()
        assert "Impact: Payment failures at 2.3% on api" in router.out.read_text()
        assert "rror" not in router.log.read_text()


async def test_a_taken_port_is_named_and_nothing_else_is_said(tmp_path: Path) -> None:
    """A second router on the same address exits with the reason and without resource warnings."""
    (tmp_path / "second").mkdir()
    async with RouterProcess(tmp_path, CONFIG) as router:
        second = RouterProcess(tmp_path / "second", CONFIG)
        second.config.write_text(second.config.read_text().replace(second.target, router.target))
        await second.spawn()
        assert await second.exit_code() == 1
        [line] = second.log.read_text().splitlines()
        assert line.startswith("can't start: ")
        assert "address already in use" in line


async def test_a_router_that_cant_start_says_why(tmp_path: Path) -> None:
    """Waiting for a router that can't start fails at once and shows its log."""
    with pytest.raises(RuntimeError, match=r"ended with 1:\n(.|\n)*router.yaml:1:1: "):
        async with RouterProcess(tmp_path, {}):
            pass
