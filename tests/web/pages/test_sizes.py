"""The list and the page of an incident at every size: quick, light, and without a finding."""

import gzip
import time
from collections.abc import Callable

import pytest

from router.web.pages.assets import PATHS, asset
from tests.browser import PHONE, chromium, findings, overflows, tab
from tests.daemon import Daemon, alert
from tests.web.pages.test_every_page import HOSTILE

Router = Callable[..., Daemon]

MOST_BYTES = 100 * 1024
MOST_SECONDS = 0.1


async def open_many(daemon: Daemon, count: int) -> None:
    for start in range(0, count, 200):
        some = range(start, min(start + 200, count))
        await daemon.alert(*(alert("DiskFull", instance=f"db-{number}") for number in some))


async def many_alerts(daemon: Daemon) -> None:
    """One incident of 200 alerts."""
    some = (
        alert(
            "DiskFull", instance="db", node=f"node-{number} {HOSTILE[:60]}", fingerprint=f"{number}"
        )
        for number in range(200)
    )
    await daemon.alert(*some)


async def cost(daemon: Daemon, path: str) -> tuple[int, float]:
    """Bytes of a page as they are sent, and the CPU seconds of the quickest of some requests."""
    spent = []
    for _ in range(5):
        before = time.process_time()
        answer = await daemon.get(path)
        spent.append(time.process_time() - before)
    return len(gzip.compress(answer.body)), min(spent)


async def test_the_first_page_is_light_and_quick_with_a_thousand_open_incidents(
    router: Router,
) -> None:
    """With its stylesheet, scripts and icon: 100 KB and 100 ms."""
    async with router() as daemon:
        await open_many(daemon, 1_000)
        await many_alerts(daemon)
        await daemon.until_idle()  # messages that are sent meanwhile would count
        files = sum(len(asset(path).zipped) for path in PATHS)
        for path in ("/incidents", "/incidents/1001"):
            size, seconds = await cost(daemon, path)
            assert size + files <= MOST_BYTES
            assert seconds <= MOST_SECONDS
        assert b"1001 open" in (await daemon.get("/incidents")).body


@pytest.mark.peer
@pytest.mark.parametrize("count", [0, 1, 60, 1_000])
async def test_the_list_is_accessible_with_any_number_of_incidents(
    router: Router, count: int
) -> None:
    """On a phone, where each incident is a card."""
    async with router() as daemon:
        await open_many(daemon, count)
        async with chromium() as browser, tab(browser, PHONE) as (page, errors):
            await page.goto(f"{daemon.url}/incidents")
            assert await page.locator(".incidents tbody tr").count() == min(count, 50)
            assert await overflows(page) + await findings(page) + errors == []


@pytest.mark.peer
async def test_an_incident_of_two_hundred_alerts_shows_and_filters_them_all(
    router: Router,
) -> None:
    """Most are folded; a word in the filter finds one, and unfolds."""
    async with router() as daemon:
        await many_alerts(daemon)
        async with chromium() as browser, tab(browser, PHONE) as (page, errors):
            await page.goto(f"{daemon.url}/incidents/1")
            rows = page.locator(".alert-rows tr")
            assert await rows.count() == 200
            await page.get_by_label("Filter alerts").fill("node-199")
            assert await rows.locator("visible=true").count() == 1
            assert await overflows(page) + await findings(page) + errors == []
