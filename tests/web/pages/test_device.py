"""The page that subscribes a device, in a real browser; its push service is a double."""

from collections.abc import Callable

import pytest

from tests.browser import chromium, tab
from tests.daemon import Daemon, alert
from tests.senders.test_webpush import AUTH, POINT, encoded

Router = Callable[..., Daemon]
pytestmark = pytest.mark.peer

SUBSCRIBED = f"""
PushManager.prototype.subscribe = async () => ({{ toJSON: () => ({{
  endpoint: "https://fcm.googleapis.com/fcm/send/x",
  keys: {{ p256dh: "{POINT}", auth: "{encoded(AUTH)}" }},
}}) }});
"""

CHANNELS = {
    "push": {"type": "webpush", "contact": "ops@example.com"},
    "log": {"type": "console"},
}
CONTACTS = {"ana": {"name": "Ana Lima", "reach": [{"via": "push"}]}}


async def test_a_browser_subscribes_and_keeps_the_list_for_later(router: Router) -> None:
    """The button subscribes; without a connection the last list of incidents is shown."""
    async with router(channels=CHANNELS, contacts=CONTACTS) as daemon, chromium() as browser:
        await daemon.alert(alert())
        async with tab(browser) as (page, errors):
            await page.add_init_script(SUBSCRIBED)
            await page.goto(f"{daemon.url}/device")
            await page.get_by_label("Name of this device").fill("Ana's phone")
            await page.get_by_role("button", name="Receive pages on this device").click()
            await page.get_by_text("receives push messages from now on").wait_for()
            (device,) = (await daemon.get("/api/v1/devices")).json["devices"]
            assert (device["contact"], device["name"]) == ("ana", "Ana's phone")
            assert errors == []
            await page.goto(f"{daemon.url}/incidents")
            await page.reload()
            await page.context.set_offline(True)
            await page.reload()
            assert "INC-1" in await page.inner_text("main")


async def test_a_browser_that_cannot_says_so(router: Router) -> None:
    async with (
        router(channels=CHANNELS, contacts=CONTACTS) as daemon,
        chromium() as browser,
        tab(browser, java_script_enabled=False) as (page, _),
    ):
        await page.goto(f"{daemon.url}/device")
        assert await page.get_by_text("cannot receive push messages").is_visible()
