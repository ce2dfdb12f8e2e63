"""API tokens and sessions over the API, and the identity of the sender."""

from http import HTTPStatus
from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct

from router.config.auth import RoleName
from router.model.access import ApiToken, Session
from router.web.access.audit_note import note
from router.web.access.sessions import Sessions
from router.web.access.token_rules import TokenRequest, TokenRules, may_see
from router.web.access.tokens import Tokens
from router.web.api.content import Time
from router.web.api.operation import Answer, Call, operation, routes
from router.web.api.views import exactly
from router.web.auth import Role, identify


class TokenBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A token to make. It acts as you, or with `service` under its own name."""

    name: str
    role: RoleName = "responder"
    areas: Annotated[
        list[str],
        Meta(description="First parts of paths, such as `deployments`. Empty: all, and pages."),
    ] = []
    expires: Annotated[str, Meta(description="A duration, at most `366d`.")] = "90d"
    service: bool = False


class TokenView(Struct, frozen=True):
    """A token. `owner` is a user name, "" for a token of a service."""

    id: str
    name: str
    owner: str
    role: RoleName
    areas: list[str]
    made_by: str
    made_at: Time
    expires_at: Time
    used_at: Time | None


class TokenList(Struct, frozen=True):
    """Valid tokens, the newest first: yours, or all for an admin."""

    tokens: list[TokenView]


class TokenMade(Struct, frozen=True):
    """A new token. Its text is shown only here."""

    token: TokenView
    text: str


class TokenResult(Struct, frozen=True):
    """The token that was revoked."""

    token: TokenView


class SessionView(Struct, frozen=True):
    """A browser that is signed in. `current` marks the sender of the request."""

    id: str
    user: str
    agent: str
    address: str
    made_at: Time
    seen_at: Time
    expires_at: Time
    current: bool


class SessionList(Struct, frozen=True):
    """Sessions that are not over, the last used first: yours, or all for an admin."""

    sessions: list[SessionView]


class SessionResult(Struct, frozen=True):
    """The session that was ended."""

    session: SessionView


class Me(Struct, frozen=True):
    """The sender of the request. `contact` is the key of their contact, "" for none."""

    name: str
    role: RoleName
    user: str
    contact: str


class TokenApi:
    """Tokens and sessions: of oneself, and of everybody for an admin."""

    def __init__(self, tokens: Tokens, rules: TokenRules, sessions: Sessions) -> None:
        self._tokens = tokens
        self._rules = rules
        self._sessions = sessions

    def routes(self) -> list[web.RouteDef]:
        return routes(self)

    @operation("GET", "/me", "Show who the request is from.")
    async def show_me(self, call: Call) -> Me:
        me = identify(call.request, Role.VIEWER)
        return Me(me.name, _word(me.role), me.user, me.contact)

    @operation("GET", "/tokens", "List your API tokens; an admin sees all.")
    async def list_tokens(self, call: Call) -> TokenList:
        me = identify(call.request, Role.VIEWER)
        found = await self._tokens.valid()
        return TokenList([token_view(*pair) for pair in found if may_see(me, pair[1])])

    @operation(
        "POST",
        "/tokens",
        "Make an API token.",
        has_secret=True,
        statuses=(HTTPStatus.CREATED,),
        problems=(HTTPStatus.CONFLICT,),
    )
    async def make_token(self, call: Call, body: TokenBody) -> Answer[TokenMade]:
        me = identify(call.request, Role.VIEWER)
        wanted = TokenRequest(body.name, body.role, tuple(body.areas), body.expires, body.service)
        key, text, token = await self._rules.make(me, wanted)
        note(call.request, made(key, token))
        return Answer(TokenMade(token_view(key, token), text), HTTPStatus.CREATED)

    @operation("DELETE", "/tokens/{id}", "Revoke an API token.")
    async def revoke_token(self, call: Call) -> TokenResult:
        me, key = identify(call.request, Role.VIEWER), call.request.match_info["id"]
        token = await self._rules.revoke(me, key)
        note(call.request, f"revoked API token {key} ({token.name})")
        return TokenResult(token_view(key, token))

    @operation("GET", "/sessions", "List your sessions; an admin sees all.")
    async def list_sessions(self, call: Call) -> SessionList:
        me = identify(call.request, Role.VIEWER)
        found = await self._sessions.of("" if me.role is Role.ADMIN else me.holder)
        return SessionList([_session(*pair, me.session) for pair in found])

    @operation("DELETE", "/sessions/{id}", "End a session.")
    async def end_session(self, call: Call) -> SessionResult:
        me, key = identify(call.request, Role.VIEWER), call.request.match_info["id"]
        theirs = dict(await self._sessions.of("" if me.role is Role.ADMIN else me.holder))
        if key not in theirs:
            raise web.HTTPNotFound(text=f"you have no session {key}")
        await self._sessions.end(key)
        note(call.request, f"ended a session of {theirs[key].user}")
        return SessionResult(_session(key, theirs[key], me.session))


def made(key: str, token: ApiToken) -> str:
    """Describe a new token for the audit log."""
    areas = f" for {', '.join(token.areas)}" if token.areas else ""
    return f"made API token {key} ({token.name}), {token.role}{areas}"


def token_view(key: str, token: ApiToken) -> TokenView:
    return TokenView(
        id=key,
        name=token.name,
        owner=token.owner,
        role=token.role,
        areas=[*token.areas],
        made_by=token.made_by,
        made_at=exactly(token.made_at),
        expires_at=exactly(token.expires_at),
        used_at=exactly(token.used_at) if token.used_at else None,
    )


def _session(key: str, session: Session, current: str) -> SessionView:
    return SessionView(
        id=key,
        user=session.user,
        agent=session.agent,
        address=session.address,
        made_at=exactly(session.made_at),
        seen_at=exactly(session.seen_at),
        expires_at=exactly(session.expires_at),
        current=key == current,
    )


def _word(role: Role) -> RoleName:
    words: dict[Role, RoleName] = {
        Role.VIEWER: "viewer",
        Role.RESPONDER: "responder",
        Role.ADMIN: "admin",
    }
    return words[role]
