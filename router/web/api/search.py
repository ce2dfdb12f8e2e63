"""`/api/v1/search`: incidents, people, rules and actions by words, also for the palette."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Annotated, Literal

from aiohttp import web
from msgspec import Meta, Struct

from router.core.incident.settings import Settings
from router.model.incident import Incident
from router.ports.store import Store
from router.web.api.incident_search import IncidentFilter, by_urgency, search
from router.web.api.operation import Call, operation, routes
from router.web.pages.navigation import paths_of

SHOWN = 8
"""Results of each kind."""

Kind = Literal["incident", "person", "rule", "action"]


class SearchQuery(Struct, frozen=True):
    """The words."""

    q: Annotated[str, Meta(description="Words that must all occur.", max_length=200)] = ""


class Result(Struct, frozen=True):
    """A thing that was found, and the path of its page; null without a page."""

    kind: Kind
    title: str
    detail: str
    path: str | None


class ResultList(Struct, frozen=True):
    """Up to eight results of each kind: open incidents first."""

    results: list[Result]


class SearchApi:
    """Searches; decides nothing. `names` has the name of each contact."""

    def __init__(
        self,
        store: Store,
        *,
        settings: Callable[[], Settings],
        names: Callable[[], Mapping[str, str]],
    ) -> None:
        self._store = store
        self._settings = settings
        self._names = names

    def routes(self) -> list[web.RouteDef]:
        return routes(self)

    @operation(
        "GET",
        "/search",
        "Search incidents, people, rules and actions.",
        in_browser=True,
    )
    async def search(self, call: Call, query: SearchQuery) -> ResultList:
        incidents = await self._incidents(query.q)
        return ResultList([*incidents, *self._configured(call.request, query.q)])

    async def _incidents(self, text: str) -> list[Result]:
        incidents = await search(
            self._store, IncidentFilter(text=text), before=0, limit=100, counted=0
        )
        some = sorted(
            incidents.incidents, key=lambda incident: (not incident.is_open, by_urgency(incident))
        )
        return [_incident(incident) for incident in some[:SHOWN]]

    def _configured(self, request: web.Request, text: str) -> Iterator[Result]:
        """Yield people, rules and actions of the config."""
        settings, paths = self._settings(), paths_of(request.app)
        people = (
            Result("person", name, contact, "/oncall" if "/oncall" in paths else None)
            for contact, name in self._names().items()
        )
        rules = (
            Result("rule", rule.name, rule.origin, "/rules" if "/rules" in paths else None)
            for rule in settings.rules.rules
        )
        actions = (
            Result(
                "action", plan.name, plan.description, "/actions" if "/actions" in paths else None
            )
            for plan in settings.actions.values()
        )
        for kind in (people, rules, actions):
            yield from _first(kind, text)


def _first(results: Iterable[Result], text: str) -> list[Result]:
    words = text.casefold().split()
    found = [
        result
        for result in results
        if all(word in f"{result.title}\n{result.detail}".casefold() for word in words)
    ]
    return found[:SHOWN]


def _incident(incident: Incident) -> Result:
    state = str(incident.status).replace("_", " ")
    answer = "" if incident.acknowledged_at is None or not incident.is_open else ", acknowledged"
    detail = f"{incident.severity} {incident.name}, {state}{answer}"
    return Result("incident", incident.title, detail, f"/incidents/{incident.id}")
