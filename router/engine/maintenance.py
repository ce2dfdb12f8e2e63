"""Copies stored maintenance to other status pages."""

from router.model.notification import Notification, Sent
from router.model.statuspage import Maintenance
from router.ports.channels import MaintenanceMirror
from router.ports.clock import Clock
from router.ports.services import Performed
from router.ports.store import Store
from router.records.records import Records


class MirroredMaintenance:
    """Mirrors maintenance to one channel. A `router.ports.services.Performer`."""

    def __init__(self, store: Store, mirror: MaintenanceMirror, clock: Clock) -> None:
        self._maintenances = Records(store, "maintenance", Maintenance)
        self._mirror = mirror
        self._clock = clock

    async def __call__(self, row: Notification) -> Performed:
        """Process a row. Its subject is the maintenance's id, a slash, and what happened."""
        maintenance = await self._maintenances.get(row.subject.partition("/")[0])
        if maintenance is None:
            return Performed(Sent(silent=True))
        return Performed(await self._mirror.mirror(maintenance, self._clock.now()))
