"""Devices that receive push messages, over the API: browsers and installed pages."""

from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct

from router.config.config_file import ConfigFile
from router.core.text.plain import plain
from router.model.device import Device
from router.ports.clock import Clock
from router.ports.errors import InvalidInput
from router.records.devices import Devices
from router.telemetry.logs import logger
from router.web.api.content import Time
from router.web.api.operation import Answer, Call, operation, routes
from router.web.api.views import exactly
from router.web.auth import Role, identify

log = logger(__name__)

Accepts = Callable[[str], bool]
"""Reports whether a configured channel sends to an endpoint."""

MOST = 20
"""Maximum devices of a contact."""

CHANNEL = "no channel of type `webpush` is configured"


class DeviceBody(Struct, frozen=True, forbid_unknown_fields=True):
    """A browser's push subscription. `contact` is the owner; by default the sender."""

    endpoint: Annotated[str, Meta(max_length=2_000)]
    p256dh: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{87}=?$")]
    auth: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{22}(==)?$")]
    name: Annotated[str, Meta(max_length=60, description="The name of the device.")] = ""
    contact: str = ""


class DeviceView(Struct, frozen=True):
    """A device. Its endpoint is secret, so `service` has only the host."""

    id: str
    contact: str
    name: str
    service: str
    added_at: Time


class DeviceList(Struct, frozen=True):
    """The devices that receive push messages.

    `key` is the router's public key, with which a browser subscribes; null without a channel.
    """

    key: str | None
    devices: list[DeviceView]


class DeviceResult(Struct, frozen=True):
    """The device that was added or removed."""

    device: DeviceView


class DeviceApi:
    """Stores devices. Only an admin changes those of other people."""

    def __init__(
        self,
        devices: Devices,
        clock: Clock,
        *,
        config_file: Callable[[], ConfigFile],
        accepts: Callable[[], Accepts | None],
        key: Callable[[], str],
    ) -> None:
        self._devices = devices
        self._clock = clock
        self._config_file = config_file
        self._accepts = accepts
        self._key = key

    def routes(self) -> list[web.RouteDef]:
        return routes(self)

    @operation("GET", "/devices", "List the devices that receive push messages.")
    async def list_devices(self) -> DeviceList:
        key = self._key() if self._accepts() else None
        return DeviceList(key, [_view(device) for device in await self._devices.all()])

    @operation(
        "POST",
        "/devices",
        "Subscribe a browser to push messages.",
        Role.RESPONDER,
        statuses=(HTTPStatus.CREATED,),
        problems=(HTTPStatus.CONFLICT,),
    )
    async def add_device(self, call: Call, body: DeviceBody) -> Answer[DeviceResult]:
        accepts = self._accepts()
        if accepts is None:
            raise web.HTTPConflict(text=CHANNEL)
        if not accepts(body.endpoint):
            raise InvalidInput(
                "the endpoint is not at a push service that the config allows", "/endpoint"
            )
        contact = self._contact(call.request, body.contact)
        if len(await self._devices.of(contact)) >= MOST:
            raise web.HTTPConflict(text=f"{contact} has {MOST} devices: remove some")
        device = Device(
            contact=contact,
            endpoint=body.endpoint,
            p256dh=body.p256dh,
            auth=body.auth,
            name=plain(body.name) or "a browser",
            added_at=self._clock.now(),
        )
        await self._devices.add(device)
        log.info("device_added", id=device.key, contact=contact, by=call.by)
        return Answer(DeviceResult(_view(device)), HTTPStatus.CREATED)

    @operation("DELETE", "/devices/{id}", "Send no more push messages to a device.", Role.RESPONDER)
    async def remove_device(self, call: Call) -> DeviceResult:
        key = call.request.match_info["id"]
        device = await self._devices.get(key)
        if device is None:
            raise web.HTTPNotFound(text=f"there is no device {key}")
        self._contact(call.request, device.contact)
        await self._devices.drop(key)
        log.info("device_removed", id=key, contact=device.contact, by=call.by)
        return DeviceResult(_view(device))

    def _contact(self, request: web.Request, asked: str) -> str:
        """Return whose device it is. Raises: InvalidInput, aiohttp's HTTPForbidden."""
        sender = identify(request, Role.RESPONDER, in_browser=True)
        contact = asked or sender.contact
        if contact not in self._config_file().contacts:
            known = ", ".join(self._config_file().contacts)
            raise InvalidInput(f"name one of the contacts: {known}", "/contact")
        if contact != sender.contact and sender.role < Role.ADMIN:
            raise web.HTTPForbidden(text="only an admin changes the devices of other people")
        return contact


def _view(device: Device) -> DeviceView:
    service = device.endpoint.partition("://")[2].partition("/")[0]
    return DeviceView(device.key, device.contact, device.name, service, exactly(device.added_at))
