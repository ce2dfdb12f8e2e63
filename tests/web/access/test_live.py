"""A live page of somebody who is signed in, and then signed out."""

from collections.abc import Callable

import pytest
from playwright.async_api import expect

from router.web.api.events import POLL
from tests.browser import chromium, tab
from tests.clock import SteppedClock
from tests.daemon import Daemon, alert
from tests.web.access.conftest import ADMIN, PASSWORD, with_password

Closed = Callable[..., Daemon]
pytestmark = pytest.mark.peer


async def test_a_page_stays_live_until_its_reader_is_signed_out(
    closed: Closed, clock: SteppedClock
) -> None:
    """The session opens the stream. Later the page says so, and keeps what was typed."""
    async with closed() as daemon:
        await daemon.alert(alert())
        await with_password(daemon, "ana")
        async with chromium() as browser, tab(browser) as (page, _):
            await page.goto(f"{daemon.url}/incidents/1")
            await page.get_by_label("Name").fill("ana")
            await page.get_by_label("Password").fill(PASSWORD)
            await page.keyboard.press("Enter")
            await page.wait_for_url(f"{daemon.url}/incidents/1")
            await expect(page.locator("#live")).to_have_text("Live", timeout=30_000)
            await page.get_by_label("Note").fill("half a note")
            await page.context.clear_cookies()
            root = {"Authorization": f"Bearer {ADMIN}"}
            note = {"text": "looking"}
            await daemon.ask("POST", "/api/v1/incidents/1/note", json=note, headers=root)
            await clock.advance(POLL)
            await expect(page.locator("#live")).to_have_text("Signed out", timeout=30_000)
            assert await page.get_by_label("Note").input_value() == "half a note"
