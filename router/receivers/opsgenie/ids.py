"""Ids of requests. They contain the request's outcome, so that nothing has to be stored.

That's possible because a request is committed before it's answered.
"""

import re

from msgspec import Struct

from router.receivers.opsgenie.request import Operation

_CODES = {
    Operation.CREATE: "c",
    Operation.CLOSE: "x",
    Operation.DELETE: "d",
    Operation.ACKNOWLEDGE: "a",
    Operation.UNACKNOWLEDGE: "u",
    Operation.SNOOZE: "s",
    Operation.NOTE: "n",
}
_OPERATIONS = {code: operation for operation, code in _CODES.items()}
_ID = re.compile(r"([0-9a-f-]{36})-([0-9]{1,14})-([cxdausn])([01])")


class Outcome(Struct, frozen=True):
    """The outcome of a request. `alert` is the alert's id; `at` is when it was processed."""

    alert: str
    at: float
    operation: Operation
    success: bool

    @property
    def request_id(self) -> str:
        code = f"{_CODES[self.operation]}{int(self.success)}"
        return f"{self.alert}-{round(self.at * 1000)}-{code}"


def outcome_of(request_id: str) -> Outcome | None:
    """The outcome in an id; None if the id isn't from the router."""
    if (match := _ID.fullmatch(request_id)) is None:
        return None
    alert, milliseconds, code, success = match.groups()
    return Outcome(alert, int(milliseconds) / 1000, _OPERATIONS[code], success == "1")
