"""Reads alerts in Alertmanager's format, even if they are malformed but unambiguous.

Each correction results in a warning.
"""

from typing import Any

from msgspec import Struct, json

from router.model.alert import AlertStatus
from router.ports.errors import InvalidInput
from router.receivers.times import UNKNOWN, read_rfc3339


class WireAlert(Struct, frozen=True):
    """An alert as read from the wire.

    Times are UTC seconds; `starts_at` is UNKNOWN if the sender gives none.
    """

    status: AlertStatus
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: float
    ends_at: float | None = None
    url: str = ""
    fingerprint: str = ""


def read_alert(content: Any, warnings: list[InvalidInput]) -> WireAlert:
    """Read an alert. Adds a warning for each corrected value. Raises: InvalidInput."""
    if not isinstance(content, dict):
        raise InvalidInput("Expected an object")
    labels = {
        name: value
        for name, value in _texts(content.get("labels"), "/labels", warnings).items()
        if value
    }
    if not labels:
        raise InvalidInput("Expected at least one label that isn't empty", "/labels")
    starts_at = _starts_at(content.get("startsAt"), warnings)
    ends_at = _ends_at(content.get("endsAt"), warnings)
    return WireAlert(
        status=_status(content, warnings),
        labels=labels,
        annotations=_texts(content.get("annotations") or {}, "/annotations", warnings),
        starts_at=starts_at,
        # The time of arrival and the sender's clock can't be compared.
        ends_at=ends_at if starts_at else None,
        url=_text_or_none(content.get("generatorURL")) or "",
        fingerprint=_text_or_none(content.get("fingerprint")) or "",
    )


def pointer(name: str) -> str:
    """A step of a JSON Pointer (RFC 6901)."""
    return "/" + name.replace("~", "~0").replace("/", "~1")


def scalar(value: object) -> str | None:
    """A text, number or boolean as text; None for anything else."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool | int | float):
        return json.encode(value).decode()
    return None


def _status(content: dict[str, Any], warnings: list[InvalidInput]) -> AlertStatus:
    given = content.get("status")
    if not isinstance(given, str):
        raise InvalidInput(
            "Object missing required field `status`" if given is None else "Expected `str`",
            "/status",
        )
    try:
        status = AlertStatus(given.strip().lower())
    except ValueError:
        raise InvalidInput(f"Invalid enum value '{given[:50]}'", "/status") from None
    if status != given:
        warnings.append(InvalidInput(f"Read as '{status}'", "/status"))
    return status


def _texts(given: object, at: str, warnings: list[InvalidInput]) -> dict[str, str]:
    """An object of texts. A number or boolean becomes text; null is left out."""
    if given is None:
        raise InvalidInput(f"Object missing required field `{at[1:]}`", at)
    if not isinstance(given, dict):
        raise InvalidInput("Expected an object", at)
    texts: dict[str, str] = {}
    for name, value in given.items():
        if value is None:
            warnings.append(InvalidInput("Left out: null", at + pointer(name)))
            continue
        text = scalar(value)
        if text is None:
            raise InvalidInput("Expected text, a number or a boolean", at + pointer(name))
        if not isinstance(value, str):
            warnings.append(InvalidInput("Read as text", at + pointer(name)))
        texts[name] = text
    return texts


def _starts_at(given: object, warnings: list[InvalidInput]) -> float:
    if given is None or given in ("", 0):
        warnings.append(InvalidInput("Missing: the time of arrival is used", "/startsAt"))
        return UNKNOWN
    seconds = read_rfc3339(given, "/startsAt")
    if seconds is None:
        warnings.append(
            InvalidInput("Not a time since 1970: the time of arrival is used", "/startsAt")
        )
        return UNKNOWN
    return seconds


def _ends_at(given: object, warnings: list[InvalidInput]) -> float | None:
    if given is None or given in ("", 0):
        return None
    seconds = read_rfc3339(given, "/endsAt")
    if seconds is None and not str(given).startswith("0001-"):
        warnings.append(InvalidInput("Ignored: the time is out of range", "/endsAt"))
    return seconds


def _text_or_none(value: object) -> str | None:
    return value if isinstance(value, str) else None
