"""Errors in the form of Alertmanager's API v2: a text, or a code with a message."""

import re
from collections.abc import Awaitable, Callable
from functools import wraps
from http import HTTPStatus

import msgspec
from aiohttp import web

from router.ports.errors import InvalidInput, Overloaded, StoreUnavailable, Unauthorized
from router.web.api.content import answer
from router.web.problem import BUSY, PROBLEM

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Refused(Exception):
    """A request that Alertmanager refuses with a text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


def answered(handler: Handler) -> Handler:
    """Answer every error as Alertmanager's clients expect it."""

    @wraps(handler)
    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            return await handler(request)
        except Refused as error:
            return answer(str(error), error.status)
        except InvalidInput as error:
            return _invalid(error)
        except Unauthorized as error:
            response = failure(HTTPStatus.UNAUTHORIZED, str(error))
            response.headers["WWW-Authenticate"] = error.scheme
            return response
        except (StoreUnavailable, Overloaded) as error:
            response = failure(BUSY, str(error))
            response.headers["Retry-After"] = "1"
            return response
        except web.HTTPException as error:
            return failure(error.status, error.text or error.reason)

    return handle


MISSING = re.compile(r"Object missing required field `.+`|Expected `.+`, got `null`")
REQUIRED = 602
"""The code of go-openapi for a required field."""


def _invalid(error: InvalidInput) -> web.Response:
    path = error.pointer.strip("/").replace("/", ".")
    if MISSING.match(error.detail):
        text = f"{path} in body is required"
        return failure(HTTPStatus.UNPROCESSABLE_ENTITY, text, REQUIRED)
    return failure(HTTPStatus.BAD_REQUEST, f"{path}: {error.detail}" if path else error.detail)


def failure(status: int, message: str, code: int = 0) -> web.Response:
    """Return a failure. `code` is go-openapi's validation code, or the HTTP status."""
    return answer({"code": code or int(status), "message": message}, status)


PATHS = re.compile(r"(/webhooks/[^/]+)?/api/v2/")
"""The paths of Alertmanager's API, also below a source's path."""

KEPT = ("Allow", "Retry-After", "WWW-Authenticate")
"""Headers of a problem that the failure keeps."""


def readable_by_clients(path: str, response: web.StreamResponse) -> web.StreamResponse:
    """Convert a problem on a path of Alertmanager's API: amtool can't read problem details."""
    if response.content_type != PROBLEM or not PATHS.match(path):
        return response
    assert isinstance(response, web.Response)
    assert isinstance(response.body, bytes)
    failed = failure(response.status, msgspec.json.decode(response.body)["detail"])
    failed.headers.update(
        {name: response.headers[name] for name in KEPT if name in response.headers}
    )
    return failed
