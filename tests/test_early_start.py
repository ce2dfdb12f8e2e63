"""The start: webhooks are accepted before pages and the API are loaded."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from router.app import App
from tests.daemon import TOKEN, alert, group, write_config
from tests.peers import free_port


@asynccontextmanager
async def early(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[App, Callable[[], None]]]:
    """A router that loads its pages only when the function is called."""
    load, may = App._application, threading.Event()

    def later(app: App) -> web.Application:
        assert may.wait(30)
        return load(app)

    monkeypatch.setattr(App, "_application", later)
    config = write_config(tmp_path, listen=f"127.0.0.1:{free_port()}")
    app = await App.start(config, early=True)
    try:
        yield app, may.set
    finally:
        may.set()
        await app.stop()


async def test_webhooks_are_accepted_before_pages_are_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ready is true as soon as an alert is stored; what else is asked waits, and is answered."""
    async with early(tmp_path, monkeypatch) as (app, load), aiohttp.ClientSession() as session:
        url = "http://{}:{}".format(*app.address)
        for probe in ("/-/healthy", "/-/ready"):
            assert (await session.get(url + probe)).status == 200
        headers = {"Authorization": f"Bearer {TOKEN}"}
        sent = {"json": group(alert()), "headers": headers}
        assert (await session.post(f"{url}/webhooks/alertmanager", **sent)).status == 200
        waiting = asyncio.ensure_future(session.get(f"{url}/api/v1/incidents"))
        done, _ = await asyncio.wait([waiting], timeout=0.2)
        assert not done
        load()
        answer = await waiting
        assert answer.status == 200
        assert len((await answer.json())["incidents"]) == 1
        assert (await session.get(f"{url}/-/ready")).status == 200


async def test_a_router_whose_pages_do_not_load_stops(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The process ends with the fault, rather than keep what it can't answer waiting."""

    def broken(_: App) -> web.Application:
        raise ImportError("broken")

    monkeypatch.setattr(App, "_application", broken)
    config = write_config(tmp_path, listen=f"127.0.0.1:{free_port()}")
    app = await App.start(config, early=True)
    try:
        with pytest.raises(ImportError, match="broken"):
            await app.run()
    finally:
        await app.stop()


LATER = """
aiosmtplib alembic apprise argon2 cryptography holidays icalendar joserfc markdown_it matplotlib
pagerduty recurring_ical_events rich sentry_sdk slack_sdk twilio
router.receivers.github router.receivers.twilio.receiver router.senders.mail router.web.api.openapi
router.wiring.http
"""
"""Modules that an alert on its way to a webhook does not need."""

UNUSED = "cryptography holidays joserfc matplotlib pydantic"
"""Modules that pages and the API don't need either."""

PROGRAM = f"""
import asyncio, sys
from pathlib import Path
from router.app import App

async def main():
    app = await App.start(Path(sys.argv[1]), early=True)
    print([module for module in {LATER.split()!r} if module in sys.modules])
    await app.complete
    print([module for module in {UNUSED.split()!r} if module in sys.modules])
    await app.stop()

asyncio.run(main())
"""


async def test_a_start_loads_only_what_its_config_needs(tmp_path: Path) -> None:
    """Before the first webhook; the schema of the store is of this version."""
    config = write_config(
        tmp_path,
        listen=f"127.0.0.1:{free_port()}",
        company={"holidays": "GB-ENG"},
        channels={"hook": {"type": "webhook", "url": "http://127.0.0.1:1/hook"}},
        policies={"all": {"steps": [{"notify": ["channel:hook"]}]}},
    )
    app = await App.start(config)
    await app.stop()
    program = [sys.executable, "-c", PROGRAM, str(config)]
    found = await asyncio.to_thread(subprocess.check_output, program, text=True)
    assert found.split() == ["[]", "[]"]
