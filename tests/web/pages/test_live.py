"""Pages in a browser: they stay current, keep what is typed, and obey the keyboard."""

from collections.abc import AsyncIterator, Callable

import pytest
from playwright.async_api import Page, expect

from tests.browser import DESK, PHONE, chromium, tab
from tests.daemon import Daemon, alert

expect.set_options(timeout=30_000)

Router = Callable[..., Daemon]
pytestmark = pytest.mark.peer


@pytest.fixture
async def daemon(router: Router) -> AsyncIterator[Daemon]:
    async with router() as daemon:
        await daemon.alert(alert(), alert(service="web"))
        yield daemon


async def test_a_page_stays_current_and_keeps_what_is_typed(daemon: Daemon) -> None:
    """Two people at once: an answer of one appears on the other's page, whose note stays.

    The first page of a browser is by the reader's clock already.
    """
    async with chromium() as browser, tab(browser, timezone_id="Asia/Tokyo") as (page, errors):
        await page.goto(f"{daemon.url}/incidents/1")
        await page.get_by_label("Note").fill("half a note")
        await expect(page.locator("footer")).to_contain_text("Asia/Tokyo")
        await expect(page.locator("#live")).to_have_text("Live")
        await daemon.ask(
            "POST", "/api/v1/incidents/1/ack", json={}, headers={"X-Router-User": "ben"}
        )
        await page.get_by_text("acknowledged by ben").first.wait_for()
        assert await page.get_by_label("Note").input_value() == "half a note"
        assert errors == []


async def test_a_warning_goes_with_its_cause(router: Router) -> None:
    """A page loaded again keeps the outcome of a form, and no warning that no longer applies."""
    plans = {name: {"policy": "all", "respond_within": "1s"} for name in ("P0", "P1", "P2", "P3")}
    async with (
        router(severities=plans) as daemon,
        chromium() as browser,
        tab(browser, timezone_id="Asia/Tokyo") as (page, _),
    ):
        await daemon.alert(alert())
        await page.goto(f"{daemon.url}/incidents/1")
        await page.locator(".notice").first.wait_for()
        await expect(page.locator("footer")).to_contain_text("Asia/Tokyo")
        await expect(page.locator("#live")).to_have_text("Live")
        await expect(page.locator(".notice")).to_have_count(1)
        await daemon.ask("POST", "/api/v1/incidents/1/ack", json={})
        await page.get_by_text("acknowledged by").first.wait_for()
        await expect(page.locator(".notice")).to_have_count(0)


async def test_the_list_stays_current_and_keeps_the_choice(daemon: Daemon) -> None:
    """A new incident appears; chosen ones stay chosen."""
    async with chromium() as browser, tab(browser) as (page, errors):
        await page.goto(f"{daemon.url}/incidents")
        await page.get_by_label("Choose INC-2").check()
        await expect(page.locator("#live")).to_have_text("Live")
        await daemon.alert(alert(service="third"))
        await page.locator("#row-3").wait_for()
        assert await page.get_by_label("Choose INC-2").is_checked()
        assert errors == []


async def test_a_page_shows_its_age_without_a_connection(daemon: Daemon) -> None:
    """The reader sees that it may be out of date, and when it is current again."""
    async with chromium() as browser, tab(browser) as (page, _):
        await page.goto(f"{daemon.url}/incidents")
        await expect(page.locator("#live")).to_have_text("Live")
        await page.context.set_offline(True)
        await daemon.app.stop()
        await expect(page.locator("#live")).to_contain_text("Connection lost")


async def test_acknowledge_needs_no_scrolling_on_a_phone(daemon: Daemon) -> None:
    """However long the title is; and it works without script, in one tap."""
    await daemon.alert(alert(service="very-long-word " * 30))
    async with chromium() as browser, tab(browser, PHONE, java_script_enabled=False) as (page, _):
        for number in (1, 3):
            await page.goto(f"{daemon.url}/incidents/{number}")
            box = await page.get_by_role("button", name="Acknowledge").bounding_box()
            assert box is not None
            assert box["y"] + box["height"] <= PHONE[1]
            assert box["height"] >= 44
        await page.get_by_role("button", name="Acknowledge").click()
        assert "acknowledged by" in await page.inner_text("main")


async def open_palette(page: Page) -> None:
    await page.keyboard.press("/")
    await page.get_by_role("combobox", name="Search incidents").wait_for()


async def test_the_palette_finds_and_runs(daemon: Daemon) -> None:
    """Incidents, pages and the commands of the page, without the mouse."""
    async with chromium() as browser, tab(browser, DESK) as (page, errors):
        await page.goto(f"{daemon.url}/incidents")
        results = page.locator("#palette-results li")
        await open_palette(page)
        await page.keyboard.type("payment web")
        await expect(results).to_have_count(1)
        await expect(results).to_contain_text("Payment failures at 2.3% on web")
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"{daemon.url}/incidents/2")
        await open_palette(page)
        await page.keyboard.type("acknowledge")
        await expect(results.first).to_contain_text("Acknowledge")
        await page.keyboard.press("Enter")
        await page.get_by_text("Acknowledged INC-2.").wait_for()
        assert errors == []


async def test_single_keys_answer_and_can_be_turned_off(daemon: Daemon) -> None:
    """A key in a field is text; a reader who dictates can turn the keys off."""
    async with chromium() as browser, tab(browser) as (page, _):
        await page.goto(f"{daemon.url}/incidents")
        await page.keyboard.press("j")
        await page.keyboard.press("Enter")
        await page.wait_for_url(f"{daemon.url}/incidents/*")
        await page.get_by_label("Note").press("a")
        assert await page.get_by_label("Note").input_value() == "a"
        await page.locator("h1").click()
        await page.keyboard.press("a")
        await page.get_by_text("Acknowledged INC-").wait_for()
        await open_palette(page)
        await page.get_by_label("Single-key shortcuts").uncheck()
        await page.keyboard.press("Escape")
        await page.keyboard.press("/")
        assert not await page.locator("#palette").is_visible()


async def test_enter_never_sends_the_wrong_form(daemon: Daemon) -> None:
    """Where a field has several buttons, Enter presses none."""
    async with chromium() as browser, tab(browser) as (page, _):
        await page.goto(f"{daemon.url}/incidents/1")
        await page.get_by_label("Other incident").fill("INC-2")
        await page.get_by_label("Other incident").press("Enter")
        assert page.url == f"{daemon.url}/incidents/1"
        await page.goto(f"{daemon.url}/incidents")
        await page.get_by_label("Choose INC-2").press("Enter")
        shown = (await daemon.get("/api/v1/incidents?unacknowledged=true")).json
        assert shown["total"] == 2
