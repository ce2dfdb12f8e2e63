"""A problem as a page: the error, a way back, and the text that was typed."""

from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import urlsplit

import msgspec
from aiohttp import web

from router.web.api.content import FORM
from router.web.auth import reads_html
from router.web.origin import PUBLIC, is_below
from router.web.pages.frame import FRAME, inside
from router.web.pages.page import page
from router.web.problem import PROBLEM

KEPT = ("Allow", "Retry-After", "WWW-Authenticate", "Set-Cookie")
"""Headers that the page of a problem keeps."""

SECRET = ("password", "token", "secret", "csrf", "confirm")
"""Words in the names of secret fields, which are not shown again."""


def readable(request: web.Request, answer: web.StreamResponse) -> web.StreamResponse:
    """Return a problem as a page to a client that accepts HTML."""
    if answer.content_type != PROBLEM or not reads_html(request):
        return answer
    assert isinstance(answer, web.Response)
    assert isinstance(answer.body, bytes)
    problem = msgspec.json.decode(answer.body)
    kept = {name: answer.headers[name] for name in KEPT if name in answer.headers}
    shown = {"title": problem["title"], "text": problem["detail"]}
    if answer.status == HTTPStatus.UNAUTHORIZED or _is_public(request):
        return page("message.html", status=answer.status, headers=kept, **shown)
    return inside(
        request,
        "error.html",
        status=answer.status,
        headers=kept,
        back=came_from(request),
        typed=typed(request.get(FORM, {})),
        **shown,
    )


def typed(form: Mapping[str, str]) -> list[tuple[str, str]]:
    """Return the fields of a form that a person filled in, without secrets."""
    return [(name, value) for name, value in form.items() if value and not is_secret(name)]


def is_secret(name: str) -> bool:
    """Report whether a field is not shown again: a password, or a confirmation."""
    return any(word in name.lower() for word in SECRET)


def _is_public(request: web.Request) -> bool:
    return is_below(request.path, PUBLIC) or FRAME not in request.app


def came_from(request: web.Request) -> str:
    """Return the path of the form's page, or else of the page above it."""
    came = urlsplit(request.headers.get("Referer", ""))
    if came.netloc == request.host and came.path not in {"", request.path}:
        return f"{came.path}?{came.query}" if came.query else came.path
    above = request.path.rpartition("/")[0]
    return above if above and request.method != "GET" else "/incidents"


def as_sentence(detail: str) -> str:
    """Return an error's detail as a sentence: with a capital letter and a full stop."""
    return f"{detail[:1].upper()}{detail[1:].removesuffix('.')}."
