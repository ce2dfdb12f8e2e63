"""`alert-router explain` for stored alerts: from the running router, or from its store
without one.
"""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from router.cli import main
from tests.daemon import Daemon, alert, write_config

RULES = [
    {
        "name": "payments",
        "match": ['alertname="PaymentFailures"'],
        "thresholds": {"P0": "> 1%"},
        "group_by": ["service"],
    }
]


def write(folder: Path) -> Path:
    """Ana is on call; a console channel replaces the telephone."""
    layer = {"rotate": "weekly", "handover": "Mon 09:00", "contacts": ["ana"]}
    return write_config(
        folder,
        RULES,
        channels={"log": {"type": "console"}, "text": {"type": "console"}},
        contacts={"ana": {"name": "Ana Lima", "reach": [{"via": "text"}]}, "ben": {}},
        schedules={"primary": {"layers": [layer]}},
        policies={"all": {"steps": [{"notify": ["channel:log", "schedule:primary"]}]}},
    )


async def run(path: Path, *options: str) -> tuple[int, str]:
    done = await asyncio.to_thread(
        CliRunner().invoke, main, ["explain", "--config", str(path), *options]
    )
    return done.exit_code, done.stdout + done.stderr


GOLDEN = (
    r"ana was paged at TIME UTC over text, as schedule:primary by layer 1 \(SAID\), "
    r"about INC-1 \[P0\] TITLE"
    r"""
 rule payments: P0 \(above threshold, 0.023 against > 1%\)
 incident payments\{service="api"\}, 0 more alerts joined it
 rules then revision [0-9a-f]{16}, commit unknown, loaded TIME:\d\d by start
 on call schedule:primary \(layer 1\): ana
 at \(UTC\) who over why recipient of outcome
 TIME:\d\d log SAID delivered TIME:\d\d
 TIME:\d\d ana text SAID schedule:primary \(layer 1\) delivered TIME:\d\d
"""
)
SAID = r"Incident detected: PaymentFailures at 2\.3% \(threshold > 1%\)"


async def test_why_was_ana_paged_and_why_was_nobody(tmp_path: Path) -> None:
    """The same answers from the router and from its store."""
    path = write(tmp_path)
    async with Daemon(path) as daemon:
        await daemon.alert(alert(), alert(value="0.0001", service="low"))
        await daemon.until_idle()
        rows: list[dict[str, Any]] = (await daemon.get("/api/v1/alerts")).json["alerts"]
        paged, low = sorted(
            (row["fingerprint"] for row in rows), key=lambda row: row != rows[0]["fingerprint"]
        )
        if rows[0]["incident"] is None:
            paged, low = low, paged
        for where in (("--url", daemon.url), ("--offline",)):
            code, text = await run(path, "--contact", "Ana Lima", *where)
            assert code == 0, text
            lines = re.sub(" *\n", "\n", re.sub(" +", " ", text))
            pattern = GOLDEN.replace("TIME", r"\d{4}-\d\d-\d\d \d\d:\d\d").replace("SAID", SAID)
            pattern = pattern.replace("TITLE", "PaymentFailures")
            assert re.fullmatch(pattern, lines), text
            assert "ana paged; first at" in (await run(path, "--incident", "INC-1", *where))[1]
            assert "ana paged; first at" in (await run(path, "--alert", paged, *where))[1]
            code, text = await run(path, "--alert", low, *where)
            why = "its value is below every threshold, 0.0001 against > 1% (rule payments)"
            assert text.splitlines()[0] == f"Nobody was paged for this alert: {why}"
            code, text = await run(path, "--contact", "ben", "--at", "2026-01-01 03:12", *where)
            assert text.startswith(
                "ben was not paged: no incident was open at 2026-01-01 03:12 UTC; by the "
                "current schedules, on call was schedule:primary: ana"
            )
            found = json.loads((await run(path, "--incident", "1", "--json", *where))[1])
            assert found["account"]["rules"]["loaded_by"] == "start"
            code, text = await run(path, "--incident", "INC-9", *where)
            assert (code, "there is no incident 'INC-9'" in text) == (1, True)


async def test_a_client_without_a_config_explains(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the address alone: an incident by its number, and a person at a time with an offset."""
    async with Daemon(write(tmp_path)) as daemon:
        await daemon.alert(alert())
        await daemon.until_idle()
        empty = tmp_path / "empty"
        empty.mkdir()
        monkeypatch.chdir(empty)
        monkeypatch.setenv("ALERT_ROUTER_URL", daemon.url)
        for given in (["1"], ["inc-1"], ["--contact", "ana", "--at", "2026-01-01T03:12Z"]):
            done = await asyncio.to_thread(CliRunner().invoke, main, ["explain", *given])
            assert (done.exit_code, "ana " in done.output) == (0, True), done.output
        (empty / "1").write_text("{}")
        done = await asyncio.to_thread(CliRunner().invoke, main, ["explain", "1"])
        assert "No config file" in done.output  # a payload, which the config's rules explain


@pytest.mark.parametrize("options", [(), ("--alert", "a", "--contact", "b")])
async def test_one_thing_is_asked_at_a_time(tmp_path: Path, options: tuple[str, ...]) -> None:
    code, text = await run(write(tmp_path), *options)
    assert (code, text) == (
        1,
        "give one of: an incident, the file of a webhook's body, --alert, --incident, --contact\n",
    )
