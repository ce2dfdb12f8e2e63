"""An action that reverts a commit by a pull request, never by a push to the branch itself.

GitHub's API can't revert a commit, so git does it in a temporary folder. git gets the token in its
environment, because any user of the machine could read it in its arguments.
"""

import asyncio
import os
import re
import tempfile
from base64 import b64encode
from collections.abc import Coroutine, Mapping
from http import HTTPStatus
from typing import Any

import aiohttp
import msgspec

from router.actions.job import ActionOutcome, Job
from router.actions.process import Ended, run
from router.config.actions import ActionConfig
from router.core.incident.action_binding import fill
from router.core.text.plain import plain
from router.model.action import ActionRequest, ActionState

_COMMIT = re.compile(r"[0-9a-f]{7,40}")


class PullRequest(msgspec.Struct, frozen=True):
    number: int
    html_url: str = ""


class Stopped(Exception):
    """Ends the revert early, with the outcome and the reason."""

    def __init__(self, state: ActionState, output: bytes) -> None:
        super().__init__(state)
        self.outcome = ActionOutcome(state, output)


class GitRevert:
    """Opens a pull request for people to merge. Undo closes it. `memo` is its number."""

    def __init__(self, document: ActionConfig) -> None:
        assert document.git_revert is not None
        self._config = config = document.git_revert
        self._seconds = document.timeout
        self._origin = config.clone_url or f"https://github.com/{config.repository}.git"
        self._api = f"{config.api_url.rstrip('/')}/repos/{config.repository}"
        self._hidden = b64encode(f"x-access-token:{config.token.reveal()}".encode())

    async def check(self, job: Job) -> ActionOutcome:
        """Make the revert in a temporary clone, and show its changes."""
        return await self._within(self._check(job))

    async def run(self, job: Job) -> ActionOutcome:
        return await self._within(self._open(job))

    async def undo(self, job: Job) -> ActionOutcome:
        return await self._within(self._close(job))

    def shown(self, request: ActionRequest) -> list[str]:
        if request.undoes:
            return [f"close the pull request that reverts {self._commit(request)}"]
        source = f"{self._config.branch} of {self._config.repository}"
        return [
            f"git revert {self._commit(request)}, on a branch from {source}",
            f"open a pull request into {self._config.branch}",
        ]

    async def _within(self, work: Coroutine[Any, Any, ActionOutcome]) -> ActionOutcome:
        try:
            async with asyncio.timeout(self._seconds):
                outcome = await work
        except TimeoutError:
            return ActionOutcome(ActionState.TIMED_OUT)
        except Stopped as stopped:
            outcome = stopped.outcome
        return ActionOutcome(
            outcome.state, outcome.output.replace(self._hidden, b"***"), outcome.memo
        )

    async def _check(self, job: Job) -> ActionOutcome:
        with _folder() as folder:
            return ActionOutcome(ActionState.DONE, await self._revert(folder, job))

    async def _open(self, job: Job) -> ActionOutcome:
        branch = _branch(job, self._commit(job.request))
        with _folder() as folder:
            changed = await self._revert(folder, job)
            # Push a new branch by its full name, without force, so that no existing branch moves.
            await self._git(folder, "push", "--quiet", "origin", f"HEAD:refs/heads/{branch}")
        try:
            pull = await self._pull_request(job, branch)
        except Stopped as stopped:
            pushed = f"\nthe branch {branch} exists without a pull request".encode()
            raise Stopped(stopped.outcome.state, stopped.outcome.output + pushed) from None
        return ActionOutcome(
            ActionState.DONE, changed + f"\n{pull.html_url}".encode(), str(pull.number)
        )

    async def _close(self, job: Job) -> ActionOutcome:
        memo = job.undone.memo if job.undone else ""
        if not memo:
            return ActionOutcome(ActionState.FAILED, b"the pull request to close is not known")
        await self._call("PATCH", f"/pulls/{memo}", {"state": "closed"})
        return ActionOutcome(ActionState.DONE, f"pull request #{memo} is closed".encode())

    async def _revert(self, folder: str, job: Job) -> bytes:
        """Commit the revert in `folder` and return its changes."""
        commit, branch = self._commit(job.request), self._config.branch
        if not _COMMIT.fullmatch(commit):
            raise Stopped(ActionState.FAILED, b"expected a commit's hash of 7 to 40 hex digits")
        await self._git(
            folder,
            "clone",
            "--quiet",
            "--single-branch",
            "--branch",
            branch,
            "--",
            self._origin,
            ".",
        )
        await self._git(
            folder,
            "merge-base",
            "--is-ancestor",
            commit,
            "HEAD",
            wrong=f"{commit} isn't on {branch}",
        )
        parents = (await self._git(folder, "rev-list", "--parents", "-n", "1", commit)).split()
        mainline = ("--mainline", "1") if len(parents) > 2 else ()
        await self._git(folder, "revert", "--no-edit", *mainline, commit)
        return await self._git(folder, "show", "--stat", "--format=%s", "HEAD")

    async def _git(self, folder: str, *arguments: str, wrong: str = "") -> bytes:
        """Run git and return its output. Raises: Stopped, if it fails."""
        try:
            ended: Ended = await run(
                ["git", *arguments], env=self._env(folder), cwd=folder, seconds=self._seconds
            )
        except OSError as error:
            raise Stopped(
                ActionState.FAILED, f"git can't be started: {error.strerror}".encode()
            ) from None
        if ended.code:
            output = wrong.encode() or f"git {arguments[0]} failed\n".encode() + ended.output
            raise Stopped(ActionState.FAILED, output)
        if ended.code is None:
            raise TimeoutError
        return ended.output

    def _env(self, folder: str) -> dict[str, str]:
        """An environment without prompts, and without the machine's and repository's settings."""
        given = {
            "user.name": "alert-router",
            "user.email": "alert-router@localhost",
            "core.hooksPath": os.devnull,
            "protocol.allow": "never",
            f"protocol.{'https' if self._origin.startswith('https:') else 'file'}.allow": "always",
            "http.followRedirects": "false",
            "credential.helper": "",
        }
        if self._origin.startswith("https:"):
            given[f"http.{self._origin}.extraHeader"] = (
                f"Authorization: Basic {self._hidden.decode()}"
            )
        numbered = {
            f"GIT_CONFIG_{what}_{number}": text
            for number, pair in enumerate(given.items())
            for what, text in zip(("KEY", "VALUE"), pair, strict=True)
        }
        return numbered | {
            "GIT_CONFIG_COUNT": str(len(given)),
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_TERMINAL_PROMPT": "0",
            "HOME": folder,
            "LANG": "C.UTF-8",
            "PATH": os.environ.get("PATH", os.defpath),
        }

    async def _pull_request(self, job: Job, branch: str) -> PullRequest:
        commit = self._commit(job.request)
        body = (
            f"Reverts {commit}, against {job.incident.name}: {plain(job.incident.title)}.\n\n"
            f"Asked for by {plain(job.request.requested_by)},"
            f" approved by {plain(job.request.approved_by)}."
        )
        answer = await self._call(
            "POST",
            "/pulls",
            {
                "title": f"Revert {commit[:12]} ({job.incident.name})",
                "head": branch,
                "base": self._config.branch,
                "body": body,
                "draft": self._config.draft,
            },
        )
        try:
            return msgspec.json.decode(answer, type=PullRequest)
        except msgspec.DecodeError:
            raise Stopped(
                ActionState.MAY_HAVE_RUN, b"what GitHub answered isn't a pull request"
            ) from None

    async def _call(self, method: str, path: str, content: Mapping[str, object]) -> bytes:
        """Raises: Stopped. A request without an answer may have succeeded."""
        headers = {
            "Authorization": f"Bearer {self._config.token.reveal()}",
            "Accept": "application/vnd.github+json",
            "User-Agent": "alert-router",
            "X-GitHub-Api-Version": "2022-11-28",
        }
        try:
            async with (
                aiohttp.ClientSession(headers=headers) as session,
                session.request(
                    method, self._api + path, json=content, allow_redirects=False
                ) as response,
            ):
                answer = await response.read()
        except aiohttp.ClientConnectorError:
            raise Stopped(ActionState.FAILED, b"GitHub can't be reached") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Stopped(
                ActionState.MAY_HAVE_RUN, f"GitHub: {type(error).__name__}".encode()
            ) from None
        if response.status not in (HTTPStatus.OK, HTTPStatus.CREATED):
            raise Stopped(
                ActionState.FAILED, f"GitHub answered {response.status}: ".encode() + answer[:500]
            )
        return answer

    def _commit(self, request: ActionRequest) -> str:
        return fill(self._config.commit, request.parameters)


def _branch(job: Job, commit: str) -> str:
    """The branch of a request. A second revert of the same commit gets its own branch."""
    return f"alert-router/revert-{commit[:12]}-{job.incident.name.lower()}-{job.request.number}"


def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="alert-router-", ignore_cleanup_errors=True)
