"""Reads a request to Opsgenie's alert API from its method, path and query.

https://docs.opsgenie.com/docs/alert-api
"""

import re
from collections.abc import Mapping
from enum import StrEnum
from urllib.parse import parse_qsl, unquote, urlsplit
from uuid import UUID, uuid5

from msgspec import Struct

from router.ports.webhooks import AlertRef, Incoming
from router.receivers.paths import ALERTS, HEARTBEATS

QUERY_FIELDS = 50

_NAMESPACE = UUID("5d1c3e5e-3a0f-4b0a-9c55-2f7a34c0d9b1")
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_TINY = re.compile(r"[0-9]{1,10}")


class Operation(StrEnum):
    """An operation of the API. The value is its name in the status of a request."""

    CREATE = "Create"
    CLOSE = "Close"
    DELETE = "Delete"
    ACKNOWLEDGE = "Acknowledge"
    UNACKNOWLEDGE = "UnAcknowledge"
    SNOOZE = "Snooze"
    NOTE = "AddNote"
    PING = "Ping"
    GET = "Get"
    LIST = "List"
    COUNT = "Count"
    STATUS = "Status"
    UNSUPPORTED = "Unsupported"


_AT_ALERTS = {"POST": Operation.CREATE, "GET": Operation.LIST}
_AT_ALERT = {"GET": Operation.GET, "DELETE": Operation.DELETE}
_ACTIONS = {
    "close": Operation.CLOSE,
    "acknowledge": Operation.ACKNOWLEDGE,
    "unacknowledge": Operation.UNACKNOWLEDGE,
    "snooze": Operation.SNOOZE,
    "notes": Operation.NOTE,
}


class ApiRequest(Struct, frozen=True):
    """An operation with the identifier from the path and the query."""

    operation: Operation
    identifier: str = ""
    query: Mapping[str, str] = {}

    def alert(self, source: str) -> AlertRef:
        """The alert that the identifier names."""
        kind = self.query.get("identifierType", "id").lower()
        if kind == "tiny":
            number = int(self.identifier) if _TINY.fullmatch(self.identifier) else 0
            return AlertRef(f"{source}:{number:08x}", is_prefix=True)
        is_alias = kind == "alias" or not _ID.fullmatch(self.identifier)
        id_ = alert_id(self.identifier) if is_alias else self.identifier
        return AlertRef(f"{source}:{id_}")


def read(incoming: Incoming) -> ApiRequest:
    """Read the request. Without a path of the API (a payload to explain) it creates an alert."""
    parts = urlsplit(incoming.raw_path)
    if HEARTBEATS in parts.path:
        return _heartbeat(parts.path.partition(HEARTBEATS)[2], incoming.method)
    _, _, rest = parts.path.partition(ALERTS)
    steps = [unquote(step) for step in rest.strip("/").split("/") if step]
    query = dict(parse_qsl(parts.query, max_num_fields=QUERY_FIELDS)) if parts.query else {}
    method = incoming.method
    match steps:
        case []:
            return ApiRequest(_AT_ALERTS.get(method, Operation.UNSUPPORTED), query=query)
        case ["count"] if method == "GET":
            return ApiRequest(Operation.COUNT, query=query)
        case ["requests", request_id] if method == "GET":
            return ApiRequest(Operation.STATUS, request_id, query)
        case [identifier]:
            operation = _AT_ALERT.get(method, Operation.UNSUPPORTED)
            return ApiRequest(operation, identifier, query)
        case [identifier, action] if method == "POST":
            operation = _ACTIONS.get(action, Operation.UNSUPPORTED)
            return ApiRequest(operation, identifier, query)
    return ApiRequest(Operation.UNSUPPORTED, query=query)


def _heartbeat(rest: str, method: str) -> ApiRequest:
    name, _, action = rest.partition("/")
    is_ping = action.rstrip("/") == "ping" and method != "DELETE"
    return ApiRequest(Operation.PING if is_ping else Operation.UNSUPPORTED, unquote(name))


def alert_id(alias: str) -> str:
    """The id of the alert with this alias. An alert without an alias uses its id as the alias."""
    return alias if _ID.fullmatch(alias) else str(uuid5(_NAMESPACE, alias))


def new_id(content: str) -> str:
    """The id for an alert without an alias."""
    return str(uuid5(_NAMESPACE, f"\0{content}"))


def tiny_id(identifier: str) -> str:
    """The short id of an alert: the beginning of its id as a number."""
    return str(int(identifier[:8], 16))
