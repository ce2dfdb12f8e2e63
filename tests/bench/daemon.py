"""Measured servers, each in its own process on loopback: the router and its comparisons."""

import asyncio
import compileall
import os
import shutil
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import yaml

from tests.bench.payloads import Api
from tests.peers import free_port

ROOT = Path(__file__).parents[2]
PATIENCE = 60.0
PAUSE = 0.005
"""Seconds between two questions whether a server is ready."""


class Server:
    """A program that listens on `port`. `folder` keeps its data, log and output over a restart."""

    def __init__(
        self, name: str, api: Api, arguments: Sequence[str], port: int, folder: Path
    ) -> None:
        self.name = name
        self.api = api
        self.port = port
        self._arguments = arguments
        self._folder = folder
        self._log = folder / f"{name}.log"
        self.output = folder / f"{name}.out"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.kill()

    async def start(self) -> float:
        """Start it, and wait until it answers that it's ready. How long that took, in seconds."""
        started = time.perf_counter()
        with self._log.open("ab") as log, self.output.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *self._arguments, cwd=self._folder, stdout=output, stderr=log
            )
        async with asyncio.timeout(PATIENCE):
            while not await self._is_ready():
                if self._process.returncode is not None:
                    raise RuntimeError(
                        f"{self.name} didn't start:\n{self._log.read_text()[-2000:]}"
                    )
                await asyncio.sleep(PAUSE)
        return time.perf_counter() - started

    async def kill(self) -> None:
        """Kill the process with SIGKILL: no clean-up, no output."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    @property
    def memory(self) -> float:
        """Its resident memory, in MB (10⁶ bytes)."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(status.partition("VmRSS:")[2].split()[0]) * 1024 / 1e6

    @property
    def cpu(self) -> float:
        """The CPU time it has taken so far, in seconds."""
        after_name = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(after_name[11]) + int(after_name[12])) / os.sysconf("SC_CLK_TCK")

    async def _is_ready(self) -> bool:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except ConnectionError:
            return False
        try:
            writer.write(b"GET /-/ready HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
            return b" 200 " in await reader.readline()
        except ConnectionError:
            return False
        finally:
            writer.close()


def router(
    folder: Path, channel: Mapping[str, Any] | None = None, storage: str | None = None
) -> Server:
    """`alert-router serve` as it ships: its rules and policies, and SQLite with fsync.

    `channel` is the first one; `storage` is another database. Its modules are compiled, as `pip`
    does: a checkout compiles half a second at each start with `PYTHONDONTWRITEBYTECODE`.
    """
    compileall.compile_dir(ROOT / "router", quiet=1)
    port = free_port()
    config = yaml.safe_load((ROOT / "config.example.yaml").read_text())
    storage = storage or f"sqlite:///{folder}/router.db"
    config |= {"listen": f"127.0.0.1:{port}", "storage": storage}
    config["channels"] |= {"log": dict(channel or {"type": "console"})}
    shutil.copytree(ROOT / "rules", folder / "rules", dirs_exist_ok=True)
    path = folder / "router.yaml"
    path.write_text(yaml.safe_dump(config))
    program = str(Path(sys.executable).with_name("alert-router"))
    return Server("router", Api.WEBHOOK, (program, "serve", "--config", str(path)), port, folder)


def bare(folder: Path) -> Server:
    """See tests/bench/bare.py."""
    port = free_port()
    arguments = (sys.executable, str(ROOT / "tests/bench/bare.py"), str(port))
    return Server("bare aiohttp", Api.WEBHOOK, arguments, port, folder)


def alertmanager(folder: Path, receiver: Mapping[str, Any] | None = None) -> Server | None:
    """Start Alertmanager with one receiver without group delays; by default the receiver does
    nothing.

    None where Alertmanager isn't installed.
    """
    program = shutil.which("alertmanager") or shutil.which("prometheus-alertmanager")
    if program is None:
        return None
    port = free_port()
    route = {"receiver": "all", "group_by": ["alertname", "service"], "group_wait": "0s"}
    path = folder / "alertmanager.yml"
    path.write_text(
        yaml.safe_dump({"route": route, "receivers": [{"name": "all", **(receiver or {})}]})
    )
    arguments = (
        program,
        f"--config.file={path}",
        f"--storage.path={folder}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
    )
    return Server("Alertmanager", Api.ALERTMANAGER, arguments, port, folder)
