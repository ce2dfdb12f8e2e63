"""`/sign-in/oidc`: to the OpenID provider and back."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec
from aiohttp import web

from router.config.auth import OidcConfig, role_of
from router.telemetry.logs import logger
from router.web.access.accounts import Accounts
from router.web.access.cookies import is_secure
from router.web.access.gate import SIGN_IN
from router.web.access.oidc import Flow, NotSignedIn, Person, Provider
from router.web.access.return_path import HOME, local_path
from router.web.access.sign_in import SignIn
from router.web.pages.errors import as_sentence

log = logger(__name__)

PATH = f"{SIGN_IN}/oidc"
LIFE = 600.0
"""Maximum seconds for a sign-in at the provider."""

LOST = "The sign-in took too long, or began in another browser: start again."


class OidcPages:
    """Begins a session for a person that the provider confirms, if their groups have a role."""

    def __init__(self, accounts: Accounts, sign_in: SignIn) -> None:
        self._users = accounts.users
        self._seals = accounts.seals
        self._clock = accounts.clock
        self._config_file = accounts.config_file
        self._sign_in = sign_in
        self._provider: tuple[OidcConfig, str, Provider] | None = None

    def routes(self) -> list[web.RouteDef]:
        return [web.get(PATH, self.begin), web.get(f"{PATH}/callback", self.finish)]

    async def begin(self, request: web.Request) -> web.Response:
        """Redirect to the provider. Raises: StoreUnavailable, aiohttp's HTTPNotFound."""
        after = local_path(request.query.get("next", HOME))
        try:
            url, flow = await self._current().begin(after)
        except NotSignedIn as error:
            return self._refused(str(error), after)
        response = web.Response(status=303, headers={"Location": url, "Cache-Control": "no-store"})
        kept = urlsafe_b64encode(msgspec.json.encode(flow)).decode()
        self._set_cookie(response, (await self._seals.get()).sealed("oidc", kept))
        return response

    async def finish(self, request: web.Request) -> web.Response:
        """Check the provider's answer, and sign the person in.

        Raises: StoreUnavailable, aiohttp's HTTPNotFound.
        """
        provider, flow = self._current(), await self._flow(request)
        if flow is None:
            return self._refused(LOST, HOME)
        try:
            person = await provider.finish(flow, request.query)
        except NotSignedIn as error:
            return self._refused(str(error), flow.after)
        if reason := await self._objection(person):
            return self._refused(reason, flow.after)
        name, user = await self._users.arrived(self._issuer(), person)
        response = await self._sign_in.begin(request, name, user, flow.after)
        self._set_cookie(response, "")
        return response

    async def _objection(self, person: Person) -> str:
        """Return why a known person may not sign in; "" if they may."""
        oidc = self._config_file().auth.oidc
        assert oidc is not None
        if role_of(oidc.roles, person.groups) is None:
            groups = ", ".join(person.groups) or "none"
            return f"None of your groups has a role here (auth.oidc.roles). You are in: {groups}."
        known = await self._users.get(self._users.key_of(oidc.issuer, person.subject))
        return "An admin has locked you out." if known and known.disabled else ""

    async def _flow(self, request: web.Request) -> Flow | None:
        """Return the state that this browser keeps; None if it has none, or it has expired."""
        sealed = request.cookies.get(self._cookie_name(), "")
        kept = (await self._seals.get()).opened("oidc", sealed)
        if kept is None:
            return None
        flow = msgspec.json.decode(urlsafe_b64decode(kept), type=Flow)
        return flow if self._clock.now() - flow.started_at <= LIFE else None

    def _current(self) -> Provider:
        """Return the provider of the current config. Raises: aiohttp's HTTPNotFound."""
        config = self._config_file()
        if config.auth.oidc is None:
            raise web.HTTPNotFound(text="no OpenID provider is configured: see auth.oidc")
        back = f"{config.external_url.rstrip('/')}{PATH}/callback"
        if self._provider is None or self._provider[:2] != (config.auth.oidc, back):
            provider = Provider(config.auth.oidc, back, self._clock)
            self._provider = (config.auth.oidc, back, provider)
            return provider
        return self._provider[2]

    def _issuer(self) -> str:
        oidc = self._config_file().auth.oidc
        assert oidc is not None
        return str(oidc.issuer)

    def _refused(self, reason: str, after: str) -> web.Response:
        log.warning("sign_in_refused", reason=reason)
        return self._sign_in.page(after, problem=as_sentence(reason), status=403)

    def _cookie_name(self) -> str:
        return f"{'__Host-' if is_secure(self._config_file()) else ''}alert-router-oidc"

    def _set_cookie(self, response: web.Response, value: str) -> None:
        response.set_cookie(
            self._cookie_name(),
            value,
            path="/",
            max_age=int(LIFE) if value else 0,
            httponly=True,
            samesite="Lax",
            secure=is_secure(self._config_file()),
        )
