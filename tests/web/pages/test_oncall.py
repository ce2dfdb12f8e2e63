"""The on-call calendar in a browser: an override by a drag over its days."""

from collections.abc import Callable

import pytest

from tests.browser import chromium, tab
from tests.clock import SteppedClock
from tests.daemon import Daemon
from tests.web.api.test_schedules import MONDAY, PEOPLE

Router = Callable[..., Daemon]
pytestmark = pytest.mark.peer


async def test_a_drag_over_days_fills_in_the_form_of_an_override(router: Router) -> None:
    """In either direction, by the schedule's clock; Escape gives up; the form does the rest."""
    async with (
        router(clock=SteppedClock(MONDAY), **PEOPLE) as daemon,
        chromium() as browser,
        tab(browser, timezone_id="Europe/London") as (page, errors),
    ):
        await page.goto(f"{daemon.url}/oncall")
        days = page.locator("td[data-from]")
        start, contact = page.get_by_label("From").first, page.get_by_label("On call instead").first
        await days.nth(4).hover()
        await page.mouse.down()
        await days.nth(3).hover()
        await page.keyboard.press("Escape")
        await page.mouse.up()
        assert not await start.is_visible()
        await page.mouse.down()
        await days.nth(2).hover()
        assert await page.locator("td.chosen").count() == 2
        await page.mouse.up()
        assert await start.input_value() == "2026-03-25T00:00"
        await contact.select_option("ben")
        await page.get_by_role("button", name="Set the override").first.click()
        assert "The override is set." in await page.inner_text("main")
        (made,) = (await daemon.get("/api/v1/schedules/primary/overrides")).json["overrides"]
        assert [(one["contact"], one["start"], one["end"]) for one in made["changes"]] == [
            ("ben", "2026-03-25T00:00:00.000Z", "2026-03-27T00:00:00.000Z")
        ]
        assert errors == []
