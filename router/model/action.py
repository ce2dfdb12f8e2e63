"""An action against an incident: what may be run, a request for it, and what came of that."""

from enum import StrEnum

from msgspec import Struct


class ActionState(StrEnum):
    """A request waits for its dry run, for approval, or for the words of a guide; it's run once;
    then it's over.
    """

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
"""The states that end by a deadline at the latest."""

UNDOABLE = frozenset(
    {ActionState.DONE, ActionState.FAILED, ActionState.TIMED_OUT, ActionState.MAY_HAVE_RUN}
)
"""The states after which something may be there to be undone."""


class Approval(StrEnum):
    """Who may approve: any responder, or one who didn't ask for it."""

    RESPONDER = "responder"
    SECOND_PERSON = "second-person"


class ActionRequest(Struct, frozen=True, gc=False):
    """Somebody wants an action run. `number` counts those of an incident from 1.

    `key` is chosen by whoever asks, so that asking again has no second effect. `digest` is of the
    action as it was
    configured then: what is approved is what was shown. `until` is when the state ends by itself
    (UTC seconds). `undoes` is the number of the request that this one takes back, 0 if it's none of
    those. `memo` is what the run has to remember to be undone. `step` counts the steps of a guide
    that were confirmed.
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
    """What came of a run, or of a dry run: `state` is DONE, FAILED, TIMED_OUT or MAY_HAVE_RUN.

    `output` is what it said: cut, and without secrets. `took` is in seconds.
    """

    state: ActionState
    output: str = ""
    memo: str = ""
    took: float = 0.0
