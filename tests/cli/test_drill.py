"""`drill`: what it asks of the running router, and what it shows."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from router.telemetry import logs
from tests.cli.test_incidents import SILENT, run
from tests.clock import SteppedClock
from tests.daemon import Daemon, write_config
from tests.senders.kit import Peer

Router = Callable[..., Daemon]

STEPS = [
    {
        "alert": {
            "labels": {"alertname": "PaymentFailures", "service": "api"},
            "annotations": {"value": "0.1"},
        }
    },
    {"review": ["the plan", "the [names]"]},
]


@pytest.fixture(autouse=True)
def _logs_elsewhere() -> None:
    logs.configure()


def scenario(folder: Path, name: str = "p0", steps: object = STEPS) -> Path:
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump({"name": name, "steps": steps}))
    return path


async def test_a_drill_by_command(tmp_path: Path, router: Router) -> None:
    """Started by name, listed, ticked off, reported; and refused a second time while it runs."""
    scenario(tmp_path)
    async with router(channels=SILENT, drills={"scenarios": ["p0.yaml"]}) as daemon:
        code, out, _ = await run(daemon, "drill", "start", "p0")
        assert code == 0
        name = out.partition(":")[0]
        assert (await run(daemon, "drill", "start", "p0"))[0] == 1
        assert name in (await run(daemon, "drill", "list"))[1]
        _, out, _ = await run(daemon, "drill", "tick", name, "2", "2")
        assert "     [ ] 1. the plan" in out
        assert "     [x] 2. the [names]" in out
        _, out, _ = await run(daemon, "drill", "report", name)
        assert out.startswith(f"# Drill {name}\n")
        assert "- [x] the \\[names\\] (ana, " in out
        _, out, _ = await run(daemon, "drill", "stop", name)
        assert "stopped" in out
        assert (await run(daemon, "drill", "show", "nope"))[0] == 1


async def test_a_drill_from_a_file(tmp_path: Path, router: Router) -> None:
    """A scenario file is checked locally against the config; errors have their positions."""
    config = ("--config", str(tmp_path / "config.yaml"))
    async with router(channels=SILENT) as daemon:
        code, out, _ = await run(daemon, "drill", "start", str(scenario(tmp_path, "mine")), *config)
        assert (code, out.partition("-")[0]) == (0, "mine")
        bad = scenario(tmp_path, "bad", [*STEPS, {"practise": "rollback"}])
        code, _, said = await run(daemon, "drill", "start", str(bad), *config)
        assert code == 1
        assert "bad.yaml:" in said
        assert "unknown action 'rollback'" in said


async def test_the_schedule(tmp_path: Path, router: Router, clock: SteppedClock) -> None:
    """Time of the next drill, or that none is due."""
    scenario(tmp_path)
    async with router(
        clock, channels=SILENT, drills={"scenarios": ["p0.yaml"], "scenario": "p0"}
    ) as daemon:
        assert await run(daemon, "drill", "schedule") == (
            0,
            "p0: never held, due 2026-05-05 10:00:00\n",
            "",
        )
    write_config(tmp_path, channels=SILENT)
    async with router(channels=SILENT) as daemon:
        assert (await run(daemon, "drill", "schedule"))[0] == 1


async def test_a_canary_and_the_scoreboard(router: Router, clock: SteppedClock) -> None:
    """Exit code 1 while something is unproven, and 0 once a canary has proven it."""
    async with (
        Peer() as peer,
        router(clock, channels={"log": {"type": "webhook", "url": peer.url}}) as daemon,
    ):
        code, out, _ = await run(daemon, "drill", "scoreboard")
        assert code == 1
        assert "log" in out
        assert "never" in out
        code, out, _ = await run(daemon, "drill", "scoreboard", "--json")
        assert (code, json.loads(out)["unproven"]) == (1, 1)
        assert json.loads((await run(daemon, "drill", "list", "--json"))[1])["drills"] == []
        code, out, _ = await run(daemon, "drill", "canary", "log")
        assert (code, out.partition("-")[0]) == (0, "canary")

        async def proven() -> bool:
            return (await run(daemon, "drill", "scoreboard"))[0] == 0

        await clock.settle(proven, step=0.5)
