"""Query parameters of Alertmanager's API: flags, and matchers, one in each parameter."""

import re
from collections.abc import Iterable
from http import HTTPStatus

from aiohttp import web

from router.core.rules.matcher import Matcher, MatchOp, parse_matchers
from router.web.alertmanager.failure import Refused

TRUE = frozenset({"true", "1", "yes", "ok", "y", "on", "selected", "checked", "t", "enabled"})
"""Spellings of true in a query, as go-openapi reads them; all other text is false."""

_CLASSIC = re.compile(
    r"\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(=~|=|!=|!~)\s*(.*?)\s*", re.ASCII | re.DOTALL
)
_VALUE = re.compile(r'"((?:\\.|[^"\\])*+)"|((?:\\.|[^"\\])*+\\?)', re.DOTALL)
_ESCAPE = re.compile(r'\\([n"\\])')


def flags(request: web.Request, names: Iterable[str]) -> dict[str, bool]:
    """Return the flags in the query, without those that are missing or empty."""
    query = request.query
    return {name: query[name].lower() in TRUE for name in names if query.get(name)}


def parsed_filter(request: web.Request, name: str) -> tuple[Matcher, ...]:
    """Parse the matchers of a repeated parameter. Raises: Refused."""
    try:
        return tuple(map(parse_matcher, request.query.getall(name, [])))
    except ValueError as error:
        raise Refused(HTTPStatus.BAD_REQUEST, str(error)) from None


def parse_matcher(text: str) -> Matcher:
    """Parse one matcher, by the classic grammar if it accepts the text, as Alertmanager does.

    So `a=b,c=d` compares with `b,c=d`. Raises: ValueError, in Alertmanager's words.
    """
    if text.startswith("{") or text.endswith("}"):
        raise ValueError(f"unexpected open or close brace: {text}")
    try:
        return _classic(text)
    except ValueError as error:
        try:
            (matcher,) = parse_matchers(text)
        except ValueError:
            raise error from None
        return matcher


def _classic(text: str) -> Matcher:
    """Raises: ValueError."""
    found = _CLASSIC.fullmatch(text)
    if found is None:
        raise ValueError(f"bad matcher format: {text}")
    name, op, raw = found.groups()
    value = _VALUE.fullmatch(raw)
    if value is None:
        raise ValueError(f"matcher value contains unescaped double quote: {raw}")
    inner = value[2] if value[1] is None else value[1]
    return Matcher(name, MatchOp(op), _ESCAPE.sub(_unescaped, inner))


def _unescaped(escape: re.Match[str]) -> str:
    return "\n" if escape[1] == "n" else escape[1]
