"""Revert a commit in a real repository, by a branch and a pull request at a GitHub double."""

import json
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from msgspec.structs import replace

from router.actions.git_revert import GitRevert
from router.actions.job import ActionOutcome, Job
from router.config.actions import ActionConfig, GitRevertConfig
from router.config.fields import HttpUrl
from router.config.secret import Secret
from router.core.incident.action_binding import Parameter
from router.model.action import ActionRequest, ActionState
from router.model.incident import Incident, Severity, Status

TOKEN = "ghp_of_the_router"
INCIDENT = Incident(42, "k", "r", "s", "Payments fail", Severity.P0, Status.INVESTIGATING, 0.0, 0.0)


def git(folder: Path, *arguments: str) -> str:
    named = ["-c", "user.name=ana", "-c", "user.email=ana@example.com"]
    done = subprocess.run(
        ["git", *named, *arguments], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


class Repository:
    """A bare repository with three commits on main: the second is the bad one, the third a
    merge.
    """

    def __init__(self, folder: Path) -> None:
        self.bare, work = folder / "origin.git", folder / "work"
        git(folder, "init", "--quiet", "--bare", "--initial-branch=main", str(self.bare))
        git(folder, "clone", "--quiet", str(self.bare), str(work))
        git(work, "checkout", "--quiet", "-b", "main")
        self.first = self._commit(work, "price.txt", "10\n")
        self.bad = self._commit(work, "price.txt", "0\n")
        git(work, "checkout", "--quiet", "-b", "side", self.first)
        self._commit(work, "other.txt", "x\n")
        git(work, "checkout", "--quiet", "main")
        git(work, "merge", "--quiet", "--no-ff", "-m", "Merge side", "side")
        self.merge = git(work, "rev-parse", "HEAD")
        git(work, "push", "--quiet", "origin", "main")
        self.elsewhere = self._commit(work, "more.txt", "y\n")

    @staticmethod
    def _commit(work: Path, name: str, text: str) -> str:
        (work / name).write_text(text)
        git(work, "add", name)
        git(work, "commit", "--quiet", "-m", f"Set {name}")
        return git(work, "rev-parse", "HEAD")

    def branches(self) -> list[str]:
        return git(self.bare, "for-each-ref", "--format=%(refname:short)", "refs/heads").split()

    def show(self, what: str) -> str:
        return git(self.bare, "show", what)


class GitHub:
    """Takes pull requests by the facts of wire/09, and remembers them."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, dict[str, Any]]] = []
        self.status = 201

    async def handle(self, request: web.Request) -> web.Response:
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        assert request.headers["Accept"] == "application/vnd.github+json"
        assert request.headers["X-GitHub-Api-Version"] == "2022-11-28"
        assert request.headers["User-Agent"]
        content = json.loads(await request.read())
        self.calls.append((request.method, request.path, content))
        if self.status >= 400:
            return web.json_response({"message": "Validation Failed"}, status=self.status)
        return web.json_response(
            {"number": 7, "html_url": "https://github.com/acme/api/pull/7"},
            status=200 if request.method == "PATCH" else self.status,
        )


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


@pytest.fixture
async def github() -> AsyncIterator[tuple[GitHub, str]]:
    peer = GitHub()
    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", peer.handle)
    async with TestServer(app) as server:
        yield peer, str(server.make_url(""))


def action(repository: Repository, api: str = "http://127.0.0.1:9") -> GitRevert:
    config = GitRevertConfig(
        repository="acme/api",
        token=Secret(TOKEN),
        commit="{commit}",
        api_url=HttpUrl(api),
        clone_url=str(repository.bare),
    )
    return GitRevert(
        ActionConfig(git_revert=config, parameters={"commit": Parameter(pattern=".+")})
    )


def job(commit: str, undone: ActionOutcome | None = None) -> Job:
    given = ActionRequest(
        3,
        "k",
        "act",
        ActionState.RUNNING,
        "ana",
        0.0,
        1.0,
        "d",
        {"commit": commit},
        approved_by="ben",
    )
    return Job(INCIDENT, given, replace(given, memo=undone.memo) if undone else None)


async def test_a_dry_run_shows_what_would_change_and_leaves_nothing(repository: Repository) -> None:
    """No branch, no call."""
    outcome = await action(repository).check(job(repository.bad))
    assert outcome.state is ActionState.DONE
    assert b'Revert "Set price.txt"' in outcome.output
    assert b"price.txt | 2 +-" in outcome.output
    assert repository.branches() == ["main"]


async def test_it_opens_a_pull_request_from_a_branch_of_its_own(
    repository: Repository, github: tuple[GitHub, str]
) -> None:
    """The branch itself isn't moved; what is proposed is the old content, on top of what is there
    now.
    """
    peer, api = github
    before = repository.show("main")
    outcome = await action(repository, api).run(job(repository.bad))
    assert outcome.state is ActionState.DONE, outcome.output
    assert outcome.output.decode().endswith("https://github.com/acme/api/pull/7")
    branch = f"alert-router/revert-{repository.bad[:12]}-inc-42-3"
    assert repository.branches() == [branch, "main"]
    assert repository.show("main") == before
    assert repository.show(f"{branch}:price.txt") == "10"
    ((method, path, content),) = peer.calls
    assert (method, path) == ("POST", "/repos/acme/api/pulls")
    assert (content["head"], content["base"], content["draft"]) == (branch, "main", False)
    assert content["title"] == f"Revert {repository.bad[:12]} (INC-42)"
    assert "ana" in content["body"]
    assert "ben" in content["body"]


async def test_undoing_closes_the_pull_request(
    repository: Repository, github: tuple[GitHub, str]
) -> None:
    """Undo closes the pull request by its number; without a number it does nothing."""
    peer, api = github
    revert = action(repository, api)
    ran = await revert.run(job(repository.bad))
    assert (await revert.undo(job(repository.bad, ran))).state is ActionState.DONE
    assert peer.calls[-1] == ("PATCH", "/repos/acme/api/pulls/7", {"state": "closed"})
    assert (await revert.undo(job(repository.bad))).state is ActionState.FAILED


async def test_a_merge_is_reverted_to_its_mainline(repository: Repository) -> None:
    """Reverting a merge removes the merged changes."""
    outcome = await action(repository).check(job(repository.merge))
    assert (outcome.state, b"other.txt" in outcome.output) == (ActionState.DONE, True)


@pytest.mark.parametrize("commit", ["HEAD", "main", "abc", "0" * 40, "--help"])
async def test_only_a_commit_of_the_branch_is_reverted(repository: Repository, commit: str) -> None:
    """No name, no option, and nothing from elsewhere."""
    for wrong in (commit, repository.elsewhere):
        outcome = await action(repository).check(job(wrong))
        assert outcome.state is ActionState.FAILED
    assert repository.branches() == ["main"]


async def test_what_github_refuses_is_told(
    repository: Repository, github: tuple[GitHub, str]
) -> None:
    """And that the branch is there by then."""
    peer, api = github
    peer.status = 422
    outcome = await action(repository, api).run(job(repository.bad))
    assert outcome.state is ActionState.FAILED
    assert b"422" in outcome.output
    assert b"Validation Failed" in outcome.output
    assert b"the branch alert-router/revert-" in outcome.output


async def test_a_github_that_is_not_there_is_a_failure(repository: Repository) -> None:
    assert (await action(repository).run(job(repository.bad))).state is ActionState.FAILED


async def test_a_conflict_is_told(repository: Repository) -> None:
    """A revert that git can't make is no pull request."""
    outcome = await action(repository).check(job(repository.first))
    assert outcome.state is ActionState.FAILED
    assert b"git revert failed" in outcome.output


async def test_hooks_and_settings_of_others_play_no_part(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user's git config can't run anything here."""
    home = tmp_path / "home"
    hooks = home / "hooks"
    hooks.mkdir(parents=True)
    for hook in ("post-checkout", "pre-commit", "prepare-commit-msg"):
        (hooks / hook).write_text(f"#!/bin/sh\ntouch {home}/ran\nexit 1\n")
        (hooks / hook).chmod(0o755)
    (home / ".gitconfig").write_text(f"[core]\n hooksPath = {hooks}\n")
    monkeypatch.setenv("HOME", str(home))
    assert (await action(repository).check(job(repository.bad))).state is ActionState.DONE
    assert sorted(path.name for path in home.iterdir()) == [".gitconfig", "hooks"]
