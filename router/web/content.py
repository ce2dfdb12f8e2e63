"""What requests and answers of the API hold: JSON, decoded into structs and encoded from them."""

from http import HTTPStatus
from typing import TypeVar

import msgspec
from aiohttp import web

from router.ports import Bad

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
