"""An action that runs a program with arguments."""

import os
import shlex
import tempfile
from collections.abc import Mapping, Sequence

from router.actions.job import ActionOutcome, Job
from router.actions.process import run
from router.config.actions import ActionConfig
from router.core.incident.action_binding import fill
from router.model.action import ActionRequest, ActionState

ALWAYS = ("PATH", "LANG")
"""Variables that every program gets, in addition to the action's `env`."""


class Argv:
    """A program. Each item of its list is exactly one argument, whatever values are inserted."""

    def __init__(self, document: ActionConfig, env: Mapping[str, str] | None = None) -> None:
        self._document = document
        known = os.environ if env is None else env
        self._env = {name: known[name] for name in (*ALWAYS, *document.env) if name in known}

    async def check(self, job: Job) -> ActionOutcome:
        return await self._run(self._document.dry_run, job)

    async def run(self, job: Job) -> ActionOutcome:
        return await self._run(self._document.argv, job)

    async def undo(self, job: Job) -> ActionOutcome:
        return await self._run(self._document.undo, job)

    def shown(self, request: ActionRequest) -> list[str]:
        """Command line for readers; no shell is involved."""
        return [
            shlex.join(
                _filled(self._document.undo if request.undoes else self._document.argv, request)
            )
        ]

    async def _run(self, argv: Sequence[str], job: Job) -> ActionOutcome:
        about = {
            "ALERT_ROUTER_INCIDENT": job.incident.name,
            "ALERT_ROUTER_ACTION": job.request.action,
            "ALERT_ROUTER_BY": job.request.approved_by or job.request.requested_by,
        }
        with tempfile.TemporaryDirectory(
            prefix="alert-router-", ignore_cleanup_errors=True
        ) as folder:
            try:
                ended = await run(
                    _filled(argv, job.request),
                    env=self._env | about,
                    cwd=folder,
                    seconds=self._document.timeout,
                )
            except (OSError, ValueError) as error:
                reason = (
                    error.strerror if isinstance(error, OSError) else "an argument can't be passed"
                )
                return ActionOutcome(
                    ActionState.FAILED, f"{argv[0]} can't be started: {reason}".encode()
                )
        if ended.code is None:
            return ActionOutcome(ActionState.TIMED_OUT, ended.output)
        if ended.code:
            return ActionOutcome(
                ActionState.FAILED, ended.output + f"\nexit status {ended.code}".encode()
            )
        return ActionOutcome(ActionState.DONE, ended.output)


def _filled(argv: Sequence[str], request: ActionRequest) -> list[str]:
    return [fill(text, request.parameters) for text in argv]
