"""Errors as RFC 9457 problem details, for every path."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus

import msgspec
from aiohttp import web

from router.ports.errors import InvalidInput, Overloaded, StoreUnavailable, Unauthorized
from router.telemetry.logs import logger

log = logger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

PROBLEM = "application/problem+json"

BUSY = HTTPStatus.SERVICE_UNAVAILABLE
"""Never 429: Alertmanager drops a webhook on any 4xx, and retries on 5xx."""


def problem(
    status: int,
    detail: str,
    errors: Sequence[InvalidInput] = (),
    headers: Mapping[str, str] | None = None,
) -> web.Response:
    """A problem response. Each of `errors` names its field by JSON Pointer."""
    body = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    listed = [{"pointer": f"#{error.pointer}", "detail": error.detail} for error in errors]
    return web.Response(
        status=status,
        body=msgspec.json.encode(body | {"errors": listed} if listed else body),
        content_type=PROBLEM,
        headers=headers,
    )


def route_of(request: web.Request) -> str | None:
    """The route of a request, for logs, because its path may contain a secret."""
    resource = request.match_info.route.resource
    return resource.canonical if resource else None


def problem_of(error: Exception, route: str | None) -> web.Response:
    """The answer to an error of a handler. Raises: the error, if it is a redirect."""
    match error:
        case web.HTTPException() if error.status < HTTPStatus.BAD_REQUEST:
            raise error
        case web.HTTPException():
            headers = {name: error.headers[name] for name in ("Allow",) if name in error.headers}
            return problem(error.status, error.text or error.reason, headers=headers)
        case Unauthorized():
            headers = {"WWW-Authenticate": error.scheme}
            return problem(HTTPStatus.UNAUTHORIZED, str(error), headers=headers)
        case web.RequestPayloadError() | ConnectionResetError():  # broken off, or malformed
            return problem(HTTPStatus.BAD_REQUEST, "the body can't be read")
        case InvalidInput():
            return problem(HTTPStatus.BAD_REQUEST, error.detail, [error])
        case StoreUnavailable() | Overloaded():
            return problem(BUSY, str(error), headers={"Retry-After": "1"})
    # The log has the details, and reports them to Sentry. The answer has none.
    log.error("request_failed", route=route, exc_info=error)
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, "a fault of the router: see its log")
