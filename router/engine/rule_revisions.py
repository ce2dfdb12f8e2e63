"""Records the git commit from which each revision of the rules was loaded."""

import asyncio
import subprocess
from collections.abc import Collection
from pathlib import Path

from router.model.revision import Load, Revision, loaded
from router.ports.clock import Clock
from router.ports.errors import StoreUnavailable
from router.records.records import Records
from router.telemetry.logs import logger

log = logger(__name__)

PATIENCE = 10.0
"""Maximum seconds for a git command."""


async def remember(
    records: Records[Revision], revision: str, files: Collection[Path], by: str, clock: Clock
) -> None:
    """Record that the revision was loaded from these files. A failure is only logged."""
    at = clock.now()
    commit, dirty = await commit_of(files)
    try:
        await records.change(
            revision, lambda before: loaded(before, Load(at, by, commit, dirty)), at
        )
    except StoreUnavailable as error:
        log.warning("revision_not_kept", revision=revision, error=str(error))


async def commit_of(files: Collection[Path]) -> tuple[str, bool]:
    """Return the folder's git commit and whether the files differ from it.

    Returns ("", False) if unknown.
    """
    return await asyncio.to_thread(_commit_of, sorted(str(file.resolve()) for file in files))


def _commit_of(paths: list[str]) -> tuple[str, bool]:
    folder = str(Path(paths[-1]).parent)
    commit = _git(folder, "rev-parse", "HEAD")
    if commit is None:
        return "", False
    changed = _git(
        folder, "status", "--porcelain", "--untracked-files=all", "--ignored", "--", *paths
    )
    return commit, changed != ""


def _git(folder: str, *arguments: str) -> str | None:
    """The output of git; None if it fails or is not installed."""
    try:
        done = subprocess.run(  # noqa: S603 - an argument list of our own
            ["git", "-C", folder, *arguments],  # noqa: S607 - wherever git is installed
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
