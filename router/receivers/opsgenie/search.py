"""Selects the alerts to list: supports the part of Opsgenie's search that clients use.

https://docs.opsgenie.com/docs/alerts-search-query-help
"""

import re

from router.ports.errors import InvalidInput
from router.ports.webhooks import AlertListing, AlertRef
from router.receivers.opsgenie.request import ApiRequest, Operation, alert_id

DEFAULT_LIMIT, MAX_LIMIT, MAX_ROWS = 20, 100, 20_000
"""Alerts on a page: https://docs.opsgenie.com/docs/alert-api#list-alerts."""

_STATUS = re.compile(r"\s*status\s*[:=]\s*(open|closed)\s*", re.IGNORECASE)
_ALIAS = re.compile(r"""\s*alias\s*[:=]\s*("[^"]*"|\S+)\s*""", re.IGNORECASE)


def listing(source: str, asked: ApiRequest) -> AlertListing | AlertRef:
    """The alerts of a list or a count; one alert if the query is an alias.

    Raises: InvalidInput.
    """
    query = asked.query.get("query", "")
    if alias := _ALIAS.fullmatch(query):
        return AlertRef(f"{source}:{alert_id(alias[1].strip(chr(34)))}")
    status = _STATUS.fullmatch(query)
    if query.strip() and not status:
        raise InvalidInput("Expected status:open, status:closed or alias:…", "/query")
    firing = None if status is None else status[1].lower() == "open"
    if asked.operation is Operation.COUNT:
        return AlertListing(f"{source}:", firing, 0, MAX_ROWS, with_incidents=False)
    offset, limit = counted(asked)
    oldest_first = asked.query.get("order", "").lower() == "asc"
    return AlertListing(f"{source}:", firing, offset, limit, oldest_first=oldest_first)


def counted(asked: ApiRequest) -> tuple[int, int]:
    """Offset and limit. Raises: InvalidInput."""
    offset = _number(asked, "offset", 0)
    limit = min(_number(asked, "limit", DEFAULT_LIMIT), MAX_LIMIT)
    if offset + limit > MAX_ROWS:
        raise InvalidInput(f"offset and limit together are more than {MAX_ROWS}", "/offset")
    return offset, max(1, limit)


def _number(asked: ApiRequest, name: str, default: int) -> int:
    given = asked.query.get(name, "")
    if not given:
        return default
    if not re.fullmatch(r"[0-9]{1,6}", given):
        raise InvalidInput("Expected a number", f"/{name}")
    return int(given)
