"""A newcomer with the example config and the sample payload, in a browser and without docs."""

import json
from pathlib import Path

import pytest
from playwright.async_api import expect

from tests.browser import PHONE, chromium, tab
from tests.daemon import Daemon
from tests.pages import ROOT

pytestmark = pytest.mark.peer

SAMPLE = json.loads((ROOT / "deploy/samples/payment-failures.json").read_text())


def example(folder: Path) -> Path:
    """The config of `make run`, with a store of its own."""
    (folder / "rules").symlink_to(ROOT / "rules")
    text = (ROOT / "config.example.yaml").read_text()
    path = folder / "config.yaml"
    path.write_text(text.replace("sqlite:///alert-router.db", f"sqlite:///{folder / 'router.db'}"))
    return path


async def test_from_an_alert_to_a_shared_post_mortem(tmp_path: Path) -> None:
    """On a phone, by what the pages offer: acknowledge, publish, resolve, write, share."""
    async with (
        Daemon(example(tmp_path)) as daemon,
        chromium() as browser,
        tab(browser, PHONE) as (page, errors),
    ):
        await page.goto(daemon.url)
        await expect(page.get_by_text("Your first page in three steps")).to_be_visible()
        await expect(page.locator("#live")).to_have_text("Live")
        await daemon.ask("POST", "/webhooks/alertmanager", json=SAMPLE)
        await page.get_by_role("link", name="INC-1").first.click()
        await page.get_by_role("button", name="Acknowledge").first.click()
        await expect(page.get_by_role("status").filter(has_text="acknowledged")).to_be_visible()
        await page.get_by_role("button", name="Publish").click()
        await page.get_by_role("link", name="status page").first.click()
        await expect(page.get_by_role("heading", name="Happening now")).to_be_visible()
        await page.go_back()
        await page.get_by_role("button", name="Resolve…").first.click()
        await page.get_by_label("What fixed it").fill("Rolled the release back")
        await page.get_by_role("button", name="Resolve", exact=True).click()
        await page.get_by_role("link", name="post-mortem").first.click()
        await page.get_by_label("Summary").fill("Payments failed for ten minutes.")
        await page.get_by_role("button", name="Save and share").click()
        await expect(page.get_by_text("Shared at")).to_be_visible()
        assert (await daemon.store.incident(1)).postmortem_shared_at is not None
        assert errors == []
