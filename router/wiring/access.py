"""Sign-in: its parts, connected to each other."""

from collections.abc import Callable, Iterable

from aiohttp import web
from aiohttp.typedefs import Middleware

from router.config.config_file import ConfigFile
from router.ports.clock import Clock
from router.ports.store import Store
from router.web.access.account import Account
from router.web.access.accounts import Accounts
from router.web.access.audit_page import AuditPage
from router.web.access.gate import area_of, fresh_cookie, gate
from router.web.access.identities import Identities
from router.web.access.kept_forms import KeptForms
from router.web.access.oidc_pages import OidcPages
from router.web.access.sign_in import SignIn
from router.web.access.token_pages import TokenPages
from router.web.access.token_rules import TokenRules
from router.web.access.user_pages import UserPages
from router.web.api.audit import AuditApi
from router.web.api.openapi import OPERATIONS
from router.web.api.tokens import TokenApi
from router.web.api.users import UserApi

AREAS = {
    area_of(f"/api/v1{operation.path}") for operation in OPERATIONS if operation.role is not None
}
"""The areas that an API token can be limited to."""


class SignInParts:
    """Identifies the sender of each request, and serves the pages and API of accounts."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        config_file: Callable[[], ConfigFile],
        wake: Callable[[Iterable[str]], None],
    ) -> None:
        self._wake = wake
        self._accounts = Accounts(store, clock, config_file)
        self._identities = Identities(self._accounts)
        self._forms = KeptForms(store, clock, config_file)

    def gate(self) -> Middleware:
        return gate(self._identities, self._accounts.audit, self._forms)

    def add_to(self, app: web.Application) -> None:
        """Add the routes, and the replaced cookie of a session to every answer."""
        accounts = self._accounts
        sign_in = SignIn(accounts, self._identities, self._wake)
        rules = TokenRules(accounts.tokens, accounts.clock, accounts.config_file, lambda: AREAS)
        parts = (
            sign_in,
            OidcPages(accounts, sign_in),
            Account(accounts),
            UserApi(accounts.users, accounts.config_file),
            TokenApi(accounts.tokens, rules, accounts.sessions),
            AuditApi(accounts.audit),
            UserPages(accounts),
            TokenPages(accounts, rules),
            AuditPage(accounts.audit),
            self._forms,
        )
        for part in parts:
            app.add_routes(part.routes())
        app.on_response_prepare.append(fresh_cookie(accounts.config_file))
