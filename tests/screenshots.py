"""Make the screenshots of the docs: `python -m tests.screenshots`."""

import asyncio
import io
import tempfile
from pathlib import Path

from PIL import Image

from tests.browser import DESK, PHONE, chromium, tab
from tests.daemon import Daemon, alert, write_config
from tests.pages import ROOT

FOLDER = ROOT / "docs" / "images"
COLOURS = 48
"""Colours of a picture: text and badges need few, and the files stay small."""

CONFIG = {
    "company": {"name": "Acme", "time_zone": "Europe/London"},
    "channels": {"slack": {"type": "console"}, "text": {"type": "console"}},
    "contacts": {
        "ana": {"name": "Ana", "reach": [{"via": "text"}]},
        "ben": {"name": "Ben", "reach": [{"via": "text"}]},
    },
    "schedules": {
        "primary": {
            "layers": [{"rotate": "weekly", "handover": "Mon 09:00", "contacts": ["ana", "ben"]}]
        }
    },
    "policies": {
        "all": {
            "steps": [
                {"notify": ["channel:slack", "schedule:primary"]},
                {"after": "5m", "unless": "acknowledged", "notify": ["contact:ben"]},
            ]
        }
    },
}


async def fill(daemon: Daemon) -> None:
    await daemon.alert(
        alert(service="checkout"),
        alert(service="api", value="0.041"),
        *(alert("DiskFull", instance=f"db-{number}", service="db") for number in (1, 2)),
    )
    ana = {"X-Router-User": "Ana"}
    await daemon.ask("POST", "/api/v1/incidents/2/ack", json={}, headers=ana)
    note = {"text": "The payment provider answers slowly since the deployment of v42"}
    await daemon.ask("POST", "/api/v1/incidents/2/note", json=note, headers=ana)
    await asyncio.sleep(2)  # the first messages are sent


def save(name: str, taken: bytes) -> None:
    FOLDER.mkdir(exist_ok=True)
    picture = Image.open(io.BytesIO(taken)).convert("RGB").quantize(COLOURS)
    picture.save(FOLDER / f"{name}.png", optimize=True)


async def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with Daemon(write_config(Path(folder), **CONFIG)) as daemon, chromium() as browser:
            await fill(daemon)
            for name, path, size, scheme in (
                ("incidents", "/incidents", DESK, "light"),
                ("incident", "/incidents/1", PHONE, "dark"),
                ("why", "/incidents/2/why", DESK, "light"),
            ):
                async with tab(browser, size, color_scheme=scheme) as (page, _):
                    await page.goto(daemon.url + path)
                    save(name, await page.screenshot())


if __name__ == "__main__":
    asyncio.run(main())
