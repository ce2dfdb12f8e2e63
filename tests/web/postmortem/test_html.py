"""The form, as a browser without script fills it in."""

import re
from collections.abc import Callable

from tests.clock import SteppedClock
from tests.daemon import Answer, Daemon, alert
from tests.web.postmortem.test_api import over

Router = Callable[..., Daemon]
PAGE = "/incidents/1/postmortem"


async def fill(daemon: Daemon, path: str = PAGE, **fields: str) -> Answer:
    return await daemon.ask("POST", path, data=fields, allow_redirects=False)


def version(page: Answer) -> str:
    found = re.search(r'name="version" value="(\d+)"', page.body.decode())
    assert found
    return found[1]


async def test_it_can_be_written_and_shared(router: Router, clock: SteppedClock) -> None:
    """One fills the form in, adds an item, does it, and shares."""
    async with router(clock=clock) as daemon:
        await over(daemon)
        page = await daemon.get(PAGE)
        assert page.status == 200
        assert "Due by" in page.body.decode()
        assert (
            await fill(daemon, version=version(page), summary="It\r\nbroke", revenue="$5")
        ).status == 303
        await fill(
            daemon, f"{PAGE}/items", text="Add an index", owner="ben", due="2026-03-01", key="k"
        )
        await fill(
            daemon, f"{PAGE}/items", text="Add an index", owner="ben", due="2026-03-01", key="k"
        )
        await fill(daemon, f"{PAGE}/items/1/done")
        assert (await fill(daemon, f"{PAGE}/share")).status == 303
        shown = (await daemon.get(PAGE)).body.decode()
        assert "It\nbroke</textarea>" in shown
        assert shown.count("1. Add an index") == 1
        assert "2. Add" not in shown
        assert 'class="sign good">done' in shown
        assert "Shared at" in shown
        assert (await daemon.get(f"{PAGE}.svg")).headers["Content-Type"] == "image/svg+xml"


async def test_sharing_saves_the_form_first(router: Router, clock: SteppedClock) -> None:
    async with router(clock=clock) as daemon:
        await over(daemon)
        page = await daemon.get(PAGE)
        assert f'formaction="{PAGE}/share"' in page.body.decode()
        opened = version(page)
        shared = await fill(daemon, f"{PAGE}/share", version=opened, summary="a bad deploy")
        assert shared.status == 303
        shown = (await daemon.get(PAGE)).body.decode()
        assert "a bad deploy</textarea>" in shown
        assert "Shared at" in shown
        late = await fill(daemon, f"{PAGE}/share", version=opened, summary="mine")
        assert late.status == 409
        assert "mine</textarea>" in late.body.decode()


async def test_who_comes_second_loses_nothing(router: Router, clock: SteppedClock) -> None:
    """They see both, and save what they make of it."""
    async with router(clock=clock) as daemon:
        await over(daemon)
        opened = version(await daemon.get(PAGE))
        await fill(daemon, version=opened, summary="theirs")
        refused = await fill(daemon, version=opened, summary="mine")
        assert refused.status == 409
        assert "mine</textarea>" in refused.body.decode()
        assert "There now: theirs" in refused.body.decode()
        assert (await fill(daemon, version=version(refused), summary="both")).status == 303


async def test_nothing_that_was_written_is_run(router: Router, clock: SteppedClock) -> None:
    """Neither what an alert says nor what people do."""
    evil = "</textarea><script>alert(1)</script>"
    async with router(clock=clock) as daemon:
        await daemon.alert(alert(service=evil))
        await fill(daemon, version="0", summary=evil, revenue=f'">{evil}')
        await fill(daemon, f"{PAGE}/items", text=evil, owner=evil)
        page = await daemon.get(PAGE)
        assert "<script>" not in page.body.decode()
        policy = page.headers["Content-Security-Policy"]
        assert re.search(r"script-src 'nonce-", policy)
        assert "unsafe" not in policy


async def test_what_is_wrong_is_said(router: Router, clock: SteppedClock) -> None:
    async with router(clock=clock) as daemon:
        await daemon.alert(alert())
        assert (
            "Give the text: the task."
            in (await fill(daemon, f"{PAGE}/items", text=" ")).body.decode()
        )
        assert (await fill(daemon, f"{PAGE}/share")).status == 409
        assert (await fill(daemon, version="x", summary="kept")).status == 409
        other = await daemon.ask(
            "POST", PAGE, data={"version": "0"}, headers={"Sec-Fetch-Site": "cross-site"}
        )
        assert other.status == 403
