"""Run a module of the router in a process of its own, which ends when its caller does."""

import asyncio
import os
import sys
from pathlib import Path


async def run_module(
    name: str, *arguments: str, within: float, given: bytes = b""
) -> tuple[int | None, bytes]:
    """Run the module with `given` on stdin. Returns its exit code and what it wrote to stdout.

    After `within` seconds, or when the caller is cancelled, the process is killed. Raises:
    TimeoutError, OSError if it can't be started.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", name, *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    try:
        async with asyncio.timeout(within):
            written, _ = await process.communicate(given)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, written
