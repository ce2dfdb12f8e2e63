"""Sign-in at an OpenID provider: a real one, and one that sends what none should."""

import base64
import json
import warnings
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import aiohttp
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from tests.clock import SteppedClock
from tests.daemon import Answer, Daemon, alert
from tests.web.access.browser import Browser, text
from tests.web.access.conftest import jump
from tests.web.access.provider import CLIENT, OTHER_KEY, SECRET, Issuer

Closed = Callable[..., Daemon]

ROLES = {"admin": ["boss"], "responder": ["sre"], "viewer": ["staff"]}


@pytest.fixture
async def issuer(clock: SteppedClock) -> AsyncIterator[Issuer]:
    async with Issuer(clock) as issuer:
        yield issuer


@pytest.fixture
def real() -> Iterator[str]:
    """A real provider: its address."""
    with warnings.catch_warnings(record=True):  # about the library that the provider uses
        import oidc_provider_mock
    with oidc_provider_mock.run_server_in_thread(require_nonce=True) as server:
        yield f"http://localhost:{server.server_port}"


def oidc(url: str, **changes: Any) -> dict[str, Any]:
    """Config of sign-in at this provider only."""
    config = {"issuer": url, "client_id": CLIENT, "client_secret": SECRET, "roles": ROLES}
    return {"oidc": config | changes}


async def begin(browser: Browser, after: str = "/incidents") -> dict[str, str]:
    """Begin at the router: what the provider is asked."""
    led = await browser.get(f"/sign-in/oidc?{urlencode({'next': after})}")
    assert led.status == 303, led.body
    return dict(parse_qsl(urlsplit(led.headers["Location"]).query))


async def back(browser: Browser, answer: dict[str, str]) -> Answer:
    return await browser.get(f"/sign-in/oidc/callback?{urlencode(answer)}")


async def sign_in(browser: Browser, issuer: Issuer, after: str = "/incidents") -> Answer:
    return await back(browser, issuer.authorize(await begin(browser, after)))


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_sign_in_at_a_real_provider(router: Closed, real: str) -> None:
    """From the first page to an acknowledgement by the contact of their address."""
    claims = {"email": "ana@example.com", "name": "A. Cruz", "groups": ["sre", "x"]}
    async with aiohttp.ClientSession() as session:
        await session.put(f"{real}/users/ana", json=claims)
    contacts = {"ana": {"name": "Ana Cruz", "email": "ana@example.com"}}
    async with router(auth=oidc(real), contacts=contacts) as daemon:
        await daemon.alert(alert())
        browser = Browser(daemon)
        led = await browser.get("/incidents/1")
        assert "Sign in with your company account" in text(
            await browser.get(led.headers["Location"])
        )
        led = await browser.get("/sign-in/oidc?next=/incidents/1")
        async with (
            aiohttp.ClientSession() as session,
            session.post(
                led.headers["Location"], data={"sub": "ana"}, allow_redirects=False
            ) as answer,
        ):
            redirect = urlsplit(answer.headers["Location"])
        assert redirect.path == "/sign-in/oidc/callback"
        done = await browser.get(f"{redirect.path}?{redirect.query}")
        assert (done.status, done.headers.get("Location")) == (303, "/incidents/1"), text(done)
        await browser.post("/incidents/1/ack")
        assert (await daemon.store.incident(1)).acknowledged_by == "Ana Cruz"


async def test_the_request_has_state_nonce_and_pkce(closed: Closed, issuer: Issuer) -> None:
    """New ones each time; the verifier stays with the browser, sealed."""
    async with closed(oidc(issuer.url)) as daemon:
        browser = Browser(daemon)
        first, second = await begin(browser), await begin(browser)
        for name in ("state", "nonce", "code_challenge"):
            assert first[name] != second[name]
            assert len(first[name]) == 43
        assert first["code_challenge_method"] == "S256"
        assert first["redirect_uri"] == "http://127.0.0.1:9095/sign-in/oidc/callback"
        (cookie,) = browser.sent
        assert {"HttpOnly", "SameSite=Lax"} <= set(cookie.split("; "))


async def test_groups_give_the_highest_role(closed: Closed, issuer: Issuer) -> None:
    """At each sign-in those of then."""
    async with closed(oidc(issuer.url)) as daemon:
        for groups, role in (
            (["sre"], "responder"),
            (["staff", "boss"], "admin"),
            (["staff"], "viewer"),
            ("sre", "responder"),
        ):
            issuer.claims["groups"] = groups
            browser = Browser(daemon)
            assert (await sign_in(browser, issuer)).status == 303
            assert f"Role {role}" in text(await browser.get("/account"))


async def test_who_is_in_no_group_gets_no_session(closed: Closed, issuer: Issuer) -> None:
    """And reads which groups they are in."""
    async with closed(oidc(issuer.url)) as daemon:
        issuer.claims["groups"] = ["sales"]
        browser = Browser(daemon)
        refused = await sign_in(browser, issuer)
        assert (refused.status, "You are in: sales" in text(refused)) == (403, True)
        assert (await browser.get("/account")).status == 303


async def test_groups_may_be_deeper_or_in_the_user_info(closed: Closed, issuer: Issuer) -> None:
    """Keycloak has roles in `realm_access`; others leave groups out of the ID token."""
    issuer.claims = {"sub": "42"}
    issuer.userinfo = {"sub": "42", "realm_access": {"roles": ["boss"]}, "iss": "ignored"}
    async with closed(oidc(issuer.url, groups="realm_access.roles")) as daemon:
        browser = Browser(daemon)
        assert (await sign_in(browser, issuer)).status == 303
        assert "Role admin" in text(await browser.get("/account"))
        issuer.userinfo["sub"] = "43"
        assert (await sign_in(Browser(daemon), issuer)).status == 403


async def test_a_reload_takes_a_role_away(closed: Closed, issuer: Issuer) -> None:
    """Without waiting for the next sign-in."""
    async with closed(oidc(issuer.url)) as daemon:
        browser = Browser(daemon)
        await sign_in(browser, issuer)
        config = daemon.app.config.file.auth.oidc
        assert config is not None
        config.roles.clear()
        assert (await browser.get("/account")).status == 303


def unsigned(claims: dict[str, Any]) -> str:
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    texts = [
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts
    ]
    return ".".join([*texts, ""])


def by_secret(claims: dict[str, Any]) -> str:
    """Signed with the client's secret, as if it were the provider's key."""
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET * 4))


def by_another(claims: dict[str, Any]) -> str:
    return jwt.encode({"alg": "RS256", "kid": "1"}, claims, OTHER_KEY)


async def test_a_token_that_the_provider_did_not_sign_is_refused(
    closed: Closed, issuer: Issuer
) -> None:
    async with closed(oidc(issuer.url)) as daemon:
        for sign in (unsigned, by_secret, by_another, lambda _: "no.token.at"):
            issuer.sign = sign
            browser = Browser(daemon)
            assert (await sign_in(browser, issuer)).status == 403
            assert "alert-router" not in browser.cookies


async def test_a_token_for_something_else_is_refused(closed: Closed, issuer: Issuer) -> None:
    """Another issuer, client, sign-in or time."""
    async with closed(oidc(issuer.url)) as daemon:
        for changes in (
            {"iss": "https://evil.example"},
            {"aud": "another-client"},
            {"aud": [CLIENT, "another"]},
            {"aud": [CLIENT, "another"], "azp": "another"},
            {"azp": "another"},
            {"nonce": "x"},
            {"exp": 0},
            {"iat": 4_000_000_000},
            {"sub": ""},
            {"sub": None},
        ):
            issuer.change = lambda claims, changes=changes: claims | changes
            assert (await sign_in(Browser(daemon), issuer)).status == 403, changes


async def test_a_token_without_a_claim_that_is_needed_is_refused(
    closed: Closed, issuer: Issuer
) -> None:
    async with closed(oidc(issuer.url)) as daemon:
        for missing in ("iss", "aud", "nonce", "exp", "iat", "sub"):
            issuer.change = lambda claims, missing=missing: {
                name: claim for name, claim in claims.items() if name != missing
            }
            assert (await sign_in(Browser(daemon), issuer)).status == 403, missing


async def test_an_answer_of_another_sign_in_is_refused(
    closed: Closed, issuer: Issuer, clock: SteppedClock
) -> None:
    """Another state, another browser, another provider, too late, or used before."""
    async with closed(oidc(issuer.url)) as daemon:
        browser, victim = Browser(daemon), Browser(daemon)
        answer = issuer.authorize(await begin(browser))
        await begin(victim)
        assert (await back(victim, answer)).status == 403
        assert (await back(Browser(daemon), answer)).status == 403
        assert (await back(browser, answer | {"state": "x"})).status == 403
        assert (await back(browser, answer | {"iss": "https://evil.example"})).status == 403
        refused = await back(browser, {"state": answer["state"], "error": "access_denied"})
        assert "access_denied" in text(refused)
        assert (await back(browser, answer)).status == 303
        assert (await back(browser, answer)).status == 403
        late = issuer.authorize(await begin(victim))
        jump(clock, 601)
        assert (await back(victim, late)).status == 403


async def test_a_new_key_of_the_provider_is_read_once_a_minute(
    closed: Closed, issuer: Issuer, clock: SteppedClock
) -> None:
    async with closed(oidc(issuer.url)) as daemon:
        assert (await sign_in(Browser(daemon), issuer)).status == 303
        issuer.key = OTHER_KEY
        assert (await sign_in(Browser(daemon), issuer)).status == 403
        jump(clock, 61)
        assert (await sign_in(Browser(daemon), issuer)).status == 303


async def test_nobody_acts_under_the_name_of_another_contact(
    closed: Closed, issuer: Issuer
) -> None:
    """Only a verified address makes somebody that contact."""
    async with closed(oidc(issuer.url)) as daemon:
        for more, name in (
            ({"email": "ana@example.com", "email_verified": True}, "Ana Cruz"),
            ({"email": "ana@example.com", "email_verified": False, "name": "Mal"}, "Mal"),
            ({"email": "m@example.com", "name": "ana CRUZ"}, "ana CRUZ (m@example.com)"),
            ({"email": "m@example.com", "name": "ana"}, "ana (m@example.com)"),
            ({"email": "m@example.com"}, "m@example.com"),
        ):
            issuer.claims = {"sub": "42", "groups": ["sre"], **more}
            browser = Browser(daemon)
            await sign_in(browser, issuer)
            assert f"<h1>{name}</h1>" in (await browser.get("/account")).body.decode()


async def test_a_provider_that_is_not_as_configured_is_refused(
    closed: Closed, issuer: Issuer, clock: SteppedClock
) -> None:
    """Its own name differs, or its secrets would travel in the open."""
    async with closed(oidc(issuer.url)) as daemon:
        for metadata in (
            {"issuer": "https://evil.example"},
            {"token_endpoint": "http://provider.example/token"},
            {"jwks_uri": 5},
        ):
            issuer.metadata = metadata
            assert (await Browser(daemon).get("/sign-in/oidc")).status == 403, metadata
            jump(clock, 3601)


async def test_a_provider_that_is_down_is_named(closed: Closed) -> None:
    async with closed(oidc("http://127.0.0.1:1")) as daemon:
        answer = await Browser(daemon).get("/sign-in/oidc")
        assert (answer.status, "can't be reached" in text(answer)) == (403, True)
