"""The files of a SQLite store: their permissions, and a lock for one process at a time."""

import fcntl
import os
from contextlib import suppress
from pathlib import Path
from typing import Self

from sqlalchemy.engine import URL

from router.ports.errors import StoreUnavailable

PRIVATE = 0o600
"""The file contains the key of signed links and the texts of alerts, so only its owner may read it.
SQLite gives the same mode to the -wal and -shm files beside it."""


def file_of(url: URL) -> Path | None:
    """Return the file of a SQLite store; None for a store in memory or on a server.

    Symbolic links are followed, so that all names of a file have the same lock.
    """
    name = url.database or ""
    in_memory = name in {"", ":memory:"}
    return None if in_memory or url.get_backend_name() != "sqlite" else Path(name).resolve()


def make_private(file: Path) -> None:
    """Create the file if it's missing, and let only its owner read and write it.

    Raises: OSError; StoreUnavailable, if the file has further hard links.
    """
    handle = os.open(file, os.O_RDWR | os.O_CREAT, PRIVATE)
    names = os.fstat(handle).st_nlink
    os.close(handle)
    if names > 1:
        raise StoreUnavailable(
            f"{file} has {names} names (hard links), but SQLite allows one: remove the others",
            lasting=True,
        )
    for each in (file, *(file.with_name(f"{file.name}-{suffix}") for suffix in ("wal", "shm"))):
        with suppress(
            FileNotFoundError, PermissionError
        ):  # another user's file: its owner sets the permissions
            if each.stat().st_mode & 0o077:
                each.chmod(PRIVATE)


class StoreLock:
    """A lock held while a process uses the file.

    The operating system releases it when the process ends in any way. It's on a separate file,
    because SQLite loses its own locks when another handle of the database file is closed.
    """

    def __init__(self, file: Path) -> None:
        """Raises: StoreUnavailable, if another process holds it; OSError."""
        self._path = file.with_name(f"{file.name}.lock")
        self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, PRIVATE)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._handle, 32, 0).decode(errors="replace").strip() or "unknown"
            os.close(self._handle)
            raise StoreUnavailable(
                f"{file} is in use by another alert-router (process {holder}): "
                "stop that process first, or configure another `storage` for this one; "
                "several replicas need PostgreSQL",
                lasting=True,
            ) from None
        except BaseException:
            os.close(self._handle)
            raise
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let another process use the file.

        The lock file isn't deleted: that would race with a new holder.
        """
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()
