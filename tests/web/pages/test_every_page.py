"""Every page that has a route: on a desk and a phone, light and dark, with and without script.

A new page is found by its route. If its path has parameters that are not in `EXAMPLES`, add them.
"""

import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import yaml
from playwright.async_api import Page

from tests.browser import DESK, PHONE, chromium, findings, overflows, tab, wordless
from tests.daemon import Daemon, alert

Router = Callable[..., Daemon]
pytestmark = pytest.mark.peer

EXAMPLES = {
    "/incidents/{id}": "/incidents/1",
    "/incidents/{id}/why": "/incidents/1/why",
    "/incidents/{id}/postmortem": "/incidents/1/postmortem",
    "/drills/{id}": "/drills/DRILL",
}
"""A path to open for each route with parameters."""

ELSEWHERE = re.compile(
    r"/(api|webhooks|heartbeat|metrics|-|act|status|assets|sign-in)(/|$)"
    r"|.*\.(svg|css|ico|ics|js|webmanifest)$|.*{form"
)
"""Routes that are no pages for people who respond."""

NARROW = 320
"""Pixels of a desk's 1280 at 400 % zoom."""

HOSTILE = "\u202eشبكة الدفع 💥 <b>" + "very-long-word-without-a-space" * 16
"""A title of 500 characters: right to left, emoji, markup, and nothing to break at."""


SCENARIO = {
    "name": "p0",
    "description": "payments",
    "time_out": "1h",
    "steps": [
        {"alert": {"labels": {"alertname": "PaymentFailures"}, "annotations": {"value": "0.1"}}},
        {"expect": "acknowledged", "within": "5m"},
        {"review": ["The numbers are right"]},
    ],
}


async def pages(daemon: Daemon) -> list[str]:
    """The paths of all pages."""
    (drill,) = (await daemon.get("/api/v1/drills")).json["drills"]
    found = {
        route.resource.canonical
        for route in daemon.app._runner.app.router.routes()
        if route.method == "GET" and route.resource is not None
    }
    paths = [EXAMPLES.get(path, path) for path in sorted(found) if not ELSEWHERE.match(path)]
    return [path.replace("DRILL", drill["id"]) for path in paths]


async def fill(daemon: Daemon) -> None:
    """Incidents of every kind: open, acknowledged, closed, with a hostile title."""
    await daemon.alert(
        alert(service=HOSTILE[:500]),
        alert(service="web"),
        *(alert("DiskFull", instance=f"db-{number}") for number in range(3)),
    )
    await daemon.ask("POST", "/api/v1/incidents/2/ack", json={})
    await daemon.ask("POST", "/api/v1/incidents/3/resolve", json={"text": "freed some space"})
    await daemon.ask("POST", "/api/v1/drills", json={"scenario": "p0"})


@pytest.fixture
async def daemon(router: Router, tmp_path: Path) -> AsyncIterator[Daemon]:
    (tmp_path / "p0.yaml").write_text(yaml.safe_dump(SCENARIO))
    company = {"name": "Acme", "time_zone": "Europe/London"}
    async with router(company=company, drills={"scenarios": ["p0.yaml"]}) as daemon:
        await fill(daemon)
        yield daemon


async def problems_of(page: Page) -> list[str]:
    """Check the open page at both sizes and in both colour schemes."""
    found = []
    for width, height in (DESK, PHONE):
        await page.set_viewport_size({"width": width, "height": height})
        found += await overflows(page)
        found += [f"{width} light {finding}" for finding in await findings(page)]
        await page.emulate_media(color_scheme="dark")
        found += [f"{width} dark {finding}" for finding in await findings(page, "color-contrast")]
        await page.emulate_media(color_scheme="light")
    await page.set_viewport_size({"width": NARROW, "height": 640})
    return found + await overflows(page) + await wordless(page)


async def test_every_page_is_accessible_and_fits(daemon: Daemon) -> None:
    """No finding of axe, nothing wider than the screen, nothing said by a colour or a picture
    alone, no error in the console.
    """
    async with chromium() as browser, tab(browser) as (page, errors):
        found: list[str] = []
        for path in await pages(daemon):
            answer = await page.goto(daemon.url + path)
            assert answer is not None
            assert answer.status == 200, f"{path}: {answer.status}; has it an entry in EXAMPLES?"
            found += await problems_of(page)
        assert found == []
        assert errors == []


async def test_every_page_can_be_read_without_script(daemon: Daemon) -> None:
    """The content is the server's; the navigation opens on a phone."""
    async with chromium() as browser, tab(browser, PHONE, java_script_enabled=False) as (page, _):
        for path in await pages(daemon):
            await page.goto(daemon.url + path)
            assert await page.locator("main h1").inner_text()
        assert not await page.locator("#navigation").is_visible()
        await page.get_by_role("button", name="Menu").click()
        await page.get_by_role("link", name="Incidents", exact=True).click()
        assert page.url == f"{daemon.url}/incidents"


async def test_an_error_leads_back_and_keeps_the_input(daemon: Daemon) -> None:
    """A refused form is shown again with what was typed, and a button to send it again."""
    async with chromium() as browser, tab(browser, java_script_enabled=False) as (page, _):
        await page.goto(f"{daemon.url}/incidents/1")
        await page.get_by_label("Other incident").fill("INC-4711")
        await page.get_by_role("button", name="Merge into").click()
        assert "there is no incident INC-4711" in await page.inner_text("main")
        assert await page.get_by_label("Other").input_value() == "INC-4711"
        await page.get_by_label("Other").fill("INC-2")
        await page.get_by_role("button", name="Try again").click()
        assert "Merge INC-1 into INC-2?" in await page.inner_text("main")
        await page.get_by_role("button", name="Merge", exact=True).click()
        assert page.url == f"{daemon.url}/incidents/1"
        assert "Merged into INC-2" in await page.inner_text("main")
