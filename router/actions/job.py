"""The interface of a kind of action."""

from typing import Protocol

from msgspec import Struct

from router.model.action import ActionRequest, ActionState
from router.model.incident import Incident


class Job(Struct, frozen=True):
    """A request to run. `undone` is the request that it undoes, if it undoes one."""

    incident: Incident
    request: ActionRequest
    undone: ActionRequest | None = None


class ActionOutcome(Struct, frozen=True):
    """The state after a run, its output, and a memo for undoing it."""

    state: ActionState
    output: bytes = b""
    memo: str = ""


class Action(Protocol):
    """One configured action.

    No method raises. Each ends within the action's timeout, or is cancelled.
    """

    async def check(self, job: Job) -> ActionOutcome:
        """Dry run: change nothing."""
        ...

    async def run(self, job: Job) -> ActionOutcome: ...

    async def undo(self, job: Job) -> ActionOutcome:
        """Undo `job.undone`."""
        ...

    def shown(self, request: ActionRequest) -> list[str]:
        """Describe what `run` or `undo` would do."""
        ...
