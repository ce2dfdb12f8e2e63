"""`/tokens`: API tokens, made here and shown once."""

from http import HTTPStatus
from urllib.parse import parse_qsl

from aiohttp import web

from router.ports.errors import InvalidInput
from router.web.access.accounts import Accounts
from router.web.access.audit_note import note
from router.web.access.token_rules import TokenRequest, TokenRules, may_see
from router.web.access.user_pages import ROLES
from router.web.api.content import MAX_FORM
from router.web.api.tokens import made
from router.web.auth import Credential, Identity, Role, identify
from router.web.body import read_body
from router.web.pages.errors import as_sentence
from router.web.pages.frame import inside

EXPIRIES = {"7d": "a week", "30d": "30 days", "90d": "90 days", "366d": "a year"}


class TokenPages:
    """The page with a user's own tokens. An admin sees all tokens."""

    def __init__(self, accounts: Accounts, rules: TokenRules) -> None:
        self._accounts = accounts
        self._rules = rules

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/tokens", self.show_tokens),
            web.post("/tokens", self.make_token),
            web.post("/tokens/{id}/revoke", self.revoke_token),
        ]

    async def show_tokens(self, request: web.Request) -> web.Response:
        me = identify(request, Role.VIEWER, in_browser=True)
        return await self._tokens(request, me)

    async def make_token(self, request: web.Request) -> web.Response:
        """Make a token, and show its text, which no other page ever shows."""
        me = identify(request, Role.VIEWER, in_browser=True)
        filled = parse_qsl((await read_body(request, MAX_FORM)).decode("utf-8", "replace"))
        given = dict(filled)
        wanted = TokenRequest(
            name=given.get("name", ""),
            role=ROLES.get(given.get("role", ""), "viewer"),
            areas=tuple(value for key, value in filled if key == "area"),
            expires=given.get("expires", "90d"),
            service="service" in given,
        )
        try:
            key, text, token = await self._rules.make(me, wanted)
        except InvalidInput as error:
            return await self._tokens(
                request, me, as_sentence(error.detail), status=HTTPStatus.BAD_REQUEST
            )
        note(request, made(key, token))
        return await self._tokens(request, me, text=text)

    async def revoke_token(self, request: web.Request) -> web.Response:
        me, key = identify(request, Role.VIEWER, in_browser=True), request.match_info["id"]
        token = await self._rules.revoke(me, key)
        note(request, f"revoked API token {key} ({token.name})")
        return _back("/tokens")

    async def _tokens(
        self,
        request: web.Request,
        me: Identity,
        problem: str = "",
        *,
        text: str = "",
        status: int = HTTPStatus.OK,
    ) -> web.Response:
        found = await self._accounts.tokens.valid()
        return inside(
            request,
            "tokens.html",
            status=status,
            me=me,
            problem=problem,
            text=text,
            tokens=[pair for pair in found if may_see(me, pair[1])],
            may_make=me.credential is not Credential.NONE and not me.token,
            roles=[name for name in ROLES if me.may(name)],
            areas=sorted(self._rules.areas()),
            expiries=[*EXPIRIES.items()],
        )


def _back(path: str) -> web.Response:
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": path})
