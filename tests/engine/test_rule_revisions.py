"""Commit from which each revision of the rules was loaded."""

import subprocess
from pathlib import Path

import pytest

from router.engine.rule_revisions import commit_of, remember
from router.model.revision import Load, Revision, loaded
from router.records.records import Records
from router.store import open_store
from tests.clock import SteppedClock


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", folder, *arguments], capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def write(path: Path, text: str) -> None:
    path.write_text(text)


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """A committed file in its own repository."""
    folder = tmp_path / "repository"
    folder.mkdir()
    path = folder / "rules.yaml"
    path.write_text("rules: []\n")
    git(folder, "init", "-q")
    git(folder, "add", ".")
    git(folder, "-c", "user.name=ana", "-c", "user.email=ana@example.com", "commit", "-qm", "rules")
    return path


async def test_the_commit_is_that_of_the_folder_and_dirty_if_they_differ(rules: Path) -> None:
    """Only these files count: others may change as they like."""
    commit = git(rules.parent, "rev-parse", "HEAD")
    write(rules.parent / "other.txt", "x")
    assert await commit_of([rules]) == (commit, False)
    write(rules, "rules: [ ]\n")
    assert await commit_of([rules]) == (commit, True)


async def test_without_git_nothing_is_claimed(tmp_path: Path) -> None:
    """As in a container that has only the files."""
    path = tmp_path / "rules.yaml"
    write(path, "")
    assert await commit_of([path]) == ("", False)


async def test_it_is_remembered_once_for_each_commit(rules: Path, tmp_path: Path) -> None:
    """A restart says nothing new; what is committed later does."""
    store = await open_store(f"sqlite:///{tmp_path / 'router.db'}")
    records, clock = Records(store, "revision", Revision), SteppedClock()
    try:
        await remember(records, "r1", [rules], "start", clock)
        await remember(records, "r1", [rules], "start", clock)
        write(rules, "rules: [ ]\n")
        await remember(records, "r1", [rules], "SIGHUP", clock)
        found = await records.get("r1")
    finally:
        await store.close()
    assert found is not None
    assert [(load.by, load.dirty) for load in found.loads] == [("start", False), ("SIGHUP", True)]


def test_the_load_in_force_is_the_last_before_that_time() -> None:
    """The first load also covers earlier times, when somebody else had loaded it."""
    first, second = Load(10.0, "start", "a"), Load(20.0, "SIGHUP", "b")
    both = loaded(Revision((first,)), second)
    assert both is not None
    assert [both.at(at).commit for at in (5.0, 10.0, 19.0, 20.0, 30.0)] == ["a", "a", "a", "b", "b"]
