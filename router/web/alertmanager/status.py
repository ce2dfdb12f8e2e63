"""`GET /api/v2/status` and `/api/v2/receivers`."""

from collections.abc import Callable
from importlib.metadata import version

import yaml
from aiohttp import web

from router.config.load import Config
from router.core.alertmanager.routes import configuration
from router.core.incident.settings import Settings
from router.core.rules.matcher import match_all
from router.ports.clock import Clock
from router.web.alertmanager.alerts import RECEIVER_LABELS
from router.web.alertmanager.failure import answered
from router.web.alertmanager.filters import parsed_filter
from router.web.alertmanager.wire import ClusterStatus, Named, ShownConfig, Status, VersionInfo
from router.web.api.content import answer
from router.web.api.views import exactly
from router.web.auth import Role, caller

LABELLED = frozenset({"alertmanager", "grafana", "prometheus"})
"""Types of sources whose alerts have Prometheus labels."""

HEAD = """\
# The rules of this alert-router as routes; receivers are its policies.
# `alert-router explain` also considers sources, measured values and severities.
"""


class RouterStatus:
    """Shows the rules as a configuration of Alertmanager."""

    def __init__(
        self, clock: Clock, *, config: Callable[[], Config], settings: Callable[[], Settings]
    ) -> None:
        self._started = clock.now()
        self._config = config
        self._settings = settings

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/api/v2/status", answered(self.status)),
            web.get("/api/v2/receivers", answered(self.receivers)),
        ]

    async def status(self, request: web.Request) -> web.Response:
        """Raises: Unauthorized."""
        caller(request, Role.VIEWER, in_browser=True)
        kinds = self._config().source_kinds
        sources = [name for name, kind in kinds.items() if kind in LABELLED]
        shown = configuration(self._settings(), sources)
        original = HEAD + yaml.safe_dump(shown, sort_keys=False, allow_unicode=True)
        version_info = VersionInfo(version("alert-router"))
        return answer(
            Status(ClusterStatus(), ShownConfig(original), exactly(self._started), version_info)
        )

    async def receivers(self, request: web.Request) -> web.Response:
        """Raises: Unauthorized."""
        caller(request, Role.VIEWER, in_browser=True)
        named = match_all(parsed_filter(request, RECEIVER_LABELS), {})
        return answer([Named(str(name)) for name in self._settings().policies if named])
