"""The devices that receive push messages, and the key that signs requests to their services."""

from collections.abc import Sequence

from router.model.device import Device
from router.ports.clock import Clock
from router.ports.store import Store
from router.records.records import Records

KIND = "device"

MOST = 1_000
"""Devices that are read at once."""


class Devices:
    """Devices by contact. All methods raise StoreUnavailable."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._kept = Records(store, KIND, Device)
        self._clock = clock

    async def of(self, contact: str) -> Sequence[Device]:
        """Return the contact's devices, the newest first."""
        return [each for each in await self.all() if each.contact == contact]

    async def all(self) -> Sequence[Device]:
        return [device for _, device in await self._kept.find(limit=MOST)]

    async def add(self, device: Device) -> None:
        """Keep the device, in place of the same subscription."""
        await self._kept.change(device.key, lambda _: device, self._clock.now())

    async def get(self, key: str) -> Device | None:
        return await self._kept.get(key)

    async def drop(self, key: str) -> bool:
        """Forget a device. Return False if it is unknown."""
        return await self._kept.remove(key)
