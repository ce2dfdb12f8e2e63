"""Reads the body of a request to create an alert.

https://docs.opsgenie.com/docs/alert-api#create-alert
"""

from collections.abc import Iterator, Mapping
from typing import Any

from router.model.alert import AlertStatus
from router.ports.errors import InvalidInput
from router.receivers.details import details
from router.receivers.limits import shorten, within_limits
from router.receivers.source import joined, kept, member, text
from router.receivers.times import UNKNOWN
from router.receivers.wire_alert import WireAlert

MAX_MESSAGE = 130
"""Maximum characters of `message` in a label; the rest is only in the summary."""

MAX_DESCRIPTION = 15_000
MAX_NOTE = 25_000
"""Characters."""

PRIORITIES = ("P1", "P2", "P3", "P4", "P5")
DEFAULT_PRIORITY = "P3"

OWN = ("summary", "description", "alias", "note", "user")
"""Annotations that don't come from `details`."""

_TYPES = {"tags": list, "responders": list, "teams": list, "details": dict}


def errors_of(body: Mapping[str, Any]) -> Iterator[InvalidInput]:
    """Yield every problem of the body."""
    if not text(body.get("message")):
        yield InvalidInput("Message can not be empty.", "/message")
    priority = body.get("priority")
    if priority is not None and priority not in PRIORITIES:
        yield InvalidInput(f"Priority must be one of [{', '.join(PRIORITIES)}].", "/priority")
    for name, type_ in _TYPES.items():
        if not isinstance(body.get(name), type_ | None):
            expected = "a list" if type_ is list else "an object"
            yield InvalidInput(f"Expected {expected}.", f"/{name}")


def read_alert(
    body: Mapping[str, Any],
    alias: str,
    integration: str,
    warnings: list[InvalidInput],
) -> WireAlert:
    """The alert of a body without errors."""
    message = text(body.get("message"))
    description = text(body.get("description"))
    wire = WireAlert(
        status=AlertStatus.FIRING,
        labels={"alertname": shorten(message, MAX_MESSAGE, "/message", warnings)}
        | {"priority": text(body.get("priority")) or DEFAULT_PRIORITY}
        | kept(
            entity=body.get("entity"),
            source=body.get("source"),
            tags=joined(body.get("tags")),
            responders=_responders(body),
            integration=integration,
        ),
        annotations=details(body.get("details"))
        | kept(
            description=shorten(description, MAX_DESCRIPTION, "/description", warnings),
            note=shorten(text(body.get("note")), MAX_NOTE, "/note", warnings),
            user=body.get("user"),
        )
        | {"summary": message, "alias": alias},
        starts_at=UNKNOWN,
    )
    return within_limits(wire, warnings)


def _responders(body: Mapping[str, Any]) -> str:
    """Responders as `team:payments,user:ana@example.com`. Older clients send `teams`."""
    responders = [("team", team) for team in body.get("teams") or ()]
    responders += [
        (text(member(responder, "type")) or "team", responder)
        for responder in body.get("responders") or ()
    ]
    names = ("name", "username", "id")
    return ",".join(
        f"{kind}:{name}"
        for kind, responder in responders
        if (name := next(filter(None, (text(member(responder, key)) for key in names)), ""))
    )
