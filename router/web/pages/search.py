"""`/search`: the results of the command palette as a page, for readers without script."""

from aiohttp import web

from router.web.api.content import query
from router.web.api.operation import Call
from router.web.api.search import SearchApi, SearchQuery
from router.web.auth import Role, caller
from router.web.pages.frame import inside


class SearchPage:
    """Shows the answer of the API."""

    def __init__(self, found: SearchApi) -> None:
        self._found = found

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/search", self.show)]

    async def show(self, request: web.Request) -> web.Response:
        by = caller(request, Role.VIEWER, in_browser=True)
        asked = query(request, SearchQuery)
        answer = await self._found.search(Call(request, by), asked)
        return inside(request, "search.html", q=asked.q, results=answer.results)
