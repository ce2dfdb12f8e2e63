"""A real browser for tests of pages: Chromium, driven by Playwright, and axe."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, BrowserContext, Page, async_playwright

from tests.peers import require

HINT = "apt-get install --no-install-recommends chromium (or any Chromium or Chrome on the PATH)"
DESK, PHONE = (1280, 800), (360, 740)
"""Sizes of a viewport."""

RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A browser for the length of a block."""
    path = require("chromium", "chromium-browser", "google-chrome", hint=HINT)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-dev-shm-usage"]
        )
        try:
            yield browser
        finally:
            await browser.close()


@asynccontextmanager
async def tab(
    browser: Browser, size: tuple[int, int] = DESK, **options: Any
) -> AsyncIterator[tuple[Page, list[str]]]:
    """A page of its own context, and the errors of its console."""
    context: BrowserContext = await browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        reduced_motion="reduce",  # colours do not fade while axe looks
        **options,
    )
    page, errors = await context.new_page(), []
    page.on("pageerror", lambda error: errors.append(f"{page.url}: {error}"))
    page.on(
        "console",
        lambda said: errors.append(f"{page.url}: {said.text}") if said.type == "error" else None,
    )
    try:
        yield page, errors
    finally:
        await context.close()


async def findings(page: Page, *rules: str) -> list[str]:
    """Run axe with these rules, or else all: a line for each finding."""
    only = {"type": "rule", "values": rules} if rules else {"type": "tag", "values": RULES}
    options = {"resultTypes": ["violations"], "runOnly": only}
    found = (await Axe().run(page, options=options)).response["violations"]
    return [
        f"{page.url} {one['id']}: {node['html'][:200]} {node['failureSummary']}"
        for one in found
        for node in one["nodes"][:3]
    ]


async def overflows(page: Page) -> list[str]:
    """Parts that are wider than the page."""
    return list(
        await page.evaluate(
            """() => {
            const width = document.documentElement.clientWidth;
            if (document.documentElement.scrollWidth <= width) return [];
            const parts = [...document.querySelectorAll('main *')]
              .filter(one => one.getBoundingClientRect().right > width + 1)
              .map(one => `${location.href}: ${one.outerHTML.slice(0, 150)}`);
            const wide = `${location.href}: ${document.documentElement.scrollWidth} pixels`;
            return parts.length ? parts : [wide];
            }"""
        )
    )


async def wordless(page: Page) -> list[str]:
    """Coloured parts that are the same in grey, and pictures and times without a name.

    Contrast is about brightness, so what axe accepts can be read in grey; what only a colour says
    cannot.
    """
    return list(
        await page.evaluate(
            """() => {
            const named = one => (one.textContent || "").trim() || one.title || one.alt ||
              one.ariaLabel || one.getAttribute("aria-labelledby") || one.querySelector("[alt]");
            const coloured = one => {
              const style = getComputedStyle(one);
              const paint = one instanceof SVGElement ? style.fill : style.backgroundColor;
              const [r, g, b, alpha] = (paint.match(/[\\d.]+/g) || [0, 0, 0, 0]).map(Number);
              return alpha !== 0 && Math.max(r, g, b) - Math.min(r, g, b) > 40;
            };
            const described = one => one.closest("[aria-hidden=true], [role=img], button, input");
            const all = [...document.querySelectorAll("main *")];
            const parts = all.filter(one => one.checkVisibility());
            const only = parts.filter(one => coloured(one) && !named(one) && !described(one));
            const names = 'img, [role="img"], canvas, figure, time';
            const unnamed = parts.filter(one => one.matches(names) && !named(one));
            return [
              ...only.map(one => `${location.href}: colour alone: ${one.outerHTML.slice(0, 150)}`),
              ...unnamed.map(one => `${location.href}: no name: ${one.outerHTML.slice(0, 150)}`),
            ];
            }"""
        )
    )
