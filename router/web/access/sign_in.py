"""`/sign-in` and `/sign-out`: begin and end a session."""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from urllib.parse import quote

from aiohttp import web

from router.config.config_file import ConfigFile
from router.model.access import User
from router.model.outbox import SIGN_IN_MAIL
from router.web.access.accounts import Accounts
from router.web.access.attempts import OFTEN
from router.web.access.audit_note import note
from router.web.access.client import address_of, client_of
from router.web.access.contacts import person
from router.web.access.cookies import name_of, set_cookie
from router.web.access.gate import SIGN_IN
from router.web.access.identities import Identities
from router.web.access.return_path import HOME, local_path
from router.web.api.content import form
from router.web.auth import HOLDER, Credential, Role, identify
from router.web.pages.page import page

MAX_FORM = 8192

WRONG = "The name or the password is wrong."
WRONG_TOKEN = "This is not a known API token."  # noqa: S105 - a sentence
MAILED = "If there is a user of this name or address, a mail with a link is on its way."
USED = "This link has been used, or has expired. Ask for another one."


class SignIn:
    """The pages for people who are not signed in."""

    def __init__(
        self,
        accounts: Accounts,
        identities: Identities,
        wake: Callable[[Iterable[str]], None],
    ) -> None:
        self._wake = wake
        self._users = accounts.users
        self._sessions = accounts.sessions
        self._attempts = accounts.attempts
        self._audit = accounts.audit
        self._config_file = accounts.config_file
        self._identities = identities

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get(SIGN_IN, self.show),
            web.post(SIGN_IN, self.sign_in),
            web.post(f"{SIGN_IN}/mail", self.mail_link),
            web.post(f"{SIGN_IN}/token", self.sign_in_by_token),
            web.get(f"{SIGN_IN}/link/{{token}}", self.show_link),
            web.post(f"{SIGN_IN}/link/{{token}}", self.use_link),
            web.post("/sign-out", self.sign_out),
        ]

    async def show(self, request: web.Request) -> web.Response:
        """Show the ways to sign in. Redirects if no sign-in is configured."""
        after = local_path(request.query.get("next", HOME))
        if not self._config_file().auth.is_required or await self._identities.of(request):
            raise web.HTTPSeeOther(after)
        return self.page(after)

    async def sign_in(self, request: web.Request) -> web.Response:
        """Check a password. Raises: Overloaded, StoreUnavailable."""
        filled = await form(request, MAX_FORM)
        who, after = filled.get("name", ""), local_path(filled.get("next", HOME))
        if self._config_file().auth.users is None:
            raise web.HTTPNotFound(text="there are no users with passwords here")
        if not self._attempts.take(request, who):
            return self.page(after, who, OFTEN, status=HTTPStatus.TOO_MANY_REQUESTS)
        found = await self._users.verify(who, filled.get("password", ""))
        if found is None:
            return self.page(after, who, WRONG, status=HTTPStatus.UNAUTHORIZED)
        return await self.begin(request, *found, after)

    async def sign_in_by_token(self, request: web.Request) -> web.Response:
        """Begin a session for the holder of a token of the config."""
        filled = await form(request, MAX_FORM)
        after, token = local_path(filled.get("next", HOME)), filled.get("token", "")
        found = self._identities.by_config_token(token, Credential.BEARER)
        if found is None:
            return self.page(after, problem=WRONG_TOKEN, status=HTTPStatus.UNAUTHORIZED)
        proof = self._config_file().auth.tokens[found.name].sha256
        cookie = await self._sessions.begin(HOLDER + found.name, proof, client_of(request))
        return await self._signed_in(request, cookie, found.name, after)

    async def mail_link(self, request: web.Request) -> web.Response:
        """Mail a link to a user. The answer is the same if there is no such user."""
        filled, users = await form(request, MAX_FORM), self._config_file().auth.users
        if users is None or not users.mail:
            raise web.HTTPNotFound(text="no links are mailed here: see auth.users.mail")
        who, after = filled.get("name", ""), local_path(filled.get("next", HOME))
        if not self._attempts.take_mail(request, who):
            return self.page(after, problem=OFTEN, status=HTTPStatus.TOO_MANY_REQUESTS)
        await self._users.mail_link(who)
        self._wake([SIGN_IN_MAIL])
        return self.page(after, done=MAILED)

    async def show_link(self, request: web.Request) -> web.Response:
        """Show a button to use the link, because mail gateways open every link."""
        name = await self._users.linked(request.match_info["token"])
        if name is None or self._config_file().auth.users is None:
            return self.page(HOME, problem=USED, status=HTTPStatus.GONE)
        return page("sign_in_link.html", company=self._company(), name=name)

    async def use_link(self, request: web.Request) -> web.Response:
        """Sign in, and redirect to the page where a password can be set."""
        if self._config_file().auth.users is None:
            raise web.HTTPNotFound(text="there are no users here")
        name = await self._users.use_link(request.match_info["token"])
        user = await self._users.get(name) if name else None
        if name is None or user is None:
            return self.page(HOME, problem=USED, status=HTTPStatus.GONE)
        return await self.begin(request, name, user, "/account", by_link=True)

    async def sign_out(self, request: web.Request) -> web.Response:
        found = identify(request, Role.VIEWER)
        if found.session:
            await self._sessions.end(found.session)
            note(request, "signed out")
        response = web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": SIGN_IN})
        response.headers["Clear-Site-Data"] = '"cache"'
        set_cookie(response, "", self._config_file())
        return response

    async def begin(
        self, request: web.Request, name: str, user: User, after: str, *, by_link: bool = False
    ) -> web.Response:
        """Start the user's session, and redirect to `after`."""
        cookie = await self._sessions.begin(
            name, str(user.generation), client_of(request), by_link=by_link
        )
        await self._end_replaced(request)
        await self._users.seen(name)
        known = person(self._config_file().contacts, name, email=user.email, shown=user.name)
        return await self._signed_in(request, cookie, known.name, after)

    async def _end_replaced(self, request: web.Request) -> None:
        """End the session that the browser had before."""
        before = request.cookies.get(name_of(self._config_file()))
        if before and (found := await self._sessions.find(before)):
            await self._sessions.end(found.id)

    async def _signed_in(
        self, request: web.Request, cookie: str, name: str, after: str
    ) -> web.Response:
        await self._audit.add(name, "signed in", address_of(request))
        response = web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": after})
        set_cookie(response, cookie, self._config_file())
        return response

    def page(
        self,
        after: str,
        who: str = "",
        problem: str = "",
        status: int = HTTPStatus.OK,
        *,
        done: str = "",
    ) -> web.Response:
        """Return the sign-in page. `problem` is an error to show, `done` a result."""
        auth = self._config_file().auth
        return page(
            "sign_in.html",
            status=status,
            company=self._company(),
            after=after,
            who=who,
            problem=problem,
            users=auth.users is not None,
            mails=bool(auth.users and auth.users.mail),
            done=done,
            tokens=bool(auth.tokens),
            provider=auth.oidc.name if auth.oidc else "",
        )

    def _company(self) -> str:
        return self._config_file().company.name


def link_url(config: ConfigFile, token: str) -> str:
    """Return the URL of a one-time link."""
    return f"{config.external_url.rstrip('/')}{SIGN_IN}/link/{quote(token)}"
