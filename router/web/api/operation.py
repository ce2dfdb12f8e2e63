"""Declare an API operation once: its route and its part of the OpenAPI document come from it.

A handler is a method with the decorator `operation`. Its signature holds the types: `query` is the
struct of the query parameters, `body` the struct of the request body, the return type the struct of
the answer; `call` is the request itself. The role is checked, and query and body are decoded,
before the handler runs.
"""

import functools
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import UnionType
from typing import Any, Generic, TypeVar, Union, get_args, get_origin, get_type_hints

from aiohttp import web
from msgspec import Struct

from router.web.access.audit_note import SUMMARY
from router.web.api.content import answer, decode, query, text_of
from router.web.api.repeats import HEADER, REPEATS, unchanged
from router.web.auth import Role, caller
from router.web.body import read_body

BASE = "/api/v1"
JSON = "application/json"

T = TypeVar("T")
H = TypeVar("H", bound=Callable[..., Awaitable[Any]])

_MARK = "__operation__"


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose sender `by` has the role that the operation needs."""

    request: web.Request
    by: str


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """An answer with its own status or headers."""

    value: T
    status: int = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One operation below `/api/v1`.

    `statuses` are those of an answer of the type `answer`, the usual one first; None: no JSON.
    A `repeatable` one is run once for each `Idempotency-Key`.
    `media` is the content type of the answer, `accepts` that of a request body beside JSON, and
    `problems` are the statuses of RFC 9457 problems that only this operation has.
    """

    name: str
    method: str
    path: str
    summary: str
    role: Role | None
    statuses: tuple[int, ...]
    problems: tuple[int, ...]
    answer: type | None
    query: type[Struct] | None
    body: type[Struct] | None
    media: str
    offers: str
    accepts: str
    any_body: bool
    headers: tuple[str, ...]
    token_in_query: bool
    in_browser: bool
    takes_call: bool
    repeatable: bool


def operation(  # noqa: PLR0913 - a declaration
    method: str,
    path: str,
    summary: str,
    role: Role | None = Role.VIEWER,
    *,
    statuses: tuple[int, ...] = (HTTPStatus.OK,),
    problems: tuple[int, ...] = (),
    media: str = JSON,
    offers: str = "",
    accepts: str = "",
    any_body: bool = False,
    headers: tuple[str, ...] = (),
    token_in_query: bool = False,
    in_browser: bool = False,
    has_secret: bool = False,
) -> Callable[[H], H]:
    """Declare the decorated method as the handler of an operation.

    `offers` is a second content type of the answer; with `any_body` the handler reads the body
    itself; `headers` are the request headers that it reads. `in_browser`: scripts of pages use it,
    with the credentials of the page. An answer that `has_secret` is not kept for a repetition.
    """

    def declare(handler: H) -> H:
        hints = get_type_hints(handler)
        handler.__dict__[_MARK] = Operation(
            name=handler.__name__,
            method=method,
            path=path,
            summary=summary,
            role=role,
            statuses=statuses,
            problems=problems,
            answer=_answered(hints["return"]),
            query=hints.get("query"),
            body=_struct(hints.get("body")),
            media=media,
            offers=offers,
            accepts=accepts,
            any_body=any_body,
            headers=headers,
            token_in_query=token_in_query,
            in_browser=in_browser,
            takes_call="call" in hints,
            repeatable=not (method == "GET" or any_body or has_secret or HEADER in headers),
        )
        return handler

    return declare


def _struct(hint: Any) -> type[Struct] | None:
    """Return the struct of a body; a text is the body of another content type."""
    found: type[Struct] | None = next((each for each in get_args(hint) if each is not str), hint)
    return found


def _answered(hint: Any) -> type | None:
    """Return the struct of an answer; None where the handler makes every response itself."""
    if get_origin(hint) in {Union, UnionType}:
        (hint,) = (each for each in get_args(hint) if each is not web.Response)
    if get_origin(hint) is Answer:
        (hint,) = get_args(hint)
    return None if issubclass(hint, web.StreamResponse) else hint


def operation_of(handler: Callable[..., Any]) -> Operation:
    """Return the operation that the method implements."""
    found: Operation = getattr(handler, _MARK)
    return found


def operations(part: type) -> Iterator[Operation]:
    """Yield the operations of a class of handlers, in the order of their definition."""
    for member in vars(part).values():
        if found := getattr(member, "__dict__", {}).get(_MARK):
            yield found


def routes(part: object) -> list[web.RouteDef]:
    """Return a route for each operation of `part`."""
    found = []
    for described in operations(type(part)):
        handle = functools.partial(_handle, described, getattr(part, described.name))
        register = (
            web.get if described.method == "GET" else functools.partial(web.route, described.method)
        )
        found.append(register(BASE + described.path, handle))
    return found


async def _handle(
    described: Operation,
    handler: Callable[..., Awaitable[Any]],
    request: web.Request,
) -> web.StreamResponse:
    """Check the role, decode, call the handler, encode.

    Raises: Unauthorized, InvalidInput, aiohttp's 403.
    """
    by = ""
    if (
        described.method != "GET"
        and described.role is not None
        and described.role >= Role.RESPONDER
    ):
        about = ", ".join(request.match_info.values())
        request[SUMMARY] = described.summary.rstrip(".") + (f" ({about})" if about else "")
    if described.role is not None:
        by = caller(
            request,
            described.role,
            in_query=described.token_in_query,
            in_browser=described.in_browser,
        )
    given: dict[str, Any] = {"call": Call(request, by)} if described.takes_call else {}
    if described.query is not None:
        given["query"] = query(request, described.query)
    run = functools.partial(_run, described, handler, given)
    if described.method == "GET":
        return unchanged(request, await run())
    if described.any_body:
        return await run()
    raw = await read_body(request, request.client_max_size)
    if described.body is not None:
        other = bool(described.accepts) and request.content_type == described.accepts
        given["body"] = text_of(raw) if other else decode(raw, described.body)
    return await (
        request.app[REPEATS].once(request, by, raw, run) if described.repeatable else run()
    )


async def _run(
    described: Operation, handler: Callable[..., Awaitable[Any]], given: Mapping[str, Any]
) -> web.StreamResponse:
    """Call the handler, and encode its answer."""
    found = await handler(**given)
    if isinstance(found, web.StreamResponse):
        return found
    if not isinstance(found, Answer):
        found = Answer(found, described.statuses[0])
    response = answer(found.value, found.status)
    response.headers.update(found.headers)
    return response
