"""People sign in, act under their own name, and sign out."""

from collections.abc import Callable

import pytest

from router.web.access.return_path import HOME, local_path
from tests.clock import SteppedClock
from tests.daemon import Daemon, alert
from tests.web.access.browser import Browser, path_of, text
from tests.web.access.conftest import ADMIN, PASSWORD, add_user, jump, signed_in, with_password
from tests.web.webhooks.test_endpoint import is_problem

Closed = Callable[..., Daemon]


async def test_a_stranger_is_led_to_the_sign_in_and_back(closed: Closed) -> None:
    """With the page that they wanted; a program gets a 401."""
    async with closed() as daemon:
        await daemon.alert(alert())
        await with_password(daemon, "ana")
        stranger = Browser(daemon)
        led = await stranger.get("/incidents/1?a=b")
        assert (led.status, path_of(led.headers["Location"])) == (303, "/sign-in")
        assert (
            'name="next" value="/incidents/1?a=b"'
            in (await stranger.get(led.headers["Location"])).body.decode()
        )
        back = await stranger.sign_in("ana", PASSWORD, "/incidents/1?a=b")
        assert (back.status, back.headers["Location"]) == (303, "/incidents/1?a=b")
        assert "INC-1" in text(await stranger.get("/incidents/1"))
        assert is_problem(await daemon.get("/api/v1/incidents"), 401)
        assert is_problem(await daemon.get("/incidents"), 401)


async def test_the_signed_in_person_is_the_actor(closed: Closed) -> None:
    """Under the name of their contact, whatever a form or a header claims; no page asks for a
    name.
    """
    async with closed() as daemon:
        await daemon.alert(alert())
        ana = await signed_in(daemon, "cruz", email="Ana@example.com")
        assert "Your name" not in text(await ana.get("/incidents/1"))
        await ana.post("/incidents/1/ack", {"by": "Ben"}, **{"X-Router-User": "ben"})
        assert (await daemon.store.incident(1)).acknowledged_by == "Ana Cruz"


async def test_a_user_who_is_no_contact_goes_by_their_own_name(closed: Closed) -> None:
    async with closed() as daemon:
        await daemon.alert(alert())
        await (await signed_in(daemon, "eve", shown="Eve Moss")).post("/incidents/1/ack")
        assert (await daemon.store.incident(1)).acknowledged_by == "Eve Moss"


async def test_wrong_credentials_show_nothing_of_what_is_wrong(closed: Closed) -> None:
    """An unknown name, a wrong password, a disabled user, one without a password: the same page."""
    async with closed() as daemon:
        await with_password(daemon, "ana")
        await with_password(daemon, "cy")
        await add_user(daemon, "ben")
        root = {"Authorization": f"Bearer {ADMIN}"}
        await daemon.ask("POST", "/api/v1/users/cy", json={"disabled": True}, headers=root)
        pages = set()
        for name, password in (
            ("ana", "wrong"),
            ("ben", ""),
            ("cy", PASSWORD),
            ("nobody", PASSWORD),
            ("ana", "x" * 5000),
        ):
            answer = await Browser(daemon).sign_in(name, password)
            assert answer.status == 401
            assert "Set-Cookie" not in answer.headers
            pages.add(text(answer).replace(name, ""))
        assert len(pages) == 1


async def test_guessing_is_limited_for_each_address_and_user(
    closed: Closed, clock: SteppedClock
) -> None:
    """The right password is refused too for a while, so a refusal proves nothing; others go on."""
    async with closed() as daemon:
        await with_password(daemon, "ana")
        await with_password(daemon, "ben")
        for _ in range(10):
            assert (await Browser(daemon).sign_in("ana", "wrong")).status == 401
        assert (await Browser(daemon).sign_in("ANA", PASSWORD)).status == 429
        assert (await Browser(daemon).sign_in("ben", PASSWORD)).status == 303
        jump(clock, 901)
        assert (await Browser(daemon).sign_in("ana", PASSWORD)).status == 303


async def test_a_link_signs_in_once_and_only_by_its_button(
    closed: Closed, clock: SteppedClock
) -> None:
    """A mail gateway that opens it uses nothing up; after use, or too late, it is void."""
    async with closed() as daemon:
        link = await add_user(daemon, "ana")
        first, second = Browser(daemon), Browser(daemon)
        for _ in range(2):
            assert "Sign in as ana" in text(await first.get(link))
        assert (await first.post(link)).status == 303
        assert (await first.get("/account")).status == 200
        assert (await second.post(link)).status == (await second.get(link)).status == 410
        assert not second.cookies
        late = await add_user(daemon, "ben")
        jump(clock, 3 * 86_400 + 1)
        assert (await second.post(late)).status == 410
        assert (await second.post("/sign-in/link/abc.def")).status == 410


async def test_signing_out_ends_the_session(closed: Closed) -> None:
    """Also for a copy of its cookie."""
    async with closed() as daemon:
        ana = await signed_in(daemon, "ana")
        copied = dict(ana.cookies)
        assert (await ana.post("/sign-out")).headers["Location"] == "/sign-in"
        assert not ana.cookies
        ana.cookies = copied
        assert (await ana.get("/account")).status == 303


async def test_another_site_can_send_no_form_in_the_name_of_a_user(closed: Closed) -> None:
    """Neither a cross-site form, nor a request that hides where it comes from; nor sign somebody
    in.
    """
    async with closed() as daemon:
        await daemon.alert(alert())
        ana = await with_password(daemon, "ana")
        evil = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
        assert (await ana.post("/incidents/1/ack", **evil)).status == 403
        assert (await ana._ask("POST", "/incidents/1/ack", {})).status == 403
        assert (await ana._ask("POST", "/api/v1/incidents/1/ack", {}, json={})).status == 403
        assert (await daemon.store.incident(1)).acknowledged_at is None
        form = {"name": "ana", "password": PASSWORD}
        assert (await Browser(daemon).post("/sign-in", form, **evil)).status == 403


async def test_a_cookie_is_out_of_reach_of_scripts_and_other_sites(closed: Closed) -> None:
    """Behind https it is also bound to the host and to https."""
    async with closed() as daemon:
        (cookie,) = (await signed_in(daemon, "ana")).sent
        assert cookie.startswith("alert-router=")
        assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))
        assert "Secure" not in cookie
    async with closed(external_url="https://router.example.com") as daemon:
        ben = Browser(daemon, daemon.url)
        await ben.post(await add_user(daemon, "ben"))
        (cookie,) = ben.sent
        assert cookie.startswith("__Host-alert-router=")
        assert {"HttpOnly", "Secure", "SameSite=Lax", "Path=/"} <= set(cookie.split("; "))


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example",
        "/\\evil.example",
        "https://evil.example",
        "/\t/evil.example",
        "javascript:alert(1)",
        "incidents",
        "/incidents\n",
        "/é",
        "",
        "/" + "a" * 3000,
    ],
)
def test_no_link_leads_to_another_site_after_the_sign_in(path: str) -> None:
    assert local_path(path) == HOME


def test_a_path_of_the_router_is_kept() -> None:
    assert local_path("/incidents/1?from=2#x") == "/incidents/1?from=2#x"


async def test_the_holder_of_an_api_token_can_sign_in_with_it(closed: Closed) -> None:
    """As the token's name and role, until the token changes."""
    async with closed() as daemon:
        await daemon.alert(alert())
        browser = Browser(daemon)
        assert (await browser.post("/sign-in/token", {"token": "wrong"})).status == 401
        assert (await browser.post("/sign-in/token", {"token": ADMIN})).status == 303
        await browser.post("/incidents/1/ack")
        assert (await daemon.store.incident(1)).acknowledged_by == "root"
        tokens = daemon.app.config.file.auth.tokens
        tokens["root"] = type(tokens["root"])(sha256="0" * 64)
        assert (await browser.get("/account")).status == 303


async def test_where_nobody_has_to_sign_in_the_page_leads_on(router: Closed) -> None:
    async with router() as daemon:
        led = await Browser(daemon).get("/sign-in?next=/stats")
        assert (led.status, led.headers["Location"]) == (303, "/stats")
        assert "nobody needs to sign in" in text(await Browser(daemon).get("/account"))


async def test_a_form_after_the_session_is_kept_until_its_sender_confirms(closed: Closed) -> None:
    """It is shown after the sign-in, in this browser only, without its secrets; then it is sent."""
    async with closed() as daemon:
        await daemon.alert(alert())
        ana = await with_password(daemon, "ana")
        ana.cookies.clear()
        led = await ana.post("/incidents/1/note", {"text": "half a\nnote", "password": "hush"})
        assert (led.status, led.headers["Location"]) == (303, "/sign-in?next=/not-sent")
        assert "What you typed is kept" in text(await ana.get(led.headers["Location"]))
        back = await ana.sign_in("ana", PASSWORD, "/not-sent")
        shown = (await ana.get(back.headers["Location"])).body.decode()
        assert '<form method="post" action="/incidents/1/note">' in shown
        assert "half a\nnote</textarea>" in shown
        assert "hush" not in shown
        assert "half a" not in text(await ana.get("/incidents/1"))
        del ana.cookies["not-sent"]
        assert "No form waits" in text(await ana.get("/not-sent"))


async def test_strangers_can_keep_few_forms(closed: Closed) -> None:
    """Each address a few, and no program any: it gets a 401."""
    async with closed() as daemon:
        browser = Browser(daemon)
        sent = [await browser.post("/incidents/1/note", {"text": "x"}) for _ in range(11)]
        assert [response.status for response in sent] == [303] * 10 + [401]
        program = await daemon.ask("POST", "/incidents/1/note", data={"text": "x"})
        assert is_problem(program, 401)
