"""A router with users."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from router.web.access import passwords
from tests.clock import SteppedClock
from tests.daemon import Daemon
from tests.web.access.browser import Browser, path_of

PASSWORD = "correct horse battery"
ADMIN = "token-of-admin"

AUTH: dict[str, Any] = {
    "users": {},
    "tokens": {"root": {"sha256": hashlib.sha256(ADMIN.encode()).hexdigest(), "role": "admin"}},
}
CONTACTS = {"ana": {"name": "Ana Cruz", "email": "ana@example.com"}, "ben": {}}


@pytest.fixture
def closed(
    router: Callable[..., Daemon], clock: SteppedClock, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Daemon]:
    """A router where people have to sign in; `changes` are keys of its config."""
    monkeypatch.setattr(passwords, "MEMORY", 1024)  # the hash of a test has nothing to protect
    monkeypatch.setattr(passwords, "PASSES", 1)

    def make(auth: dict[str, Any] | None = None, **changes: Any) -> Daemon:
        return router(clock=clock, auth=auth or AUTH, contacts=CONTACTS, **changes)

    return make


async def add_user(daemon: Daemon, name: str, role: str = "responder", **fields: str) -> str:
    """Add a user, and return the path of the link that signs them in."""
    answer = await daemon.ask(
        "POST",
        "/api/v1/users",
        json={"name": name, "role": role, **fields},
        headers={"Authorization": f"Bearer {ADMIN}"},
    )
    assert answer.status == 201, answer.body
    return path_of(answer.json["link"])


async def signed_in(daemon: Daemon, name: str, role: str = "responder", **fields: str) -> Browser:
    """The browser of a new user, who has used their link."""
    browser = Browser(daemon)
    link = await add_user(daemon, name, role, **fields)
    assert (await browser.post(link)).headers["Location"] == "/account"
    return browser


async def with_password(daemon: Daemon, name: str, **fields: str) -> Browser:
    """The same, who has set a password."""
    browser = await signed_in(daemon, name, **fields)
    assert (await browser.post("/account/password", {"password": PASSWORD})).status == 303
    return browser


def jump(clock: SteppedClock, seconds: float) -> None:
    """Move the time on, and wake nobody: the router's loops would run through each second."""
    clock._now += seconds
