"""The OpenAPI 3.1 document of `/api/v1/`, generated from the declared operations."""

import functools
import re
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Annotated, Any

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from router import __version__
from router.web.api.actions import Actions
from router.web.api.audit import AuditApi
from router.web.api.commands import CommandApi
from router.web.api.content import answer
from router.web.api.context import Investigation
from router.web.api.deployments import DeploymentApi
from router.web.api.devices import DeviceApi
from router.web.api.drills import Drills
from router.web.api.events import Events
from router.web.api.explain import ExplainApi
from router.web.api.heartbeats import HeartbeatApi
from router.web.api.incidents import IncidentApi
from router.web.api.operation import BASE, JSON, Operation, operation, operations
from router.web.api.overrides import Overrides
from router.web.api.overviews import OverviewApi
from router.web.api.previews import Drafts
from router.web.api.reconciliation import ReconciliationApi
from router.web.api.repeats import HEADER
from router.web.api.routing import RoutingApi
from router.web.api.schedules import Schedules
from router.web.api.search import SearchApi
from router.web.api.settings import SettingsApi
from router.web.api.silences import SilenceApi
from router.web.api.stats import Stats
from router.web.api.tokens import TokenApi
from router.web.api.users import UserApi
from router.web.postmortem.api import PostMortemPaths
from router.web.postmortem.items import ItemPaths
from router.web.statuspage.maintenance import Announcements

PROBLEM = "application/problem+json"
REFERENCE = "#/components/schemas/{name}"
HEADERS = {
    "Last-Event-ID": "The id of the last known event: later ones are sent first.",
    "If-Match": "The ETag of the version that you read.",
    "Idempotency-Key": "A repetition with the same key has no effect.",
}
TEXT = {"type": "string"}
Schemas = Mapping[type, Any]
REQUIRED_HEADERS = frozenset({"If-Match"})


class FieldProblem(Struct, frozen=True):
    """A problem of one field, which `pointer` names as a JSON Pointer."""

    pointer: str
    detail: str


class Problem(Struct, frozen=True, omit_defaults=True):
    """A problem (RFC 9457)."""

    type: str
    title: str
    status: Annotated[int, Meta(ge=400, le=599)]
    detail: str = ""
    errors: list[FieldProblem] = []


class OpenApi:
    """Serves the document, to anybody."""

    def routes(self) -> list[web.RouteDef]:
        (document,) = operations(OpenApi)
        return [web.get(BASE + document.path, self.show_openapi)]

    @operation("GET", "/openapi.json", "This document.", None)
    async def show_openapi(self, _request: web.Request) -> web.Response:
        return answer(openapi())


PARTS: Sequence[type] = (
    IncidentApi,
    Events,
    SearchApi,
    CommandApi,
    Investigation,
    Drafts,
    Actions,
    PostMortemPaths,
    ItemPaths,
    DeploymentApi,
    Schedules,
    Overrides,
    Drills,
    DeviceApi,
    HeartbeatApi,
    ReconciliationApi,
    Announcements,
    SilenceApi,
    RoutingApi,
    OverviewApi,
    SettingsApi,
    ExplainApi,
    Stats,
    UserApi,
    TokenApi,
    AuditApi,
    OpenApi,
)
OPERATIONS: Sequence[Operation] = tuple(
    operation for part in PARTS for operation in operations(part)
)
"""All operations, in the order of the docs."""


@functools.cache
def openapi() -> dict[str, Any]:
    """Return the document."""
    types = dict.fromkeys(type_ for operation in OPERATIONS for type_ in _types(operation))
    found, components = msgspec.json.schema_components(types, ref_template=REFERENCE)
    schemas = dict(zip(types, found, strict=True))
    asked = dict.fromkeys(operation.query for operation in OPERATIONS if operation.query)
    queries = {query: components.pop(query.__name__) for query in asked}
    paths: dict[str, dict[str, Any]] = {}
    for described in OPERATIONS:
        query = queries[described.query] if described.query else {}
        path = paths.setdefault(BASE + described.path, {})
        path[described.method.lower()] = _described(described, schemas, query)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "alert-router",
            "version": __version__,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}, {}],
    }


def _types(operation: Operation) -> Iterator[type]:
    yield from (type_ for type_ in (operation.answer, operation.body, operation.query) if type_)
    yield Problem


def _described(operation: Operation, schemas: Schemas, query: dict[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.path.split("/")[1].partition(".")[0]],
        "parameters": list(_parameters(operation, query)),
        "responses": _responses(operation, schemas),
    }
    if operation.role is None:
        described["security"] = [{}]
    else:
        described["x-role"] = operation.role.name.lower()
    if operation.body or operation.any_body:
        content = {JSON: {"schema": schemas[operation.body] if operation.body else {}}}
        if operation.accepts:
            content[operation.accepts] = {"schema": {"type": "string"}}
        required = operation.any_body or bool(_required(operation.body))
        described["requestBody"] = {"content": content, "required": required}
    return described


def _required(body: type[Struct] | None) -> list[str]:
    fields = msgspec.structs.fields(body) if body else ()
    return [field.encode_name for field in fields if field.required]


def _parameters(operation: Operation, query: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"{(\w+)}", operation.path):
        schema = {"type": "integer" if name == "number" else "string"}
        yield {"name": name, "in": "path", "required": True, "schema": schema}
    for name, schema in query.get("properties", {}).items():
        described = {key: value for key, value in schema.items() if key == "description"}
        rest = {key: value for key, value in schema.items() if key != "description"}
        yield {"name": name, "in": "query", **described, "schema": rest}
    if operation.token_in_query:
        description = "An API token, for programs that cannot send headers."
        yield {"name": "token", "in": "query", "description": description, "schema": TEXT}
    for name in (*operation.headers, *([HEADER] if operation.repeatable else [])):
        found = {"name": name, "in": "header", "description": HEADERS[name]}
        yield found | {"required": name in REQUIRED_HEADERS, "schema": TEXT}


def _responses(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    content: dict[str, Any] = {operation.media: {"schema": _answered(operation, schemas)}}
    if operation.offers:
        content[operation.offers] = {"schema": {"type": "string"}}
    found = {
        str(int(status)): {"description": HTTPStatus(status).phrase, "content": content}
        for status in sorted(operation.statuses)
    }
    if operation.method == "GET":
        found["304"] = {"description": "Not changed since the answer whose ETag you sent."}
    problem = {PROBLEM: {"schema": schemas[Problem]}}
    for status in sorted(_problems(operation)):
        found.setdefault(
            str(int(status)), {"description": HTTPStatus(status).phrase, "content": problem}
        )
    found["default"] = {"description": "Another problem (RFC 9457).", "content": problem}
    return found


def _answered(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    if operation.answer:
        found: dict[str, Any] = schemas[operation.answer]
        return found
    return {"type": "object"} if operation.media == JSON else {"type": "string"}


def _problems(operation: Operation) -> set[int]:
    """Return the statuses of the problems that the operation may answer with."""
    found = {*operation.problems}
    if operation.role is not None:
        found |= {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.SERVICE_UNAVAILABLE}
    if operation.query or operation.body or operation.any_body:
        found.add(HTTPStatus.BAD_REQUEST)
    if "{" in operation.path:
        found.add(HTTPStatus.NOT_FOUND)
    return found
