"""Answers in Opsgenie's format: https://docs.opsgenie.com/docs/response."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

import msgspec

from router.ports.errors import InvalidInput
from router.ports.webhooks import CommandResult, WebhookAnswer
from router.receivers.opsgenie.ids import Outcome
from router.receivers.opsgenie.request import Operation
from router.receivers.opsgenie.views import time_text

NOBODY = str(UUID(int=0))
"""The id in an answer that isn't about a known alert."""

NOT_SUPPORTED = 40302
"""Opsgenie's code for a valid request that is not supported."""

_DONE = {
    Operation.CREATE: "Created alert",
    Operation.CLOSE: "Closed alert",
    Operation.DELETE: "Deleted alert",
    Operation.ACKNOWLEDGE: "Acknowledged alert",
    Operation.UNACKNOWLEDGE: "UnAcknowledged alert",
    Operation.SNOOZE: "Snoozed alert",
    Operation.NOTE: "Added note",
}


def accepted(outcome: Outcome) -> WebhookAnswer:
    body = {"result": "Request will be processed", "took": 0.0, "requestId": outcome.request_id}
    return _answer(202, body)


def pong() -> WebhookAnswer:
    """https://docs.opsgenie.com/docs/heartbeat-api#ping-heartbeat-request."""
    body = {"result": "PONG - Heartbeat received", "took": 0.0, "requestId": NOBODY}
    return _answer(202, body)


def found(data: object, **more: object) -> WebhookAnswer:
    return _answer(200, {"data": data, **more, "took": 0.0, "requestId": NOBODY})


def failed(status: int, message: str, **more: object) -> WebhookAnswer:
    return _answer(status, {"message": message, **more, "took": 0.0, "requestId": NOBODY})


def invalid(errors: Sequence[InvalidInput]) -> WebhookAnswer:
    fields = {error.pointer.strip("/").replace("/", "."): error.detail for error in errors}
    return failed(422, "Request body is not processable. Please check the errors.", errors=fields)


def status_of(outcome: Outcome, results: Sequence[CommandResult]) -> WebhookAnswer:
    """The status of an earlier request, with the alert's alias if it is still known."""
    row = results[0].alert if results else None
    data: Mapping[str, Any] = {
        "success": outcome.success,
        "action": outcome.operation.value,
        "processedAt": time_text(outcome.at),
        "integrationId": NOBODY,
        "isSuccess": outcome.success,
        "status": _DONE[outcome.operation] if outcome.success else "Alert does not exist",
        "alertId": outcome.alert if outcome.success else "",
        "alias": row.alert.annotations.get("alias", "") if row else "",
    }
    return found(data)


def paging(
    url: str, query: Mapping[str, str], page: tuple[int, int], *, is_full: bool
) -> Mapping[str, str]:
    """Links to the first and the next page; `page` is the offset and limit of this page."""
    offset, limit = page

    def link(start: int) -> str:
        return f"{url}?{urlencode({**query, 'limit': limit, 'offset': start})}"

    return {"first": link(0)} | ({"next": link(offset + limit)} if is_full else {})


def _answer(status: int, body: object) -> WebhookAnswer:
    return WebhookAnswer(status, msgspec.json.encode(body), "application/json")
