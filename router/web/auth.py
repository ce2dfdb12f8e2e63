"""Who may use the API."""

import hashlib
import hmac
from enum import IntEnum

from aiohttp import web

from router.config.document import Auth
from router.ports import Unauthorized


class Role(IntEnum):
    """A role may do all that a lower one may."""

    VIEWER = 1
    RESPONDER = 2
    ADMIN = 3


def whoever(request: web.Request, auth: Auth, needed: Role, *, in_query: bool = False) -> str:
    """The name of who asks, if they may do what needs that role.

    Without any token configured, anybody may do everything, under the name in `X-Router-User`. With them, the name
    is the token's. With `in_query` it may also come as `?token=`, for programs that can send no header.
    Raises: Unauthorized, aiohttp's HTTPForbidden.
    """
    if not auth.tokens:
        return request.headers.get("X-Router-User", "") or "api"
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if in_query and not token:
        scheme, token = "bearer", request.query.get("token", "")
    digest = hashlib.sha256(token.strip().encode("utf-8", "surrogatepass")).hexdigest()
    found = [(name, known) for name, known in auth.tokens.items() if hmac.compare_digest(known.sha256, digest)]
    if scheme.lower() != "bearer" or not found:
        raise Unauthorized("a known API token is needed: Authorization: Bearer TOKEN")
    name, known = found[0]
    if Role[known.role.upper()] < needed:
        raise web.HTTPForbidden(text=f"this needs the role {needed.name.lower()}, and '{name}' is {known.role}")
    return name
