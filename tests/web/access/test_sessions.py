"""How long a session lasts, and what ends it."""

import re
from collections.abc import Callable

import pytest

from router.model.access import SESSION
from router.wiring.parts import FORGOTTEN
from tests.clock import SteppedClock
from tests.daemon import Daemon
from tests.web.access.browser import Browser, text
from tests.web.access.conftest import ADMIN, AUTH, PASSWORD, jump, signed_in, with_password

Closed = Callable[..., Daemon]

HOUR, DAY = 3600, 86_400


async def is_in(browser: Browser) -> bool:
    return (await browser.get("/account")).status == 200


async def test_a_session_ends_when_it_is_not_used(closed: Closed, clock: SteppedClock) -> None:
    """Each request prolongs it."""
    async with closed(AUTH | {"sessions": {"idle": "1d", "absolute": "3d"}}) as daemon:
        ana = await signed_in(daemon, "ana")
        for _ in range(2):
            jump(clock, DAY - 60)
            assert await is_in(ana)
        jump(clock, DAY)
        assert not await is_in(ana)


async def test_a_session_has_an_end_however_much_it_is_used(
    closed: Closed, clock: SteppedClock
) -> None:
    async with closed(AUTH | {"sessions": {"idle": "1d", "absolute": "3d"}}) as daemon:
        ana = await signed_in(daemon, "ana")
        for _ in range(6):
            assert await is_in(ana)
            jump(clock, DAY / 2)
        assert not await is_in(ana)


async def test_the_cookie_is_replaced_every_hour(closed: Closed, clock: SteppedClock) -> None:
    """Requests that were under way with the old one are answered."""
    async with closed() as daemon:
        ana, parallel = await signed_in(daemon, "ana"), Browser(daemon)
        jump(clock, HOUR)
        parallel.cookies = dict(ana.cookies)
        before = dict(ana.cookies)
        assert await is_in(ana)
        assert ana.cookies != before
        assert await is_in(ana)
        assert await is_in(parallel)
        assert parallel.cookies == ana.cookies


async def test_an_old_cookie_ends_the_session(closed: Closed, clock: SteppedClock) -> None:
    """Since the new one came back, somebody has copied it; the copy and the session are void."""
    async with closed() as daemon:
        ana, thief = await signed_in(daemon, "ana"), Browser(daemon)
        thief.cookies = dict(ana.cookies)
        jump(clock, HOUR)
        for _ in range(2):
            assert await is_in(ana)
        jump(clock, 61)
        assert not await is_in(thief)
        assert not await is_in(ana)


async def test_a_cookie_that_was_lost_on_its_way_is_issued_again(
    closed: Closed, clock: SteppedClock
) -> None:
    """A phone without network for a moment stays signed in."""
    async with closed() as daemon:
        ana = await signed_in(daemon, "ana")
        jump(clock, HOUR)
        before = dict(ana.cookies)
        await is_in(ana)
        after, ana.cookies = dict(ana.cookies), dict(before)
        jump(clock, HOUR / 2)
        assert await is_in(ana)
        assert ana.cookies == after


@pytest.mark.parametrize("change", ["", "x", "."])
async def test_a_forged_cookie_is_none(closed: Closed, change: str) -> None:
    """Without a look at the store."""
    async with closed() as daemon:
        ana = await signed_in(daemon, "ana")
        key, number, mac = ana.cookies["alert-router"].split(".")
        for forged in (f"{key}.{int(number) + 1}.{mac}", f"{key}.{number}.{change}", change):
            browser = Browser(daemon)
            browser.cookies["alert-router"] = forged
            assert not await is_in(browser)
        assert await is_in(ana)


async def test_the_store_has_nothing_that_signs_in(closed: Closed) -> None:
    """Neither the id of a session, nor a password."""
    async with closed() as daemon:
        ana = await with_password(daemon, "ana")
        kinds = (SESSION, "user", "sign-in-link")
        found = [record for kind in kinds for record in await daemon.store.records(kind)]
        kept = "".join(record.id + record.doc for record in found)
        assert ana.cookies["alert-router"].split(".")[0] not in kept
        assert PASSWORD not in kept
        assert "$argon2id$" in kept


async def test_a_user_ends_their_other_sessions(closed: Closed) -> None:
    """One of them, or all others; never those of somebody else."""
    async with closed() as daemon:
        ana, phone, tablet = await with_password(daemon, "ana"), Browser(daemon), Browser(daemon)
        ben = await with_password(daemon, "ben")
        await phone.sign_in("ana", PASSWORD)
        await tablet.sign_in("ana", PASSWORD)
        ids = [record.id for record in await daemon.store.records(SESSION) if '"ben"' in record.doc]
        assert (await ana.post(f"/account/sessions/{ids[0]}/end")).status == 404
        page = (await ana.get("/account")).body.decode()
        ends = re.findall(r'action="(/account/sessions/\w+/end)"', page)
        assert len(ends) == 2
        await ana.post(ends[0])
        assert sorted([await is_in(phone), await is_in(tablet)]) == [False, True]
        await ana.post("/account/sessions/end-others")
        assert [await is_in(browser) for browser in (ana, phone, tablet, ben)] == [
            True,
            False,
            False,
            True,
        ]


async def test_a_new_password_needs_the_old_one_and_ends_other_sessions(closed: Closed) -> None:
    """Who came by a link has a quarter of an hour without it."""
    async with closed() as daemon:
        ana, phone = await with_password(daemon, "ana"), Browser(daemon)
        await phone.sign_in("ana", PASSWORD)
        new = {"password": "another long password"}
        assert (
            await ana.post("/account/password", new | {"current_password": "wrong"})
        ).status == 403
        assert (await ana.post("/account/password", new)).status == 403
        short = {"current_password": PASSWORD, "password": "short"}
        assert "at least 12 characters" in text(await ana.post("/account/password", short))
        assert (
            await ana.post("/account/password", new | {"current_password": PASSWORD})
        ).status == 303
        assert [await is_in(ana), await is_in(phone)] == [True, False]
        assert (await phone.sign_in("ana", PASSWORD)).status == 401
        assert (await phone.sign_in("ana", new["password"])).status == 303


async def test_a_locked_out_user_is_out_immediately_and_a_role_changes_immediately(
    closed: Closed,
) -> None:
    async with closed() as daemon:
        ana, root = await signed_in(daemon, "ana"), {"Authorization": f"Bearer {ADMIN}"}
        assert (await ana.get("/api/v1/users")).status == 403
        await daemon.ask("POST", "/api/v1/users/ana", json={"role": "admin"}, headers=root)
        assert (await ana.get("/api/v1/users")).status == 200
        await daemon.ask("POST", "/api/v1/users/ana", json={"disabled": True}, headers=root)
        assert not await is_in(ana)
        await daemon.ask("POST", "/api/v1/users/ana", json={"disabled": False}, headers=root)
        assert not await is_in(ana)


async def test_what_is_over_leaves_the_store(closed: Closed, clock: SteppedClock) -> None:
    """Sessions, links and tokens go with other old documents; users and the audit log stay."""
    async with closed() as daemon:
        ana = await signed_in(daemon, "ana")
        await ana.post("/tokens", {"name": "laptop", "role": "viewer", "expires": "7d"})
        kinds = (SESSION, "sign-in-link", "api-token", "user", "audit")
        await daemon.store.prune(clock.now(), FORGOTTEN)
        assert all([await daemon.store.records(kind) for kind in kinds])
        await daemon.store.prune(clock.now() + 31 * DAY, FORGOTTEN)
        left = [bool(await daemon.store.records(kind)) for kind in kinds]
        assert left == [False, False, False, True, True]
