"""An action against an incident: a request for it, and its outcome."""

from enum import StrEnum

from msgspec import Struct


class ActionState(StrEnum):
    """States of a request: waiting for a dry run, approval or a person's input; running; ended."""

    CHECKING = "checking"
    READY = "ready"
    RUNNING = "running"
    CONFIRMING = "confirming"
    DONE = "done"
    FAILED = "failed"
    TIMED_OUT = "timed_out"
    MAY_HAVE_RUN = "may_have_run"
    PRACTISED = "practised"
    DECLINED = "declined"
    EXPIRED = "expired"


WAITING = frozenset(
    {ActionState.CHECKING, ActionState.READY, ActionState.RUNNING, ActionState.CONFIRMING}
)
"""States that end by a deadline, if not earlier."""

UNDOABLE = frozenset(
    {ActionState.DONE, ActionState.FAILED, ActionState.TIMED_OUT, ActionState.MAY_HAVE_RUN}
)
"""States after which there may be something to undo."""


class Approval(StrEnum):
    """The people who may approve: any responder, or one who didn't request it."""

    RESPONDER = "responder"
    SECOND_PERSON = "second-person"


class ActionRequest(Struct, frozen=True, gc=False):
    """A request to run an action. `number` counts an incident's requests from 1.

    key: chosen by the requester, so that a repeated request has no second effect.
    digest: of the action's config at the request, to make sure that what was shown is approved.
    until: when the state times out (UTC seconds).
    undoes: the number of the request that this one undoes, or 0.
    memo: data from the run that are needed to undo it.
    step: the confirmed steps of a guide.
    """

    number: int
    key: str
    action: str
    state: ActionState
    requested_by: str
    requested_at: float
    until: float
    digest: str
    parameters: dict[str, str] = {}
    undoes: int = 0
    approved_by: str = ""
    approved_at: float | None = None
    memo: str = ""
    step: int = 0


class Ran(Struct, frozen=True):
    """The outcome of a run or dry run: `state` is DONE, FAILED, TIMED_OUT or MAY_HAVE_RUN.

    `output` is shortened, and without secrets. `took` is in seconds.
    """

    state: ActionState
    output: str = ""
    memo: str = ""
    took: float = 0.0
