"""Run `alert-router serve` as users do: in a separate process that can be killed and restarted."""

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from time import perf_counter
from typing import Any, Self, TypeVar

import aiohttp
import yaml

from tests.peers import free_port

PATIENCE = 100.0
"""Longest wait for another process, in seconds.

After an attempt without an answer, a channel gets the present state once more a minute later.
"""

PAUSE = 0.01
"""Seconds between two looks. What is looked at is another process, whose time can't be stepped."""

COMMAND = Path(sys.executable).with_name("alert-router")

ENVIRONMENT = {**os.environ, "PYTHONFAULTHANDLER": "1"}
"""If the interpreter itself crashes, its log says where."""

LOGGED = 4000
"""Characters of its log that are shown when it fails."""

T = TypeVar("T")


async def eventually(look: Callable[[], Awaitable[T]], condition: Callable[[T], bool]) -> T:
    """Poll `look` until its result fulfils `condition`, and return that result.

    Raises: TimeoutError, with the last result.
    """
    deadline = perf_counter() + PATIENCE
    while not condition(found := await look()):
        if perf_counter() > deadline:
            raise TimeoutError(f"after {PATIENCE:g} s it's still: {found}")
        await asyncio.sleep(10 * PAUSE)
    return found


class RouterProcess:
    """`async with RouterProcess(folder, config) as router:` starts the router and stops it at the
    end.

    The router is ready at `router.url`. `config` is the whole config except `listen` and `storage`,
    which stay the same across restarts. Without `storage` the store is a file in `folder`. The
    process's output is appended to the files `out` and `log`.
    """

    pause = PAUSE

    def __init__(self, folder: Path, config: Mapping[str, Any], storage: str = "") -> None:
        self.target = f"127.0.0.1:{free_port()}"
        self.url = f"http://{self.target}"
        self.out = folder / "router.out"
        self.log = folder / "router.log"
        self.database = folder / "router.db"
        self.config = folder / "router.yaml"
        own = {
            "listen": self.target,
            "external_url": self.url,
            "storage": storage or f"sqlite:///{self.database}",
        }
        self.config.write_text(yaml.safe_dump({**config, **own}))
        self._exit: asyncio.Task[int] | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            # A kept connection would be one to the process before.
            connector=aiohttp.TCPConnector(force_close=True),
            timeout=aiohttp.ClientTimeout(total=20),
        )
        try:
            await self.start()
        except BaseException:
            await self._leave()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._leave()

    async def start(self) -> float:
        """Start it, wait until it's ready, and say how many seconds that took.

        Raises: RuntimeError, TimeoutError.
        """
        started = perf_counter()
        await self.spawn()
        await self.until_ready()
        return perf_counter() - started

    async def spawn(self) -> None:
        """Start it, ready or not."""
        assert self._exit is None, "it's running already"
        self.pid = await self._begin()
        self._exit = asyncio.ensure_future(self._end())

    async def until_ready(self) -> None:
        """Wait until it answers that it takes webhooks.

        Raises: RuntimeError if it stops instead, TimeoutError.
        """
        assert self._exit is not None, "it isn't running"
        async with asyncio.timeout(PATIENCE):
            while not await self._is_ready():
                if self._exit.done():
                    code = self._exit.result()
                    raise RuntimeError(
                        f"the router ended with {code}:\n{self.log.read_text()[-LOGGED:]}"
                    )
                await asyncio.sleep(self.pause)

    async def kill(self) -> None:
        """Kill the process with SIGKILL. Raises: AssertionError if it had already stopped."""
        code = await self._stop(signal.SIGKILL)
        assert code == -signal.SIGKILL, (
            f"the router had ended with {code}:\n{self.log.read_text()[-LOGGED:]}"
        )

    async def terminate(self) -> int:
        """SIGTERM: its exit code once it has finished what was under way."""
        return await self._stop(signal.SIGTERM)

    async def exit_code(self) -> int:
        """Wait until it stops; minus a signal's number if one ended it. Raises: TimeoutError."""
        assert self._exit is not None, "it isn't running"
        async with asyncio.timeout(PATIENCE):
            code = await asyncio.shield(self._exit)
        self._exit = None
        return code

    async def post(self, path: str, **options: Any) -> tuple[int, Any]:
        """The status of its answer, and its JSON.

        Raises: aiohttp.ClientError, OSError, TimeoutError without one.
        """
        async with self._session.post(self.url + path, **options) as answer:
            return answer.status, await answer.json(content_type=None)

    async def status(self, path: str, **options: Any) -> int:
        """Post and return the status of the answer, errors included. Raises: as `post`."""
        async with self._session.post(self.url + path, **options) as answer:
            return answer.status

    async def get(self, path: str, **query: str | int) -> Any:
        """The JSON of a path of its API."""
        async with self._session.get(
            self.url + path, params=query, raise_for_status=True
        ) as answer:
            return await answer.json()

    async def until(self, path: str, condition: Callable[[Any], bool], **query: str | int) -> Any:
        """The JSON of a path once it fulfils `condition`.

        Raises: TimeoutError, with the last answer.
        """
        return await eventually(lambda: self.get(path, **query), condition)

    async def sample(self, name: str) -> float:
        """The value of one of its metrics, named with its labels as it's exposed."""
        async with self._session.get(f"{self.url}/metrics", raise_for_status=True) as answer:
            lines = (await answer.text()).splitlines()
        [value] = [line.removeprefix(f"{name} ") for line in lines if line.startswith(f"{name} ")]
        return float(value)

    async def _is_ready(self) -> bool:
        try:
            async with self._session.get(f"{self.url}/-/ready") as answer:
                return answer.ok
        except aiohttp.ClientError:
            return False

    async def _begin(self) -> int:
        """The process id of a new one."""
        with self.out.open("ab") as out, self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                COMMAND,
                *("serve", "--config", self.config),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=out,
                stderr=log,
                env=ENVIRONMENT,
            )
        return self._process.pid

    async def _end(self) -> int:
        """The exit code of the process that `_begin` began, minus the signal's number if one ended
        it.
        """
        return await self._process.wait()

    async def _stop(self, number: signal.Signals) -> int:
        assert self._exit is not None, "it isn't running"
        if not self._exit.done():
            os.kill(self.pid, number)
        return await self.exit_code()

    async def _leave(self) -> None:
        if self._exit is not None:
            await self._stop(signal.SIGKILL)
        await self._session.close()


class WarmRouter(RouterProcess):
    """The same, forked from a process that has imported everything: a start costs a tenth of the
    time.

    Everything after the imports is as in `alert-router serve`: nothing of a router runs before the
    fork.
    """

    nursery = "tests.acceptance.nursery"

    async def _begin(self) -> int:
        if not hasattr(self, "_nursery"):
            with self.log.open("ab") as log:
                self._nursery = await asyncio.create_subprocess_exec(
                    sys.executable,
                    *("-m", self.nursery, self.config, self.out, self.log),
                    stdin=asyncio.subprocess.PIPE,
                    stdout=asyncio.subprocess.PIPE,
                    stderr=log,
                    env=ENVIRONMENT,
                )
        assert self._nursery.stdin is not None
        self._nursery.stdin.write(b"\n")
        return await self._notified()

    async def _end(self) -> int:
        return await self._notified()

    async def _notified(self) -> int:
        assert self._nursery.stdout is not None
        return int(await self._nursery.stdout.readline())

    async def _leave(self) -> None:
        await super()._leave()
        assert self._nursery.stdin is not None
        self._nursery.stdin.close()
        await self._nursery.wait()
