"""`/reconciliation`: the differences that the last comparison with other services found."""

from collections.abc import Mapping
from typing import Any, ClassVar

from aiohttp import web

from router.web.api.reconciliation import ReconciliationApi
from router.web.pages.screen import Screen


class Reconciliation(Screen):
    """Shows the last comparison, and starts one."""

    path: ClassVar[str] = "/reconciliation"
    template: ClassVar[str] = "reconciliation.html"
    notices: ClassVar[Mapping[str, str]] = {
        "compared": "The comparison is done: its result is below."
    }

    def __init__(self, reconciliation: ReconciliationApi) -> None:
        self._reconciliation = reconciliation

    def routes(self) -> list[web.RouteDef]:
        return [
            *super().routes(),
            self.posts(self.path, self._reconciliation.reconcile, "compared"),
        ]

    async def content(self, request: web.Request) -> Mapping[str, Any]:
        del request
        return {"last": await self._reconciliation.show_reconciliation()}
