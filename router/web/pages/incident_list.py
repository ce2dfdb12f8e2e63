"""`/incidents`: open and past incidents, with filters, and commands to several of them."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal
from urllib.parse import urlencode

from aiohttp import web
from msgspec import Struct
from msgspec.structs import asdict, replace

from router.core.incident.settings import Settings
from router.core.incident.snapshot import ReadPlan
from router.core.messages.summary import numbers
from router.core.suppression.proposal import proposed
from router.model.event import Command, Commanded
from router.model.incident import OPEN, Incident, Severity, Status
from router.ports.clock import Clock
from router.ports.errors import InvalidInput
from router.ports.services import Inbox
from router.ports.store import Store
from router.web.api.content import Count, fields, query
from router.web.api.incident_search import (
    IncidentFilter,
    by_urgency,
    matches,
    open_incidents,
    search,
    service_of,
)
from router.web.api.operation import Call
from router.web.api.silences import SilenceBody
from router.web.auth import Role, identify
from router.web.pages import notices
from router.web.pages.frame import inside
from router.web.pages.incident_forms import sender_name

SHOWN = 50
"""Incidents on one page. All that match are counted and sorted."""

PATH = "/incidents"
CLOSED = tuple(status for status in Status if status not in OPEN)
BULK: Mapping[str, Command] = {
    "ack": Command.ACKNOWLEDGE,
    "unack": Command.UNACKNOWLEDGE,
    "resolve": Command.RESOLVE,
    "reopen": Command.REOPEN,
}
"""Commands to several incidents, by the value of their button."""

MOST_FIELDS = 1_100


class ListQuery(Struct, frozen=True):
    """The view, the filters and the page. With `ids`, exactly these incidents, open or past."""

    view: Literal["open", "past"] = "open"
    severity: list[Severity] = []
    status: list[Status] = []
    service: str = ""
    q: str = ""
    ids: str = ""
    unanswered: Literal["", "1"] = ""
    mine: Literal["", "1"] = ""
    drill: Literal["", "1", "0"] = ""
    page: Count = 0
    before: Count = 0


class Choice(Struct, frozen=True):
    """A filter with its own button: its number of open incidents, and whether it is set."""

    title: str
    address: str
    count: int
    current: bool


class Rows(Struct, frozen=True):
    """The incidents on a page, their number on all pages, and the addresses of adjacent pages."""

    incidents: Sequence[Incident]
    total: int
    previous: str
    following: str


class IncidentList:
    """Shows incidents and submits commands; decides nothing. `silence` makes a silence."""

    def __init__(
        self,
        store: Store,
        inbox: Inbox,
        clock: Clock,
        *,
        settings: Callable[[], Settings],
        silence: Callable[[Call, SilenceBody], Awaitable[Any]],
    ) -> None:
        self._store = store
        self._inbox = inbox
        self._clock = clock
        self._settings = settings
        self._silence = silence

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/", self.enter),
            web.get(PATH, self.show),
            web.post(PATH, self.do),
            web.post(f"{PATH}/silence", self.silence),
        ]

    async def enter(self, _request: web.Request) -> web.Response:
        raise web.HTTPFound(PATH)

    async def show(self, request: web.Request) -> web.Response:
        reader = identify(request, Role.VIEWER, in_browser=True)
        asked = query(request, ListQuery)
        opened = await open_incidents(self._store)
        name = sender_name(request)
        wanted = _wanted(asked, name)
        if asked.view == "past":
            rows = await self._past(asked, wanted)
        else:
            among = await self._listed(asked.ids) if asked.ids else opened
            rows = _open_rows(asked, [each for each in among if _is_wanted(each, asked, wanted)])
        response = inside(
            request,
            "incidents.html",
            asked=asked,
            shown=rows.incidents,
            total=rows.total,
            first=asked.page * SHOWN + 1,
            opened=len(opened),
            unacknowledged=sum(incident.acknowledged_at is None for incident in opened),
            choices=_choices(asked, opened, name),
            services=sorted({service for incident in opened if (service := service_of(incident))}),
            statuses=OPEN if asked.view == "open" else CLOSED,
            filtered=_filters(asked) != {},
            previous=rows.previous,
            following=rows.following,
            views=[
                *([("In one message", _address(asked, page=0), rows.total)] if asked.ids else []),
                ("Open", PATH, len(opened)),
                ("Past", f"{PATH}?view=past", None),
            ],
            service_of=service_of,
            first_run=not opened and not await self._store.incidents(limit=1),
            may=reader.role >= Role.RESPONDER,
            notice=notices.of_several(request),
            here=_address(asked),
        )
        return notices.forget(request, response)

    async def _past(self, asked: ListQuery, wanted: IncidentFilter) -> Rows:
        found = await search(self._store, wanted, before=asked.before, limit=SHOWN)
        return Rows(
            found.incidents,
            found.total,
            previous=_address(asked, before=0) if asked.before else "",
            following=_address(asked, before=found.next) if found.next else "",
        )

    async def do(self, request: web.Request) -> web.Response:
        """Run a command on the chosen incidents. Raises: InvalidInput; aiohttp's 403 and 413."""
        identify(request, Role.RESPONDER, in_browser=True)
        by = sender_name(request)
        given = await fields(request, count=MOST_FIELDS)
        chosen, what = _chosen(given), dict(given).get("do", "")
        if what == "silence":
            return await self._ask_to_silence(request, chosen)
        command = BULK.get(what)
        if command is None:
            raise InvalidInput("choose what to do with the incidents", "/do")
        if command is Command.RESOLVE and not dict(given).get("confirm"):
            return await self._ask_to_resolve(request, chosen)
        now, text = self._clock.now(), dict(given).get("text", "")
        events = [Commanded(now, number, by, command, text) for number in chosen]
        reasons = await self._inbox.submit(events)
        done = {number: reason for number, reason in zip(chosen, reasons, strict=True) if reason}
        raise notices.after(PATH, command, done, to=_back(dict(given).get("back", "")))

    async def silence(self, request: web.Request) -> web.Response:
        """Silence each of the chosen matchers. Raises: InvalidInput; aiohttp's 403, 409 and 413."""
        identify(request, Role.RESPONDER, in_browser=True)
        by = sender_name(request)
        given = await fields(request, count=MOST_FIELDS)
        some = dict(given)
        groups = [value.splitlines() for name, value in given if name == "match"]
        if not groups:
            raise InvalidInput("choose at least one silence", "/match")
        for match in groups:
            body = SilenceBody(
                match=match, comment=some.get("comment", ""), for_=some.get("for", "")
            )
            await self._silence(Call(request, by), body)
        raise web.HTTPSeeOther("/silences")

    async def _listed(self, ids: str) -> list[Incident]:
        """Return these incidents, the most urgent first. Raises: InvalidInput."""
        try:
            found = await self._store.load(ReadPlan(incident_ids=numbers(ids)))
        except ValueError as error:
            raise InvalidInput(str(error), "/ids") from None
        return sorted(found.incidents.values(), key=by_urgency)

    async def _named(self, chosen: Sequence[int]) -> list[Incident]:
        incidents = [await self._store.incident(number) for number in chosen]
        return [incident for incident in incidents if incident is not None]

    async def _ask_to_resolve(self, request: web.Request, chosen: Sequence[int]) -> web.Response:
        return inside(request, "bulk_resolve.html", incidents=await self._named(chosen))

    async def _ask_to_silence(self, request: web.Request, chosen: Sequence[int]) -> web.Response:
        """Show the proposed silences, and the open incidents that each would hide."""
        rules, opened = self._settings().rules, await open_incidents(self._store)
        proposals: dict[tuple[str, ...], list[Incident]] = {}
        for incident in await self._named(chosen):
            match = proposed(incident, rules.named(incident.rule).group_by)
            proposals[match] = [other for other in opened if set(match) <= _labels(other)]
        return inside(request, "bulk_silence.html", proposals=proposals)


def _labels(incident: Incident) -> set[str]:
    return {*proposed(incident, [*incident.labels])}


def _wanted(asked: ListQuery, reader: str) -> IncidentFilter:
    chosen = tuple(asked.status)
    return IncidentFilter(
        statuses=chosen or (OPEN if asked.view == "open" else CLOSED),
        severities=tuple(asked.severity),
        service=asked.service,
        text=asked.q,
        person=reader if asked.mine else "",
        unacknowledged=bool(asked.unanswered),
        drill={"": None, "1": True, "0": False}[asked.drill],
    )


def _is_wanted(incident: Incident, asked: ListQuery, wanted: IncidentFilter) -> bool:
    return (
        (not asked.severity or incident.severity in asked.severity)
        and (not asked.status or incident.status in asked.status)
        and matches(incident, wanted)
    )


def _open_rows(asked: ListQuery, incidents: Sequence[Incident]) -> Rows:
    start, total = asked.page * SHOWN, len(incidents)
    return Rows(
        incidents[start : start + SHOWN],
        total,
        previous=_address(asked, page=asked.page - 1) if asked.page else "",
        following=_address(asked, page=asked.page + 1) if start + SHOWN < total else "",
    )


def _filters(asked: ListQuery) -> dict[str, Any]:
    """Return the filters that are set, as parameters."""
    kept = {name: value for name, value in asdict(asked).items() if value}
    return {name: kept[name] for name in kept if name not in {"view", "page", "before"}}


def _address(asked: ListQuery, **changed: Any) -> str:
    """Return the address of the list with changed parameters."""
    given = {name: value for name, value in asdict(replace(asked, **changed)).items() if value}
    if given.get("view") == "open":
        del given["view"]
    return f"{PATH}?{urlencode(given, doseq=True)}" if given else PATH


def _choices(asked: ListQuery, opened: Sequence[Incident], reader: str) -> list[Choice]:
    """Return the filters with a button of their own, with their counts."""
    none = ListQuery(view=asked.view)
    counts = Counter(incident.severity for incident in opened)
    mine = IncidentFilter(person=reader)
    choices = [
        ("All", none, len(opened)),
        (
            "Not acknowledged",
            replace(none, unanswered="1"),
            sum(incident.acknowledged_at is None for incident in opened),
        ),
        *(
            (severity.value, replace(none, severity=[severity]), counts[severity])
            for severity in Severity
        ),
        ("Mine", replace(none, mine="1"), sum(matches(incident, mine) for incident in opened)),
        ("Drills", replace(none, drill="1"), sum(incident.drill for incident in opened)),
    ]
    return [
        Choice(title, _address(choice), count, _filters(choice) == _filters(asked))
        for title, choice, count in choices
        if count or title == "All" or _filters(choice) == _filters(asked)
    ]


def _chosen(given: Sequence[tuple[str, str]]) -> list[int]:
    """Return the numbers of the chosen incidents. Raises: InvalidInput."""
    found = [
        int(value)
        for name, value in given
        if name == "id" and value.isascii() and value.isdigit() and len(value) < 16
    ]
    if not found:
        raise InvalidInput("choose at least one incident", "/id")
    return [*dict.fromkeys(found)]


def _back(given: str) -> str:
    """Return the path of the list with its filters. It never leads to another site."""
    return given if given == PATH or given.startswith(f"{PATH}?") else PATH
