"""The page as it's served: open to everybody, cached, and never more than was published."""

from collections.abc import Callable

import pytest

from tests.clock import SteppedClock
from tests.daemon import Daemon
from tests.web.statuspage.site import PAGE, opened, publish
from tests.web.webhooks.test_endpoint import is_problem

Router = Callable[..., Daemon]

PATHS = (
    "/status",
    "/status/",
    "/status/history.html",
    "/status/feed.atom",
    "/status/api/v2/summary.json",
    "/status/api/v2/status.json",
    "/status/api/v2/incidents.json",
)


async def test_an_incident_is_nowhere_until_something_of_it_is_published(
    router: Router, clock: SteppedClock
) -> None:
    """And then only its public words."""
    async with router(clock=clock, status_page=PAGE) as daemon:
        await daemon.get("/status")  # from now on there is data
        await clock.advance(10)
        before = {path: (await daemon.get(path)).body for path in PATHS}
        number = await opened(daemon)
        await clock.advance(10)
        assert {path: (await daemon.get(path)).body for path in PATHS} == before
        assert (await daemon.get(f"/status/incidents/{number}")).status == 404
        await publish(daemon, number)
        for path in (*PATHS, f"/status/incidents/{number}"):
            body = (await daemon.get(path)).body.decode()
            assert "Payment failures" not in body
            assert "PaymentFailures" not in body
            assert "ana" not in body.replace("alternate", "")
        assert "Payment problems" in (await daemon.get("/status")).body.decode()


async def test_a_page_needs_no_token_and_says_how_long_it_may_be_kept(
    router: Router, clock: SteppedClock
) -> None:
    auth = {"tokens": {"ana": {"sha256": "0" * 64}}}
    async with router(clock=clock, status_page=PAGE, auth=auth) as daemon:
        for path in PATHS:
            answer = await daemon.get(path)
            assert answer.status == 200, path
            assert answer.headers["Cache-Control"].startswith("public, max-age=")
            assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'")
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"


async def test_content_types_are_those_of_the_formats(router: Router) -> None:
    async with router(status_page=PAGE) as daemon:
        types = [(await daemon.get(path)).headers["Content-Type"] for path in PATHS]
    html, atom, json = (
        f"{kind}; charset=utf-8"
        for kind in ("text/html", "application/atom+xml", "application/json")
    )
    assert types == [html, html, html, atom, json, json, json]


@pytest.mark.parametrize("path", PATHS)
async def test_what_somebody_has_already_isnt_sent_again(
    router: Router, clock: SteppedClock, path: str
) -> None:
    """The tag decides, or the date without a tag; a changed document is sent."""
    async with router(clock=clock, status_page=PAGE) as daemon:
        number = await opened(daemon)
        await publish(daemon, number)
        first = await daemon.get(path)
        tag, date = first.headers["ETag"], first.headers["Last-Modified"]
        again = await daemon.get(path, headers={"If-None-Match": tag})
        assert (again.status, again.body, again.headers["ETag"]) == (304, b"", tag)
        assert (await daemon.get(path, headers={"If-Modified-Since": date})).status == 304
        assert (
            await daemon.get(path, headers={"If-None-Match": '"other"', "If-Modified-Since": date})
        ).status == 200
        await clock.advance(90)
        await publish(daemon, number, "Over.", status="resolved")
        changed = await daemon.get(path, headers={"If-None-Match": tag})
        assert changed.status == 200
        assert changed.headers["ETag"] != tag
        assert (await daemon.get(path, headers={"If-Modified-Since": date})).status == 200


async def test_without_a_slash_the_links_lead_to_the_same(router: Router) -> None:
    async with router(status_page=PAGE) as daemon:
        bare, whole = [(await daemon.get(path)).body.decode() for path in ("/status", "/status/")]
    assert 'href="status/style.css"' in bare
    assert bare.replace('="status/', '="').replace('href=""', 'href="./"') == whole


async def test_the_page_is_shown_on_while_the_store_is_away(
    router: Router, clock: SteppedClock
) -> None:
    """Customers ask most just when something is broken."""
    async with router(clock=clock, status_page=PAGE) as daemon:
        await publish(daemon, await opened(daemon))
        before = await daemon.get("/status")
        await clock.advance(30)
        daemon.store.down = True
        assert (await daemon.get("/status")).body == before.body


async def test_a_crowd_costs_one_look_at_the_store(router: Router, clock: SteppedClock) -> None:
    async with router(clock=clock, status_page=PAGE) as daemon:
        assert (await daemon.get("/status")).status == 200
        looks = daemon.store.calls["published"]
        for _ in range(20):
            assert (await daemon.get("/status")).status == 200
        assert daemon.store.calls["published"] == looks


async def test_without_a_page_in_the_config_there_is_none(router: Router) -> None:
    async with router() as daemon:
        for path in PATHS:
            assert is_problem(await daemon.get(path), 404)


async def test_what_isnt_there_isnt_found(router: Router) -> None:
    """Nor anything outside of the page."""
    async with router(status_page=PAGE) as daemon:
        for path in (
            "/status/incidents/99",
            "/status/nothing",
            "/status/..%2fapi",
            "/status/api/v2/nothing.json",
        ):
            assert is_problem(await daemon.get(path), 404)
