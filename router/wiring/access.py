"""Sign-in: its parts, connected to each other."""

from collections.abc import Callable

from aiohttp import web
from aiohttp.typedefs import Middleware

from router.config.config_file import ConfigFile
from router.ports.clock import Clock
from router.ports.store import Store
from router.web.access.account import Account
from router.web.access.attempts import Attempts
from router.web.access.gate import Access, fresh_cookie, gate
from router.web.access.oidc_pages import OidcPages
from router.web.access.seals import Seals
from router.web.access.sessions import Sessions
from router.web.access.sign_in import SignIn
from router.web.access.users import Users
from router.web.api.users import UserApi


class SignInParts:
    """Finds who sends each request, and serves the pages and operations around it."""

    def __init__(self, store: Store, clock: Clock, config_file: Callable[[], ConfigFile]) -> None:
        self._clock = clock
        self._config_file = config_file
        self._seals = seals = Seals(store, clock)
        self._users = Users(store, clock, seals, other_admins=self._has_other_admins)
        self._sessions = Sessions(store, clock, seals, lambda: config_file().auth.sessions)
        self._access = Access(config_file, self._users, self._sessions, seals, clock)

    def gate(self) -> Middleware:
        return gate(self._access)

    def add_to(self, app: web.Application) -> None:
        """Add the routes, and the replaced cookie of a session to every answer."""
        attempts = Attempts(self._clock)
        sign_in = SignIn(self._users, self._sessions, self._access, attempts, self._config_file)
        account = Account(self._users, self._sessions, attempts, self._clock, self._config_file)
        users = UserApi(self._users, self._config_file)
        oidc = OidcPages(self._users, sign_in, self._seals, self._clock, self._config_file)
        for part in (sign_in, oidc, account, users):
            app.add_routes(part.routes())
        app.on_response_prepare.append(fresh_cookie(self._config_file))

    def _has_other_admins(self) -> bool:
        return self._config_file().auth.has_admins
