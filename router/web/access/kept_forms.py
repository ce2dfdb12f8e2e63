"""Keeps forms that were sent after the session had ended, until the sender signs in again.

The form's key is in a cookie of the browser that sent it, so nobody can make somebody else send the
form. Secrets aren't kept. Strangers can't fill the store, since only few forms are kept, and only
for a short time.
"""

import secrets
from collections import Counter
from collections.abc import Callable

from aiohttp import web
from msgspec import Struct

from router.config.config_file import ConfigFile
from router.core.outbox.keyed_limit import KeyedLimit
from router.model.access import KEPT_FORM
from router.ports.clock import Clock
from router.ports.store import Store
from router.records.records import Records
from router.web.access.client import address_of
from router.web.access.cookies import is_secure
from router.web.api.content import fields
from router.web.auth import Role, identify, reads_html
from router.web.pages.errors import came_from, is_secret
from router.web.pages.frame import inside

PATH = "/not-sent"
COOKIE = "not-sent"

LIFE = 3600.0
"""Seconds for which a form is kept."""

MOST = 50
"""Maximum forms that are kept at the same time, for all senders together."""

BY_CLIENT = (10, LIFE)
"""Maximum forms from one address, and the period in seconds."""

LARGEST = 256 * 1024
"""Maximum bytes of a form. A post-mortem is long."""

MOST_FIELDS = 1_100

FORM_TYPE = "application/x-www-form-urlencoded"


class KeptForm(Struct, frozen=True):
    """The fields of a form, the path to which it's sent, and the path of its page."""

    path: str
    back: str
    fields: tuple[tuple[str, str], ...]
    expires_at: float


class KeptForms:
    """Keeps forms, and shows them again. Every method raises StoreUnavailable."""

    def __init__(self, store: Store, clock: Clock, config_file: Callable[[], ConfigFile]) -> None:
        self._forms = Records(store, KEPT_FORM, KeptForm)
        self._clock = clock
        self._config_file = config_file
        self._limit = KeyedLimit(*BY_CLIENT)

    def routes(self) -> list[web.RouteDef]:
        return [web.get(PATH, self.show)]

    async def keep(self, request: web.Request) -> str:
        """Keep the form of a request without an identity. Returns its key, "" if it is not kept.

        Raises: InvalidInput, StoreUnavailable, Overloaded.
        """
        now = self._clock.now()
        if not _is_form(request) or not self._limit.take(address_of(request), now):
            return ""
        try:
            given = await fields(request, LARGEST, MOST_FIELDS)
        except web.HTTPRequestEntityTooLarge:
            return ""
        typed = tuple(pair for pair in given if not is_secret(pair[0]))
        if (given and not typed) or not await self._has_room(now):
            return ""
        key = secrets.token_hex(16)
        kept = KeptForm(request.path_qs, came_from(request), typed, now + LIFE)
        await self._forms.add(key, kept, kept.expires_at)
        return key

    async def _has_room(self, now: float) -> bool:
        """Remove expired forms. Return whether another form may be kept."""
        for key, _ in await self._forms.find(until=now, limit=MOST):
            await self._forms.remove(key)
        return await self._forms.count() < MOST

    def redirect(self, key: str, sign_in: str) -> web.HTTPSeeOther:
        """Return the redirect to the sign-in, from which the browser comes back to its form."""
        response = web.HTTPSeeOther(f"{sign_in}?next={PATH}")
        response.set_cookie(
            COOKIE,
            key,
            path=PATH,
            max_age=int(LIFE),
            httponly=True,
            samesite="Lax",  # the redirect from an OpenID provider comes from another site
            secure=is_secure(self._config_file()),
        )
        return response

    async def show(self, request: web.Request) -> web.Response:
        """Show the form as it was filled in. It's only sent with its button."""
        identify(request, Role.VIEWER, in_browser=True)
        kept = await self._forms.get(request.cookies.get(COOKIE, ""))
        if kept is None or kept.expires_at <= self._clock.now():
            return inside(request, "not_sent.html", kept=None)
        count = Counter(name for name, _ in kept.fields)
        typed = [(name, value) for name, value in kept.fields if value and count[name] == 1]
        rest = [pair for pair in kept.fields if pair not in typed]
        return inside(request, "not_sent.html", kept=kept, typed=typed, rest=rest)


def _is_form(request: web.Request) -> bool:
    """Report whether a person sent a form from a page of a browser."""
    headers = request.headers
    return (
        request.method == "POST"
        and request.content_type == FORM_TYPE
        and reads_html(request)
        and "Authorization" not in headers
        and bool({"Sec-Fetch-Site", "Origin"} & headers.keys())
    )
