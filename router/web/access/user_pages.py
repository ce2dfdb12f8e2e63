"""`/users`: people who may sign in."""

from collections.abc import Mapping
from http import HTTPStatus

from aiohttp import web

from router.config.auth import RoleName
from router.ports.errors import InvalidInput
from router.web.access.accounts import Accounts
from router.web.access.audit_note import note
from router.web.access.sign_in import link_url
from router.web.access.users import LastAdmin
from router.web.api.content import form
from router.web.auth import Role, identify
from router.web.pages.errors import as_sentence
from router.web.pages.frame import inside

ROLES: Mapping[str, RoleName] = {"viewer": "viewer", "responder": "responder", "admin": "admin"}
NO_USERS = "There are no users with passwords here: add `auth: {users: {}}` to the config."


class UserPages:
    """The page of admins on which users are added and changed."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/users", self.show_users),
            web.post("/users", self.add_user),
            web.post("/users/{name}/{change}", self.change_user),
        ]

    async def show_users(self, request: web.Request) -> web.Response:
        identify(request, Role.ADMIN, in_browser=True)
        return await self._users(request)

    async def add_user(self, request: web.Request) -> web.Response:
        """Add a user, and show the link by which they sign in first."""
        identify(request, Role.ADMIN, in_browser=True)
        filled = await form(request)
        name, role = filled.get("name", ""), ROLES.get(filled.get("role", ""), "viewer")
        if self._accounts.config_file().auth.users is None:
            return await self._users(request, NO_USERS, status=HTTPStatus.CONFLICT)
        try:
            await self._accounts.users.add(
                name, role, email=filled.get("email", ""), shown=filled.get("shown", "")
            )
        except InvalidInput as error:
            return await self._users(
                request, as_sentence(error.detail), typed=filled, status=HTTPStatus.BAD_REQUEST
            )
        note(request, f"added user {name}, {role}")
        return await self._linked(request, name)

    async def change_user(self, request: web.Request) -> web.Response:
        """Do what a button asks for. Raises: aiohttp's HTTPNotFound."""
        identify(request, Role.ADMIN, in_browser=True)
        name, change = request.match_info["name"], request.match_info["change"]
        users, filled = self._accounts.users, await form(request)
        if await users.get(name) is None:
            raise web.HTTPNotFound(text=f"there is no user {name}")
        try:
            if change == "role":
                role = ROLES.get(filled.get("role", ""), "viewer")
                await users.set_role(name, role)
                note(request, f"changed user {name}: {role}")
            elif change in {"disable", "enable"}:
                await users.disable(name, disabled=change == "disable")
                note(request, f"changed user {name}: {change}d")
            elif change == "link":
                note(request, f"made a sign-in link for user {name}")
                return await self._linked(request, name)
            else:
                raise web.HTTPNotFound(text="there is no such change of a user")
        except LastAdmin as error:
            return await self._users(request, f"{error}.", status=HTTPStatus.CONFLICT)
        return _back("/users")

    async def _linked(self, request: web.Request, name: str) -> web.Response:
        link = link_url(self._accounts.config_file(), await self._accounts.users.link(name))
        return await self._users(request, link=(name, link))

    async def _users(
        self,
        request: web.Request,
        problem: str = "",
        *,
        typed: Mapping[str, str] | None = None,
        link: tuple[str, str] = ("", ""),
        status: int = HTTPStatus.OK,
    ) -> web.Response:
        return inside(
            request,
            "users.html",
            status=status,
            problem=problem,
            typed=typed or {},
            link_of=link[0],
            link=link[1],
            users=await self._accounts.users.everybody(),
            enabled=self._accounts.config_file().auth.users is not None,
            roles=[*ROLES],
        )


def _back(path: str) -> web.Response:
    return web.Response(status=HTTPStatus.SEE_OTHER, headers={"Location": path})
