"""What requests and answers of the API hold: JSON, as structs; and the incident that a path names."""

import re
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, TypeVar
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from router.core.text.plain import plain
from router.model.event import Command
from router.model.incident import OPEN, Incident, Severity, Status
from router.ports.errors import InvalidInput
from router.ports.store import Store

COMMANDS: Mapping[str, Command] = {
    "ack": Command.ACKNOWLEDGE,
    "escalate": Command.ESCALATE,
    "resolve": Command.RESOLVE,
    "false-positive": Command.FALSE_POSITIVE,
    "note": Command.NOTE,
    "severity": Command.SEVERITY,
    "assign": Command.ASSIGN,
    "status": Command.STATUS,
    "publish": Command.PUBLISH,
    "announce": Command.ANNOUNCE,
}
"""By the last part of their path, in the API and on pages."""

T = TypeVar("T", bound=msgspec.Struct)

MAX_FORM = 64 * 1024
"""Bytes of a page's form."""

MAX_FIELDS = 20

LONGEST_TEXT = 10_000
"""Characters that somebody may write at once: it's on the timeline, and so in every message after
it.
"""

Text = Annotated[str, Meta(max_length=LONGEST_TEXT)]

PICTURE = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
    "X-Content-Type-Options": "nosniff",
}
"""Headers of a chart. An SVG has its styles inside, and may do nothing else."""

YEAR = 366 * 86_400.0


class CommandBody(Struct, frozen=True, forbid_unknown_fields=True):
    """What a command says beside itself: see `Commanded`.

    All of it is optional, but for what the command needs.
    """

    text: Text = ""
    severity: Severity | None = None
    status: Status | None = None
    title: str = ""

    def check(self, command: Command) -> None:
        """Raises: Bad."""
        if command is Command.NOTE and not self.text:
            raise InvalidInput("a note needs a text", "/text")
        if command is Command.SEVERITY and self.severity is None:
            raise InvalidInput("give the severity to set: P0, P1, P2 or P3", "/severity")
        if command is Command.STATUS and self.status not in OPEN:
            raise InvalidInput(
                f"give the status to set: {', '.join(OPEN)}; there are commands to close it",
                "/status",
            )


def answer(content: object, status: int = HTTPStatus.OK) -> web.Response:
    return web.Response(
        status=status, body=msgspec.json.encode(content), content_type="application/json"
    )


def drawn(svg: bytes) -> web.Response:
    """A chart."""
    return web.Response(body=svg, content_type="image/svg+xml", headers=PICTURE)


async def body(request: web.Request, type_: type[T]) -> T:
    """The body as a `type_`; none at all is an empty object. Raises: Bad, which names the field."""
    raw = await request.read()
    try:
        return msgspec.json.decode(raw if raw.strip() else b"{}", type=type_)
    except msgspec.DecodeError as error:
        detail, _, field = str(error).partition(" - at `$.")
        raise InvalidInput(detail, _pointer(field.rstrip("`"))) from None
    except UnicodeDecodeError:
        raise InvalidInput("text that isn't UTF-8") from None


def _pointer(path: str) -> str:
    """Msgspec's `plan.steps[0].by` as a JSON Pointer; it doesn't name the key of a mapping, where
    the pointer ends.
    """
    steps = re.findall(r"[^.\[\]]+", path.split("[...]", maxsplit=1)[0])
    return "".join(f"/{step}" for step in steps)


async def form(request: web.Request, most: int = MAX_FORM) -> dict[str, str]:
    """The fields of a page's form, of at most so many bytes.

    Raises: Bad, aiohttp's HTTPRequestEntityTooLarge.
    """
    raw = await request.clone(client_max_size=most).read()
    try:
        fields = parse_qsl(
            raw.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MAX_FIELDS
        )
    except ValueError:
        raise InvalidInput("the form has more fields than any of ours") from None
    return {name: value.replace("\r\n", "\n").strip() for name, value in fields}


def check_ahead(at: float, now: float, pointer: str) -> None:
    """That a time which somebody gives isn't beyond what can be shown, or meant. Raises: Bad."""
    if at > now + YEAR:
        raise InvalidInput("that's more than a year ahead", pointer)


def idempotency_key(request: web.Request) -> str:
    """By which the same request is known again; one of its own, if it has none."""
    return plain(request.headers.get("Idempotency-Key", ""))[:100] or secrets.token_hex(8)


def number(request: web.Request, name: str, default: int) -> int:
    """A query parameter. Raises: Bad."""
    text = request.query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise InvalidInput(f"?{name}= takes a whole number", f"/{name}")
    return int(text)


async def incident_named(request: web.Request, store: Store) -> Incident:
    """By number or name in the path's `{id}`: 142, INC-142. Raises: aiohttp's HTTPNotFound."""
    text = request.match_info["id"].upper().removeprefix("INC-")
    found = (
        await store.incident(int(text))
        if text.isascii() and text.isdigit() and len(text) < 16
        else None
    )
    if found is None:
        raise web.HTTPNotFound(text=f"there's no incident {request.match_info['id']}")
    return found
