"""Requests made up from the OpenAPI document get the answers that it describes."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.daemon import Daemon, alert
from tests.peers import require
from tests.web.api.test_generated_client import HINT
from tests.web.api.test_schedules import PEOPLE

Router = Callable[..., Daemon]

CHECKS = (
    "not_a_server_error,status_code_conformance,content_type_conformance,"
    "response_headers_conformance,response_schema_conformance,negative_data_rejection,"
    "unsupported_method,use_after_free"
)
"""Not `positive_data_acceptance`: the document can't say which names are in the config."""


@pytest.mark.peer
@pytest.mark.timeout(300)
async def test_no_request_leads_to_an_undescribed_answer(router: Router, tmp_path: Path) -> None:
    """Valid and invalid requests of every operation, in the order of a seed."""
    program = require("schemathesis", hint=HINT)
    async with router(**PEOPLE) as daemon:
        await daemon.alert(alert())
        process = await asyncio.create_subprocess_exec(
            program, "run", f"{daemon.url}/api/v1/openapi.json", "--phases", "coverage,fuzzing",
            "--checks", CHECKS, "--max-examples", "3", "--seed", "1", "--no-color",
            "--exclude-path-regex", "/drills|/events",
            cwd=tmp_path, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()[-4_000:]
    assert b"Tested: " in printed
