"""Sign-in in a real browser, on a desk and a phone."""

from collections.abc import Callable

import pytest

from tests.browser import PHONE, chromium, tab
from tests.daemon import Daemon, alert
from tests.web.access.conftest import PASSWORD, add_user
from tests.web.pages.test_every_page import problems_of

Closed = Callable[..., Daemon]
pytestmark = pytest.mark.peer


async def test_from_a_link_to_an_acknowledgement(closed: Closed) -> None:
    """Without script: use the link, set a password, sign out and in, acknowledge."""
    async with closed() as daemon, chromium() as browser:
        await daemon.alert(alert())
        link = await add_user(daemon, "ana")
        async with tab(browser, PHONE, java_script_enabled=False) as (page, _):
            await page.goto(daemon.url + link)
            await page.get_by_role("button", name="Sign in").click()
            await page.get_by_label("New password").fill(PASSWORD)
            await page.get_by_role("button", name="Set password").click()
            await page.get_by_role("button", name="Sign out").click()
            await page.goto(f"{daemon.url}/incidents/1")
            await page.get_by_label("User name").fill("ana")
            await page.get_by_label("Password").fill(PASSWORD)
            await page.get_by_role("button", name="Sign in").first.click()
            assert page.url == f"{daemon.url}/incidents/1"
            await page.get_by_role("button", name="Acknowledge").first.click()
        assert (await daemon.store.incident(1)).acknowledged_by == "Ana Cruz"


async def test_the_pages_of_people_are_accessible_and_fit(closed: Closed) -> None:
    """The sign-in, its failure, an account, a token just made, users and a long log."""
    async with closed() as daemon, chromium() as browser, tab(browser) as (page, errors):
        link = await add_user(daemon, "boss", "admin", email="ana@example.com")
        await add_user(daemon, "a-user.with_a-very-long-name" + "x" * 30)
        found = []
        for path in ("/sign-in", link):
            await page.goto(daemon.url + path)
            found += await problems_of(page)
        await page.get_by_role("button", name="Sign in").click()
        for path in ("/account", "/users", "/tokens", "/audit"):
            await page.goto(daemon.url + path)
            found += await problems_of(page)
        await page.goto(f"{daemon.url}/tokens")
        await page.get_by_label("Name").first.fill("ci " * 15)
        await page.get_by_role("button", name="Make", exact=True).click()
        found += await problems_of(page)
        assert found == []
        assert errors == []
