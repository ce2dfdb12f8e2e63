"""A client that is generated from the OpenAPI document works against the running router."""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

from tests.daemon import Daemon
from tests.peers import require

Router = Callable[..., Daemon]

HINT = (
    "`make test` installs it in an environment of its own; or put one on the PATH:"
    " python -m venv VENV && VENV/bin/pip install openapi-python-client schemathesis"
)
SCRIPT = Path(__file__).with_name("generated_client.py")
OPTIONS = {
    "content_type_overrides": {
        "image/svg+xml": "text/plain",
        "text/markdown": "application/octet-stream",
    }
}


async def run(*command: str | Path, **environment: str) -> str:
    """Run a program and return what it prints."""
    process = await asyncio.create_subprocess_exec(
        *command,
        env=os.environ | environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()
    return printed.decode()


async def generated(daemon: Daemon, folder: Path) -> str:
    """Generate the package `generated` in `folder`; return the generator's own Python."""
    program = require("openapi-python-client", hint=HINT)
    options = folder / "options.yaml"
    options.write_text(yaml.safe_dump(OPTIONS))
    printed = await run(
        program, "generate", "--url", f"{daemon.url}/api/v1/openapi.json",
        "--output-path", folder / "generated", "--meta", "none", "--config", options,
        PYTHONPATH="",
    )  # fmt: skip
    assert "Cannot parse" not in printed, printed
    assert "WARNING" not in printed, printed
    return f"{program.rpartition('/')[0]}/{Path(sys.executable).name}"


@pytest.mark.peer
async def test_a_generated_client_runs_an_incident(router: Router, tmp_path: Path) -> None:
    """It opens, acknowledges, reads, silences, overrides and explains, with typed objects."""
    turns = {"rotate": "daily", "handover": "09:00", "contacts": ["ana"]}
    async with router(
        contacts={"ana": {}, "ben": {}}, schedules={"primary": {"layers": [turns]}}
    ) as daemon:
        python = await generated(daemon, tmp_path)
        end = f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%dT%H:%MZ}"
        printed = await run(python, SCRIPT, daemon.url, end, PYTHONPATH=str(tmp_path))
    found = json.loads(printed)
    timeline = found.pop("timeline")
    assert {"opened", "severity_set", "acknowledged", "noted"} <= set(timeline)
    assert found == {
        "opened": "Checkout is slow",
        "severity": "P1",
        "acknowledged": "UTC",
        "page": [1, None, "INC-1"],
        "missing": True,
        "alerts": 1,
        "messages": ["log"],
        "deployments": ["v2"],
        "silences": True,
        "overrides": ["ben"],
        "on_call": ["ben"],
        "why": "default",
        "incidents": 1,
        "postmortem": 0,
    }
