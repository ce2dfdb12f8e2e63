"""Pages over API operations: they show the answers of operations, and pass forms on to them.

A screen decides nothing. Its form has the fields of the operation's body. A field that is a list
has one item per line, and empty fields are left out. A refused form is shown again as it was filled
in, with the error beside its field. An accepted form redirects to a page, which shows a notice
once.
"""

from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, ClassVar
from urllib.parse import quote

import msgspec
from aiohttp import web
from msgspec import Struct

from router.ports.errors import InvalidInput
from router.web.api.content import form, invalid, schemas
from router.web.api.operation import Answer, Call, Operation, operation_of
from router.web.auth import Role, caller
from router.web.pages import notices
from router.web.pages.frame import inside

Handler = Callable[..., Awaitable[Any]]
"""The method of an operation."""

REFUSED = (web.HTTPBadRequest, web.HTTPConflict, web.HTTPNotFound, web.HTTPUnprocessableEntity)
"""Refusals that are shown with the form."""


class Typed(Struct, frozen=True):
    """The fields of a form as filled in, and `error` about `field` ("" for the whole form)."""

    fields: Mapping[str, str] = {}
    error: str = ""
    field: str = ""

    def value(self, name: str, default: str = "") -> str:
        return self.fields.get(name, default)

    def wrong(self, name: str) -> str:
        """Return the error beside the field; "" if there is none."""
        return self.error if self.field == name else ""


class Screen:
    """A page at `path`, made from `template`. `notices` has the sentence of each accepted form."""

    path: ClassVar[str]
    template: ClassVar[str]
    notices: ClassVar[Mapping[str, str]] = {}

    def routes(self) -> list[web.RouteDef]:
        return [web.get(self.path, self.show)]

    async def content(self, request: web.Request) -> Mapping[str, Any]:
        """Return what the template shows."""
        raise NotImplementedError

    async def show(self, request: web.Request, typed: Typed | None = None) -> web.Response:
        """Return the page; with `typed`, as the answer to a form that was not accepted."""
        caller(request, Role.VIEWER, in_browser=True)
        typed = typed or Typed(dict(request.query))
        response = inside(
            request,
            self.template,
            status=HTTPStatus.UNPROCESSABLE_ENTITY if typed.error else HTTPStatus.OK,
            may_act=may(request, Role.RESPONDER),
            typed=typed,
            notice=self.notices.get(notices.last(request), ""),
            **await self.content(request),
        )
        return notices.forget(request, response)

    def _here(self, request: web.Request) -> str:
        """Return the path of this page, with the names that its route has."""
        names = {name: quote(text, safe="") for name, text in request.match_info.items()}
        return self.path.format(**names)

    def posts(
        self, path: str, handler: Handler, notice: str, back: Callable[[Any], str] | None = None
    ) -> web.RouteDef:
        """Return the route of a form for the operation.

        It redirects to this page, or to the path that `back` derives from the operation's answer.
        """

        async def submit(request: web.Request) -> web.Response:
            fields = await form(request)
            try:
                answer = await perform(request, handler, fields)
            except InvalidInput as error:
                return await self.show(request, refused(fields, error))
            except REFUSED as error:
                return await self.show(request, Typed(fields, error.text or error.reason))
            raise notices.done(notice, back(answer) if back else self._here(request))

        return web.post(path, submit)


def may(request: web.Request, role: Role) -> bool:
    """Return whether the reader has the role."""
    try:
        return bool(caller(request, role, in_browser=True))
    except web.HTTPForbidden:
        return False


async def perform(request: web.Request, handler: Handler, fields: Mapping[str, str]) -> Any:
    """Call the operation with a form's fields, and return its answer.

    Raises: InvalidInput, Unauthorized, aiohttp's HTTPForbidden, and what the operation raises.
    """
    operation = operation_of(handler)
    by = caller(request, operation.role or Role.VIEWER, in_browser=True)
    given: dict[str, Any] = {"call": Call(request, by)} if operation.takes_call else {}
    if operation.body is not None:
        given["body"] = body_of(fields, operation)
    answer = await handler(**given)
    return answer.value if isinstance(answer, Answer) else answer


def body_of(fields: Mapping[str, str], operation: Operation) -> Struct:
    """Return a form's fields as the operation's body. Raises: InvalidInput, which names a field."""
    assert operation.body is not None
    known = schemas(operation.body)
    given = {
        name: _value(text, known[name].get("type", ""))
        for name, text in fields.items()
        if name in known and text
    }
    try:
        body: Struct = msgspec.convert(given, operation.body, strict=False)
    except msgspec.ValidationError as error:
        raise invalid(error) from None
    return body


def _value(text: str, type_: str) -> Any:
    """Return a field's text as a list of its lines, as `NAME=VALUE` lines, or as it is."""
    match type_:
        case "array":
            return [line for line in text.splitlines() if line.strip()]
        case "object":
            pairs = (line.partition("=") for line in text.splitlines() if line.strip())
            return {name.strip(): value.strip().strip('"') for name, _, value in pairs}
        case _:
            return text


def refused(fields: Mapping[str, str], error: InvalidInput) -> Typed:
    """Return a form with the error beside the field that the error's JSON Pointer names."""
    name = error.pointer.strip("/").partition("/")[0]
    return Typed(fields, error.detail, name if name in fields else "")
