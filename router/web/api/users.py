"""Users over the API: people who may sign in."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct

from router.config.auth import RoleName
from router.config.config_file import ConfigFile
from router.model.access import User
from router.web.access.audit_note import note
from router.web.access.sign_in import link_url
from router.web.access.users import LastAdmin, Users
from router.web.api.content import Time
from router.web.api.operation import Answer, Call, operation, routes
from router.web.api.views import exactly
from router.web.auth import Role

NO_USERS = "there are no users here: add `auth: {users: {}}` to the config"


class UserBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A user to add. `shown` is a name for people; a contact's own name replaces it."""

    name: Annotated[str, Meta(description="Lower-case letters, digits, '.', '_' and '-'.")]
    role: RoleName = "responder"
    email: str = ""
    shown: Annotated[str, Meta(max_length=60)] = ""


class UserChange(Struct, frozen=True, forbid_unknown_fields=True):
    """A change of a user. `disabled` locks the user out and ends their sessions."""

    role: RoleName | None = None
    disabled: bool | None = None


class UserView(Struct, frozen=True):
    """A user. `seen_at` is the last sign-in."""

    name: str
    shown: str
    email: str
    role: RoleName
    disabled: bool
    has_password: bool
    made_at: Time
    seen_at: Time | None


class UserList(Struct, frozen=True):
    """All users, by name."""

    users: list[UserView]


class UserResult(Struct, frozen=True):
    """The user after the change."""

    user: UserView


class LinkResult(Struct, frozen=True):
    """The user, and a link that signs them in, once. It is shown only here."""

    user: UserView
    link: str


class UserApi:
    """Operations of admins."""

    def __init__(self, users: Users, config_file: Callable[[], ConfigFile]) -> None:
        self._users = users
        self._config_file = config_file

    def routes(self) -> list[web.RouteDef]:
        return routes(self)

    @operation("GET", "/users", "List the users.", Role.ADMIN)
    async def list_users(self) -> UserList:
        return UserList([view(*pair) for pair in await self._users.everybody()])

    @operation(
        "POST",
        "/users",
        "Add a user, and make a link for their first sign-in.",
        Role.ADMIN,
        statuses=(HTTPStatus.CREATED,),
        problems=(HTTPStatus.CONFLICT,),
        has_secret=True,
    )
    async def add_user(self, call: Call, body: UserBody) -> Answer[LinkResult]:
        self._check_enabled()
        user = await self._users.add(body.name, body.role, email=body.email, shown=body.shown)
        note(call.request, f"added user {body.name}, {body.role}")
        return Answer(await self._linked(body.name, user), HTTPStatus.CREATED)

    @operation(
        "POST",
        "/users/{name}",
        "Change the role of a user, lock them out, or let them in again.",
        Role.ADMIN,
        problems=(HTTPStatus.CONFLICT,),
    )
    async def change_user(self, call: Call, body: UserChange) -> UserResult:
        name, user = await self._named(call.request)
        try:
            if body.role is not None:
                user = await self._users.set_role(name, body.role) or user
            if body.disabled is not None:
                user = await self._users.disable(name, disabled=body.disabled) or user
        except LastAdmin as error:
            raise web.HTTPConflict(text=str(error)) from None
        state = "disabled" if user.disabled else user.role
        note(call.request, f"changed user {name}: {state}")
        return UserResult(view(name, user))

    @operation(
        "POST",
        "/users/{name}/link",
        "Make a link that signs a user in, once, to hand over.",
        Role.ADMIN,
        problems=(HTTPStatus.CONFLICT,),
        has_secret=True,
    )
    async def make_link(self, call: Call) -> LinkResult:
        self._check_enabled()
        name, user = await self._named(call.request)
        note(call.request, f"made a sign-in link for user {name}")
        return await self._linked(name, user)

    async def _linked(self, name: str, user: User) -> LinkResult:
        link = link_url(self._config_file(), await self._users.link(name))
        return LinkResult(view(name, user), link)

    async def _named(self, request: web.Request) -> tuple[str, User]:
        """Raises: aiohttp's HTTPNotFound."""
        name = request.match_info["name"]
        user = await self._users.get(name)
        if user is None:
            raise web.HTTPNotFound(text=f"there is no user {name}")
        return name, user

    def _check_enabled(self) -> None:
        """Raises: aiohttp's HTTPConflict."""
        if self._config_file().auth.users is None:
            raise web.HTTPConflict(text=NO_USERS)


def view(name: str, user: User) -> UserView:
    return UserView(
        name=name,
        shown=user.name,
        email=user.email,
        role=user.role,
        disabled=user.disabled,
        has_password=bool(user.password),
        made_at=exactly(user.made_at),
        seen_at=exactly(user.seen_at) if user.seen_at else None,
    )
