"""`/account`: who is signed in, their password, and their sessions."""

from http import HTTPStatus

from aiohttp import web

from router.model.access import Session
from router.ports.errors import InvalidInput
from router.web.access.accounts import Accounts
from router.web.access.attempts import OFTEN
from router.web.access.audit_note import note
from router.web.access.client import client_of
from router.web.access.cookies import set_cookie
from router.web.api.content import form
from router.web.auth import Identity, Role, identify
from router.web.pages.errors import as_sentence
from router.web.pages.frame import inside

WRONG = "The current password is wrong."


class Account:
    """The account pages of a signed-in user."""

    def __init__(self, accounts: Accounts) -> None:
        self._users = accounts.users
        self._sessions = accounts.sessions
        self._attempts = accounts.attempts
        self._clock = accounts.clock
        self._config_file = accounts.config_file

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/account", self.show),
            web.post("/account/password", self.set_password),
            web.post("/account/sessions/end-others", self.end_others),
            web.post("/account/sessions/{id}/end", self.end),
        ]

    async def show(self, request: web.Request) -> web.Response:
        return await self._page(request, identify(request, Role.VIEWER, in_browser=True))

    async def set_password(self, request: web.Request) -> web.Response:
        """Set the password. This ends all sessions, and starts a new one in this browser."""
        me = identify(request, Role.VIEWER)
        user = await self._users.get(me.user) if me.user else None
        if user is None:
            raise web.HTTPConflict(
                text="you have no password here: you are not one of the router's own users"
            )
        filled = await form(request)
        if not _may_skip_current(await self._session(me), self._clock.now()):
            if not self._attempts.take(request, me.user):
                return await self._page(request, me, OFTEN, HTTPStatus.TOO_MANY_REQUESTS)
            if await self._users.verify(me.user, filled.get("current_password", "")) is None:
                return await self._page(request, me, WRONG, HTTPStatus.FORBIDDEN)
        try:
            after = await self._users.set_password(me.user, filled.get("password", ""))
        except InvalidInput as error:
            return await self._page(request, me, as_sentence(error.detail), HTTPStatus.BAD_REQUEST)
        assert after is not None
        note(request, "set a new password")
        await self._sessions.end_all(me.user)
        response = _back()
        proof = str(after.generation)
        cookie = await self._sessions.begin(me.user, proof, client_of(request))
        set_cookie(response, cookie, self._config_file())
        return response

    async def _session(self, me: Identity) -> Session | None:
        return dict(await self._sessions.of(me.holder)).get(me.session)

    async def end(self, request: web.Request) -> web.Response:
        me, name = identify(request, Role.VIEWER), request.match_info["id"]
        if name not in dict(await self._sessions.of(me.holder)):
            raise web.HTTPNotFound(text="you have no session with this id")
        await self._sessions.end(name)
        note(request, "ended another session")
        return _back()

    async def end_others(self, request: web.Request) -> web.Response:
        me = identify(request, Role.VIEWER)
        await self._sessions.end_all(me.holder, but=me.session)
        note(request, "ended all other sessions")
        return _back()

    async def _page(
        self,
        request: web.Request,
        me: Identity,
        problem: str = "",
        status: int = HTTPStatus.OK,
    ) -> web.Response:
        sessions = await self._sessions.of(me.holder) if me.is_signed_in else []
        current = dict(sessions).get(me.session)
        return inside(
            request,
            "account.html",
            status=status,
            me=me,
            problem=problem,
            sessions=sessions,
            needs_current=not _may_skip_current(current, self._clock.now()),
        )


def _may_skip_current(current: Session | None, now: float) -> bool:
    """Return whether the user has just signed in by a link, and so may not know a password."""
    return current is not None and current.password_by > now


def _back() -> web.Response:
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": "/account"})
