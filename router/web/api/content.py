"""Read requests and write JSON answers; find the incident that a path names."""

import asyncio
import functools
import re
import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from http import HTTPStatus
from typing import Annotated, Any, TypeVar
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web
from msgspec import Meta

from router.chart import ChartsMissing
from router.core.text.plain import plain
from router.model.incident import OPEN, Incident
from router.ports.errors import InvalidInput
from router.ports.store import AlertRow, Store
from router.web.body import read_body

T = TypeVar("T", bound=msgspec.Struct)

MAX_FORM = 64 * 1024
"""Maximum bytes of a page's form."""

MAX_FIELDS = 20

FORM: web.RequestKey[dict[str, str]] = web.RequestKey("form", dict[str, str])
"""The fields of the request's form, which an error page shows again."""

LONGEST_TEXT = 10_000
"""Maximum characters of a text, since it's on the timeline, and so in every later message."""

MAX_PAGE = 1_000
"""Maximum rows per page of an answer."""

LARGEST = 10**15 - 1
"""The largest number in a request: any database can store it."""

Text = Annotated[str, Meta(max_length=LONGEST_TEXT)]
Count = Annotated[int, Meta(ge=0, le=LARGEST)]
Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"})]
"""RFC 3339, in UTC."""

Limit = Annotated[
    int, Meta(ge=0, le=MAX_PAGE, description=f"Rows of the page, at most {MAX_PAGE}. Default: 100.")
]

PICTURE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of a chart. An SVG contains its own styles, and may do nothing else."""

YEAR = 366 * 86_400.0


def limited(limit: int) -> int:
    """Return how many rows an answer to `?limit=` has."""
    return max(1, min(limit, MAX_PAGE))


def answer(content: object, status: int = HTTPStatus.OK) -> web.Response:
    return web.Response(
        status=status, body=msgspec.json.encode(content), content_type="application/json"
    )


def drawn(svg: bytes) -> web.Response:
    """Return a chart as a response."""
    return web.Response(body=svg, content_type="image/svg+xml", headers=PICTURE)


async def draw(chart: Callable[[T], bytes], given: T) -> web.Response:
    """Draw a chart in a thread. Raises: aiohttp's HTTPNotImplemented if charts are missing."""
    try:
        return drawn(await asyncio.to_thread(chart, given))
    except ChartsMissing as error:
        raise web.HTTPNotImplemented(text=str(error)) from None


async def body(request: web.Request, type_: type[T]) -> T:
    """Read and decode the body. Raises: InvalidInput, which names the field."""
    return decode(await read_body(request, request.client_max_size), type_)


def text_of(raw: bytes) -> str:
    """Return a body of text. Raises: InvalidInput."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        raise InvalidInput("the body is not UTF-8") from None


def decode(raw: bytes, type_: type[T]) -> T:
    """Decode a body; an empty one is an empty object.

    Raises: InvalidInput, which names the field.
    """
    try:
        return msgspec.json.decode(raw if raw.strip() else b"{}", type=type_)
    except msgspec.DecodeError as error:
        raise invalid(error) from None
    except UnicodeDecodeError:
        raise InvalidInput("the body is not UTF-8") from None


def invalid(error: msgspec.DecodeError) -> InvalidInput:
    """Return msgspec's error as a problem, with a JSON Pointer to the field."""
    detail, _, path = str(error).partition(" - at `$.")
    pointer = _pointer(path.rstrip("`"))
    if missing := re.search(r"required field `(\w+)`", detail):
        pointer += f"/{missing[1]}"
    return InvalidInput(detail, pointer)


def _pointer(path: str) -> str:
    """Return `plan.steps[0].by` as a JSON Pointer.

    msgspec omits the keys of mappings, so the pointer ends there.
    """
    steps = re.findall(r"[^.\[\]]+", path.split("[...]", maxsplit=1)[0])
    return "".join(f"/{step}" for step in steps)


def query(request: web.Request, type_: type[T]) -> T:
    """Decode the query parameters; unknown and empty ones are ignored.

    Raises: InvalidInput, which names the parameter.
    """
    known = schemas(type_)
    given: dict[str, Any] = {}
    for name, schema in known.items():
        if values := [value for value in request.query.getall(name, []) if value]:
            given[name] = values if schema.get("type") == "array" else values[0]
    try:
        return msgspec.convert(given, type_, strict=False)
    except msgspec.ValidationError as error:
        name = re.findall(r"\$\.(\w+)", str(error))[0]
        raise InvalidInput(f"?{name}= takes {_expected(known[name])}", f"/{name}") from None


@functools.cache
def schemas(type_: type[msgspec.Struct]) -> Mapping[str, dict[str, Any]]:
    """Return the JSON Schema of each field, by its name in requests."""
    fields = msgspec.structs.fields(type_)
    return {each.encode_name: msgspec.json.schema(each.type) for each in fields}


def _expected(schema: Mapping[str, Any]) -> str:
    """Describe the values of a query parameter."""
    for part in (*schema.get("$defs", {}).values(), schema):
        if "enum" in part:
            return f"one of: {', '.join(part['enum'])}"
    kinds = {"integer": "a whole number", "boolean": "true or false"}
    return kinds.get(schema.get("type", ""), "text")


async def form(request: web.Request, most: int = MAX_FORM) -> dict[str, str]:
    """Read a page's form of at most `most` bytes. Raises: InvalidInput, HTTP 413."""
    return dict(await fields(request, most))


async def fields(
    request: web.Request, most: int = MAX_FORM, count: int = MAX_FIELDS
) -> list[tuple[str, str]]:
    """Read the fields of a page's form, in which names may repeat. Raises: as `form`."""
    raw = await read_body(request, most)
    text = raw.decode("utf-8", "replace")
    try:
        found = parse_qsl(text, keep_blank_values=True, max_num_fields=count)
    except ValueError:
        raise InvalidInput(f"the form has more than {count} fields") from None
    filled = [(name, value.replace("\r\n", "\n").strip()) for name, value in found]
    request[FORM] = dict(filled)
    return filled


def check_ahead(at: float, now: float, pointer: str) -> None:
    """Refuse a time more than a year ahead. Raises: InvalidInput."""
    if at > now + YEAR:
        raise InvalidInput("more than a year ahead", pointer)


def idempotency_key(request: web.Request) -> str:
    """Return the request's `Idempotency-Key`, or a random key if it has none."""
    return plain(request.headers.get("Idempotency-Key", ""))[:100] or secrets.token_hex(8)


async def find_incident(name: str, store: Store) -> Incident | None:
    """Find an incident by its number or name: 142 or INC-142."""
    text = name.strip().upper().removeprefix("INC-")
    valid = text.isascii() and text.isdigit() and len(text) < 16
    return await store.incident(int(text)) if valid else None


async def incident_named(request: web.Request, store: Store) -> Incident:
    """Find the incident of the path's `{id}`. Raises: aiohttp's HTTPNotFound."""
    found = await find_incident(request.match_info["id"], store)
    if found is None:
        raise web.HTTPNotFound(text=f"there is no incident {request.match_info['id']}")
    return found


async def firing_alerts(store: Store) -> AsyncIterator[AlertRow]:
    """Yield all firing alerts by fingerprint, with each rule that matches them."""
    after = ""
    while page := await store.alerts(firing=True, after=after, limit=MAX_PAGE):
        for row in page:
            yield row
        after = page[-1].rule_match.fingerprint


async def open_incidents(store: Store) -> AsyncIterator[Incident]:
    """Yield all open incidents, the newest first."""
    before = 0
    while page := await store.incidents(statuses=OPEN, before=before, limit=MAX_PAGE):
        for incident in page:
            yield incident
        before = page[-1].id
