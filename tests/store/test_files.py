"""The files of a SQLite store: private, and for one process at a time."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from router.ports.errors import StoreUnavailable
from router.store import migrate, open_store
from router.store.files import StoreLock
from tests.daemon import Daemon, write_config


def modes(folder: Path) -> dict[str, int]:
    return {file.name: stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()}


async def test_only_its_owner_may_read_a_store(tmp_path: Path) -> None:
    """With any umask, and also for a file that was readable by everybody."""
    file = tmp_path / "router.db"
    before = os.umask(0)
    try:
        file.touch(0o644)
        store = await open_store(f"sqlite:///{file}", exclusive=True)
        await store.recover()
        made = modes(tmp_path)
    finally:
        os.umask(before)
    await store.close()
    assert {"router.db", "router.db-wal", "router.db.lock"} <= made.keys()
    assert set(made.values()) == {0o600}, made


async def test_a_second_daemon_is_refused_and_told_what_to_do(tmp_path: Path) -> None:
    """It names the file and the process that holds it; after that one closes, it may open."""
    url = f"sqlite:///{tmp_path / 'router.db'}"
    first = await open_store(url, exclusive=True)
    for refused in (open_store(url, exclusive=True), migrate(url)):
        with pytest.raises(StoreUnavailable) as error:
            await refused
        assert str(tmp_path / "router.db") in str(error.value)
        assert f"process {os.getpid()}" in str(error.value)
        assert "stop that process first" in str(error.value)
    reader = await open_store(url)
    await reader.ping()
    await reader.close()
    await first.close()
    await (await open_store(url, exclusive=True)).close()


async def test_another_name_of_the_file_is_refused_too(tmp_path: Path) -> None:
    """A symbolic link has the lock of its file; a hard link and a URI are errors."""
    first = await open_store(f"sqlite:///{tmp_path / 'router.db'}", exclusive=True)
    (tmp_path / "soft.db").symlink_to("router.db")
    with pytest.raises(StoreUnavailable, match="in use"):
        await open_store(f"sqlite:///{tmp_path / 'soft.db'}", exclusive=True)
    (tmp_path / "hard.db").hardlink_to(tmp_path / "router.db")
    with pytest.raises(StoreUnavailable, match="2 names"):
        await open_store(f"sqlite:///{tmp_path / 'hard.db'}", exclusive=True)
    with pytest.raises(ValueError, match="file: URI"):
        await open_store(f"sqlite:///file:{tmp_path / 'router.db'}?uri=true", exclusive=True)
    await first.close()


def test_the_lock_of_a_killed_process_is_gone(tmp_path: Path) -> None:
    """The system releases it after any kill."""
    file = tmp_path / "router.db"
    code = (
        "import sys; from pathlib import Path; from router.store.files import StoreLock;"
        "lock = StoreLock(Path(sys.argv[1])); print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(StoreUnavailable, match=f"process {holder.pid}"):
        StoreLock(file)
    holder.send_signal(signal.SIGKILL)
    holder.communicate()
    with StoreLock(file):
        pass


async def test_a_file_that_cannot_be_made_is_said_to_be_so(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="can't be opened: No such file or directory"):
        await open_store(f"sqlite:///{tmp_path / 'no' / 'router.db'}", exclusive=True)


async def test_a_running_router_has_its_store_to_itself(tmp_path: Path) -> None:
    """The one that `serve` starts."""
    from router.app import App

    path = write_config(tmp_path)
    app = await App.start(path, port=0)
    try:
        with pytest.raises(StoreUnavailable, match="is in use by another alert-router"):
            await App.start(path, port=0)
    finally:
        await app.stop()
    async with Daemon(path):
        pass
