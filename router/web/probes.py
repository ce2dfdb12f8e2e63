"""For supervisors and load balancers: whether the router lives, and accepts webhooks."""

from aiohttp import web

from router.ports.store import Store


class Probes:
    """`/-/healthy` and `/-/ready`, open to anybody."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/-/healthy", self.healthy), web.get("/-/ready", self.ready)]

    async def healthy(self, _request: web.Request) -> web.Response:
        return web.Response(text="alert-router is healthy.\n")

    async def ready(self, _request: web.Request) -> web.Response:
        """Answer while webhooks can be accepted. Raises: StoreUnavailable."""
        await self._store.ping()
        return web.Response(text="alert-router is ready.\n")
