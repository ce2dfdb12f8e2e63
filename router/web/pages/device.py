"""`/device`: subscribe this browser to push messages, and install the page on a phone.

The service worker shows notifications, runs their buttons, and keeps the last list of incidents for
when there is no connection.
"""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import msgspec
from aiohttp import web

from router.web.api.devices import DeviceApi
from router.web.auth import Role, identify
from router.web.pages.assets import FOLDER, asset
from router.web.pages.screen import Screen

WORKER = "/worker.js"
MANIFEST = "/manifest.webmanifest"


class DevicePage(Screen):
    """Lists the devices, and subscribes the browser that shows it."""

    path: ClassVar[str] = "/device"
    template: ClassVar[str] = "device.html"
    notices: ClassVar[Mapping[str, str]] = {
        "device_added": "This device receives push messages from now on.",
        "device_removed": "The device receives no more push messages.",
    }

    def __init__(
        self, devices: DeviceApi, *, company: Callable[[], str], contacts: Callable[[], list[str]]
    ) -> None:
        self._devices = devices
        self._company = company
        self._contacts = contacts

    def routes(self) -> list[web.RouteDef]:
        remove = self._devices.remove_device
        return [
            *super().routes(),
            web.get(WORKER, self.worker),
            web.get(MANIFEST, self.manifest),
            self.posts(self.path, self._devices.add_device, "device_added"),
            self.posts(f"{self.path}/{{id}}/remove", remove, "device_removed"),
        ]

    async def content(self, request: web.Request) -> Mapping[str, Any]:
        reader = identify(request, Role.VIEWER, in_browser=True)
        found = await self._devices.list_devices()
        contacts = self._contacts() if reader.role is Role.ADMIN else [reader.contact]
        return {
            "found": found,
            "contact": reader.contact,
            "contacts": [name for name in contacts if name],
            "script": asset("/assets/device.js").url,
        }

    async def worker(self, _request: web.Request) -> web.Response:
        """Return the service worker. It is at the root, so that it serves all pages."""
        return web.Response(
            text=(FOLDER / "script/worker.js").read_text("utf-8"),
            content_type="text/javascript",
            headers={"Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff"},
        )

    async def manifest(self, _request: web.Request) -> web.Response:
        """Return the manifest, with which a phone installs the page."""
        name = self._company() or "alert-router"
        icon = {"src": asset("/assets/icon.svg").url, "sizes": "any", "type": "image/svg+xml"}
        found = {
            "name": f"{name} incidents",
            "short_name": name[:12],
            "start_url": "/incidents",
            "scope": "/",
            "display": "standalone",
            "background_color": "#0f1216",
            "theme_color": "#0b5cad",
            "icons": [icon],
        }
        return web.Response(
            body=msgspec.json.encode(found), content_type="application/manifest+json"
        )
