"""The parts of the comparison with other services, for the current config."""

import aiohttp

from router.config.load import Config
from router.ports.reconcile import SourcePoller
from router.receivers import RECEIVERS


class Pollers:
    """Polls the sources for their alerts, over separate connections."""

    def __init__(self) -> None:
        self._session: aiohttp.ClientSession | None = None
        self._pollers: dict[str, SourcePoller] = {}

    def current(self) -> dict[str, SourcePoller]:
        """The sources that can be polled."""
        return self._pollers

    async def use(self, config: Config) -> None:
        """Poll the sources of this config from now on."""
        await self.close()
        self._session = session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
        for name, source in config.sources.items():
            source_type = RECEIVERS[config.source_kinds[name]]
            if poller := source_type.poll(name, source, session):
                self._pollers[name] = poller

    async def close(self) -> None:
        self._pollers = {}
        if self._session:
            await self._session.close()
