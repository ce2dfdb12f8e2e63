"""What a kind of action is told, and what it answers."""

from typing import Protocol

from msgspec import Struct

from router.model.action import ActionRequest, ActionState
from router.model.incident import Incident


class Job(Struct, frozen=True):
    """A request to be run: for which incident, and who has approved.

    `undone` is the request it takes back, if so.
    """

    incident: Incident
    request: ActionRequest
    undone: ActionRequest | None = None


class ActionOutcome(Struct, frozen=True):
    """How it ended, what it said, and what it has to remember to be undone."""

    state: ActionState
    output: bytes = b""
    memo: str = ""


class Action(Protocol):
    """One configured action.

    None of these raises; each ends within the action's time-out, or is cancelled.
    """

    async def check(self, job: Job) -> ActionOutcome:
        """The dry run: it changes nothing."""
        ...

    async def run(self, job: Job) -> ActionOutcome: ...

    async def undo(self, job: Job) -> ActionOutcome:
        """`job.undone` is what to take back."""
        ...

    def shown(self, request: ActionRequest) -> list[str]:
        """What `run` or `undo` would do."""
        ...
