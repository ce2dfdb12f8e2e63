"""Finds the identity behind each request, before its handler runs.

A path is either public or needs an identity. So even if a handler forgets to check the role, people
who aren't signed in can't use it.
"""

from collections.abc import Awaitable, Callable
from urllib.parse import quote

from aiohttp import web
from aiohttp.typedefs import Middleware

from router.config.config_file import ConfigFile
from router.ports.errors import InvalidInput, Unauthorized
from router.web.access.audit import AuditLog
from router.web.access.cookies import FRESH, add_cookie, name_of
from router.web.access.identities import API, Identities
from router.web.access.kept_forms import KeptForms
from router.web.auth import (
    IDENTITY,
    Credential,
    Identity,
    Role,
    identify,
    reads_html,
)
from router.web.origin import POSTS, PUBLIC, SAFE, SERVICES, is_below
from router.web.problem import Handler

SIGN_IN = "/sign-in"

OPEN = (*PUBLIC, *SERVICES, SIGN_IN, "/webhooks", "/heartbeat", "/metrics", "/api/v1/openapi.json")
"""Public paths, with all paths below. Webhooks and heartbeats check their own secrets."""


def gate(identities: Identities, audit: AuditLog, forms: KeptForms) -> Middleware:
    """Store the identity of each request at `IDENTITY`; refuse requests without an identity."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        """Raises: Unauthorized, StoreUnavailable, aiohttp's HTTPForbidden and HTTPSeeOther."""
        posts = request.method == "POST" and request.path in POSTS
        if posts or is_below(request.path, OPEN) or request.match_info.http_exception is not None:
            return await handler(request)
        found = await identities.of(request)
        if found is not None:
            _check_origin(request, found)
            _check_area(request, found)
            request[IDENTITY] = found
        try:
            if found is None:
                identify(request, Role.VIEWER, in_browser=not request.path.startswith(API))
            return await _audited(request, handler, found, audit)
        except Unauthorized:
            if found is None and (key := await forms.keep(request)):
                raise forms.redirect(key, SIGN_IN) from None
            if _may_sign_in(request):
                raise web.HTTPSeeOther(_sign_in_path(request)) from None
            raise

    return check


async def _audited(
    request: web.Request, handler: Handler, who: Identity | None, audit: AuditLog
) -> web.StreamResponse:
    """Call the handler, with an entry in the audit log around its write.

    If the handler fails, the entry isn't completed, because what was written is unknown.
    """
    key = "" if who is None else await audit.begin(request, who)
    if who is None or not key:
        return await handler(request)
    try:
        response = await handler(request)
    except web.HTTPRedirection:
        await audit.complete(key, request, who)
        raise
    except (InvalidInput, Unauthorized, web.HTTPClientError):
        await audit.drop(key)
        raise
    if response.status < 400 and "Idempotency-Replayed" not in response.headers:
        await audit.complete(key, request, who)
    else:
        await audit.drop(key)
    return response


def fresh_cookie(
    config_file: Callable[[], ConfigFile],
) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """Return a handler of `on_response_prepare` that sets the replaced cookie of a session."""

    async def prepare(request: web.Request, response: web.StreamResponse) -> None:
        config = config_file()
        value = request.get(FRESH)
        if value is None or name_of(config) in response.cookies:
            return
        if value != request.cookies.get(name_of(config), ""):
            add_cookie(response, value, config)

    return prepare


def _check_origin(request: web.Request, found: Identity) -> None:
    """Refuse a write with a cookie but without an Origin header, which every browser sends."""
    sent = {"Sec-Fetch-Site", "Origin"} & request.headers.keys()
    if found.credential is Credential.COOKIE and request.method not in SAFE and not sent:
        raise web.HTTPForbidden(
            text="a session cookie needs the header Origin, as browsers send it: use an API token"
        )


def area_of(path: str) -> str:
    """Return the area of a path: the part after `/api/v1`, or `pages`."""
    parts = path.split("/")
    return parts[3] if path.startswith(API) and len(parts) > 3 else "pages"


def _check_area(request: web.Request, found: Identity) -> None:
    """Raises: aiohttp's HTTPForbidden."""
    if found.areas and area_of(request.path) not in found.areas:
        areas = ", ".join(sorted(found.areas))
        raise web.HTTPForbidden(text=f"this token is limited to: {areas}")


def _may_sign_in(request: web.Request) -> bool:
    """Return whether the request is from a person who opened a page, and can sign in."""
    return request.method in SAFE and reads_html(request) and "Authorization" not in request.headers


def _sign_in_path(request: web.Request) -> str:
    return SIGN_IN if request.path == "/" else f"{SIGN_IN}?next={quote(request.path_qs, safe='/')}"
