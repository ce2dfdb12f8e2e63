"""The comparison with other services over the API: its last result, and a comparison now."""

from aiohttp import web
from msgspec import Struct

from router.model.difference import DifferenceKind, Reconciliation, Repair
from router.ports.services import ReconciliationService
from router.web.api.content import Time
from router.web.api.operation import operation, routes
from router.web.api.views import exactly
from router.web.auth import Role


class DifferenceView(Struct, frozen=True):
    """A difference at `place`, a channel or source. `subject` is the incident or the alert."""

    place: str
    kind: DifferenceKind
    subject: str
    repair: Repair


class FailedComparison(Struct, frozen=True):
    """A channel or source that could not be compared."""

    place: str
    reason: str


class ReconciliationView(Struct, frozen=True):
    """The last comparison; `at` is null before the first."""

    at: Time | None
    compared: tuple[str, ...]
    failed: list[FailedComparison]
    differences: list[DifferenceView]


class ReconciliationApi:
    """`service` compares."""

    def __init__(self, service: ReconciliationService) -> None:
        self._service = service

    def routes(self) -> list[web.RouteDef]:
        return routes(self)

    @operation("GET", "/reconciliation", "Show the differences that the last comparison found.")
    async def show_reconciliation(self) -> ReconciliationView:
        return _view(await self._service.last() or Reconciliation(0.0))

    @operation(
        "POST", "/reconciliation", "Compare with all services now, and repair.", Role.RESPONDER
    )
    async def reconcile(self) -> ReconciliationView:
        return _view(await self._service.compare())


def _view(found: Reconciliation) -> ReconciliationView:
    return ReconciliationView(
        at=exactly(found.at) if found.at else None,
        compared=found.compared,
        failed=[FailedComparison(*failed) for failed in found.failed.items()],
        differences=[
            DifferenceView(difference.place, difference.kind, difference.subject, difference.repair)
            for difference in found.differences
        ],
    )
