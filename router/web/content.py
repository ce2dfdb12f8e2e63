"""What requests and answers of the API hold: JSON, as structs; and the incident that a path names."""

from http import HTTPStatus
from typing import TypeVar

import msgspec
from aiohttp import web

from router.model.incident import Incident
from router.ports import Bad, Store

T = TypeVar("T", bound=msgspec.Struct)


def answer(content: object, status: int = HTTPStatus.OK) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(content), content_type="application/json")


async def body(request: web.Request, type_: type[T]) -> T:
    """The body as a `type_`; none at all is an empty object. Raises: Bad, which names the field."""
    raw = await request.read()
    try:
        return msgspec.json.decode(raw if raw.strip() else b"{}", type=type_)
    except msgspec.DecodeError as error:
        detail, _, field = str(error).partition(" - at `$.")
        raise Bad(detail, f"/{field.rstrip('`')}" if field else "") from None
    except UnicodeDecodeError:
        raise Bad("text that isn't UTF-8") from None


def number(request: web.Request, name: str, default: int) -> int:
    """A query parameter. Raises: Bad."""
    text = request.query.get(name, str(default))
    if not (text.isascii() and text.isdigit() and len(text) < 16):
        raise Bad(f"?{name}= takes a whole number", f"/{name}")
    return int(text)


async def incident_named(request: web.Request, store: Store) -> Incident:
    """By number or name in the path's `{id}`: 142, INC-142. Raises: aiohttp's HTTPNotFound."""
    text = request.match_info["id"].upper().removeprefix("INC-")
    found = await store.incident(int(text)) if text.isascii() and text.isdigit() and len(text) < 16 else None
    if found is None:
        raise web.HTTPNotFound(text=f"there's no incident {request.match_info['id']}")
    return found
