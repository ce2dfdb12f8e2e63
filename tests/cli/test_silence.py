"""`alert-router silence`: made, listed and ended through the running router."""

import asyncio
import re
from pathlib import Path

from click.testing import Result
from typer.testing import CliRunner

from router.cli import main
from tests.daemon import Daemon, write_config

WINDOW = {"name": "always", "match": ['service="web"'], "comment": "nobody uses it"}


async def run(daemon: Daemon, *arguments: str) -> Result:
    """In a thread, while the router serves."""
    return await asyncio.to_thread(
        CliRunner().invoke, main, ["silence", *arguments, "--url", daemon.url]
    )


async def test_from_making_one_to_its_end(tmp_path: Path) -> None:
    """Each command prints the silence on one line, with its name."""
    async with Daemon(write_config(tmp_path, silences=[WINDOW])) as daemon:
        made = await run(
            daemon,
            "add",
            'alertname="DiskFull"',
            "instance=~db-.",
            "--for",
            "2h",
            "--comment",
            "moving",
        )
        assert made.exit_code == 0, made.output
        (key,) = re.findall(r"^silence (\w+) is active, until ", made.stdout, re.MULTILINE)
        listed = (await run(daemon, "list")).stdout
        for part in (
            key,
            'alertname="DiskFull", instance=~"db-."',
            "moving",
            "always",
            "the config",
            "nobody uses it",
        ):
            assert part in listed
        ended = await run(daemon, "expire", key)
        assert f'silence {key} has ended: alertname="DiskFull", instance=~"db-."\n' in ended.stdout
        assert key not in (await run(daemon, "list")).stdout
        assert "expired" in (await run(daemon, "list", "--all")).stdout


async def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    """Exit code 1, and what the router says."""
    async with Daemon(write_config(tmp_path)) as daemon:
        refused = await run(daemon, "add", "={", "--for", "2h", "--comment", "x")
        assert (refused.exit_code, refused.stdout) == (1, "")
        assert "expected a label name at column 1" in refused.stderr
        gone = await run(daemon, "expire", "a/b")
        assert gone.exit_code == 1
        assert (await run(daemon, "list")).stdout == "no silences\n"
