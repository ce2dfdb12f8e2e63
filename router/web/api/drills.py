"""Drills over the API: start, watch, tick off, stop; channel tests. Decides nothing."""

from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Annotated, Literal

from aiohttp import web
from msgspec import Meta, Struct
from msgspec.structs import asdict

from router.config.load import Config
from router.core.drill import progress
from router.core.drill.previews import previews
from router.core.drill.report import report
from router.core.incident.settings import Settings
from router.core.reachability.channel_health import QUARTER, addresses, standings
from router.model.drill import TICKED, Drill, DrillPlan, Ending, Kind, Tick
from router.model.notification import channel_of, person_of
from router.ports.clock import Clock
from router.ports.errors import InvalidInput
from router.ports.services import DrillService, DrillView
from router.ports.store import Store
from router.web.api.content import Time
from router.web.api.operation import Call, operation, routes
from router.web.api.views import exactly, when
from router.web.auth import Role


class StartBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The name of a scenario of the config, or a whole scenario."""

    scenario: Annotated[str, Meta(description="The name of a scenario of the config.")] = ""
    plan: DrillPlan | None = None


class TickBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The item that is done, and its step. Both count from 1."""

    step: int
    item: int = 1


class CanaryBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Channels by name and people as `contact:NAME`; without any, all channels."""

    to: list[str] = []


class DrillSummary(Struct, frozen=True):
    """A drill. `ends_by` is its time-out."""

    id: str
    scenario: str
    by: str | None
    started_at: Time
    ends_by: Time
    ended_at: Time | None
    ending: Ending | None
    ended_by: str | None


class ItemView(Struct, frozen=True):
    """An item to tick off, and who did."""

    number: int
    text: str
    by: str | None


class DrillStepView(Struct, frozen=True):
    """A step of a drill and its state."""

    number: int
    kind: Kind
    name: str
    state: Literal["fired", "waiting", "met", "late", "missed"]
    at: Time | None
    by: str | None
    items: list[ItemView]


class DrillDetail(DrillSummary, frozen=True):
    """A drill with its steps; `report` is Markdown."""

    incidents: list[str]
    steps: list[DrillStepView]
    report: str


class ScenarioView(Struct, frozen=True):
    """A scenario of the config; `time_out` is in seconds."""

    name: str
    description: str
    time_out: float
    steps: int


class CadenceView(Struct, frozen=True):
    """The regular drill; `every` is in seconds."""

    scenario: str
    every: float
    last: Time | None
    due: Time
    overdue: bool


class DrillList(Struct, frozen=True):
    """Past drills, the scenarios of the config, and the regular drill."""

    drills: list[DrillSummary]
    scenarios: list[ScenarioView]
    schedule: CadenceView | None


class AddressView(Struct, frozen=True):
    """An address, the time of its last delivery, and `why` it isn't proven."""

    address: str
    channel: str
    contact: str | None
    proven_at: Time | None
    proven: bool
    why: str | None


class Scoreboard(Struct, frozen=True):
    """Addresses, unproven ones first. An address is proven by a message since `since`."""

    since: Time
    unproven: int
    addresses: list[AddressView]


class Drills:
    """The operations below `/api/v1/drills`.

    `regular` returns when the regular drill was last held, and when it is due.
    """

    def __init__(  # noqa: PLR0913 - its parts
        self,
        service: DrillService,
        store: Store,
        clock: Clock,
        *,
        config: Callable[[], Config],
        settings: Callable[[], Settings],
        regular: Callable[[], Awaitable[tuple[float | None, float]]],
    ) -> None:
        self._service = service
        self._store = store
        self._clock = clock
        self._config = config
        self._settings = settings
        self._regular = regular

    def routes(self) -> list[web.RouteDef]:
        return routes(self)

    @operation("GET", "/drills", "List past drills, the scenarios, and the regular drill.")
    async def list_drills(self) -> DrillList:
        drills = await self._service.drills()
        return DrillList(
            [_summary(drill) for drill in drills],
            [_scenario(plan) for plan in self._config().drills.values()],
            await self._schedule(),
        )

    @operation(
        "POST",
        "/drills",
        "Start a drill.",
        Role.RESPONDER,
        statuses=(HTTPStatus.CREATED,),
        problems=(HTTPStatus.CONFLICT,),
    )
    async def start_drill(self, call: Call, body: StartBody) -> DrillDetail:
        """Raises: InvalidInput; aiohttp's HTTPConflict while a drill of that name runs."""
        return await self._start(self._plan(body), call.by)

    @operation(
        "POST",
        "/drills/canary",
        "Send a test message to channels, or to people.",
        Role.RESPONDER,
        statuses=(HTTPStatus.CREATED,),
        problems=(HTTPStatus.CONFLICT,),
    )
    async def test_channels(self, call: Call, body: CanaryBody) -> DrillDetail:
        to = canary_addresses(body.to, self._config().own, self._settings())
        return await self._start(progress.canary(to), call.by)

    @operation("GET", "/drills/scoreboard", "Show when a message to each address last arrived.")
    async def show_scoreboard(self) -> Scoreboard:
        config, settings = self._config(), self._settings()
        lasts = config.cadence.every if config.cadence else QUARTER
        since = self._clock.now() - lasts
        known = addresses((*config.own, *settings.public), settings.people)
        found = standings(known, await self._store.proven(), since, settings.destinations)
        shown = [
            AddressView(
                address=standing.address,
                channel=channel_of(standing.address),
                contact=person_of(standing.address) or None,
                proven_at=when(standing.at),
                proven=standing.proven,
                why=standing.why or None,
            )
            for standing in found
        ]
        return Scoreboard(exactly(since), sum(not standing.proven for standing in found), shown)

    @operation("GET", "/drills/{id}", "Show a drill: its steps, and its report as Markdown.")
    async def show_drill(self, call: Call) -> DrillDetail:
        return self._view(await self._named(call.request))

    @operation("POST", "/drills/{id}/tick", "Tick off an item of a step.", Role.RESPONDER)
    async def tick_off(self, call: Call, body: TickBody) -> DrillDetail:
        """Ticking an item off again has no effect. Raises: InvalidInput."""
        drill_id = (await self._named(call.request)).drill.id
        tick = Tick(body.step - 1, body.item - 1, call.by, self._clock.now())
        try:
            await self._service.tick(drill_id, tick)
        except ValueError as error:
            raise InvalidInput(str(error), "/step") from None
        return self._view(await self._named(call.request))

    @operation(
        "POST",
        "/drills/{id}/stop",
        "End a drill, and resolve its incidents.",
        Role.RESPONDER,
        problems=(HTTPStatus.CONFLICT,),
    )
    async def stop_drill(self, call: Call) -> DrillDetail:
        drill_id = (await self._named(call.request)).drill.id
        if not await self._service.stop(drill_id, call.by):
            raise web.HTTPConflict(text=f"the drill {drill_id} has ended already")
        return self._view(await self._named(call.request))

    # --- parts of these

    def _plan(self, asked: StartBody) -> DrillPlan:
        """Raises: InvalidInput."""
        plans = self._config().drills
        if asked.plan is None:
            if asked.scenario not in plans:
                known = f"there are: {', '.join(plans)}" if plans else "add drills.scenarios"
                detail = f"no scenario '{asked.scenario}' is configured; {known}"
                raise InvalidInput(detail, "/scenario")
            return plans[asked.scenario]
        if asked.plan.proof or any(step.alert and step.alert.to for step in asked.plan.steps):
            detail = "only a channel test may name addresses: POST /api/v1/drills/canary"
            raise InvalidInput(detail, "/plan")
        self._check_targets(asked.plan)
        return asked.plan

    def _check_targets(self, plan: DrillPlan) -> None:
        people = self._settings().people
        known = {
            *(f"contact:{name}" for name in people.contacts),
            *(f"role:{name}" for name in people.roles),
            *(f"schedule:{name}" for name in people.schedules),
        }
        for number, step in enumerate(plan.steps):
            if unknown := [target for target in step.by if target not in known]:
                raise InvalidInput(f"{unknown[0]} is not in the config", f"/plan/steps/{number}/by")

    async def _start(self, plan: DrillPlan, by: str) -> DrillDetail:
        drill = await self._service.start(plan, by)
        if drill is None:
            detail = f"a drill of '{plan.name}' is running: wait for its end, or stop it"
            raise web.HTTPConflict(text=detail)
        seen = await self._service.seen(drill.id)
        assert seen is not None
        return self._view(seen)

    async def _named(self, request: web.Request) -> DrillView:
        """Raises: aiohttp's HTTPNotFound."""
        found = await self._service.seen(request.match_info["id"])
        if found is None:
            raise web.HTTPNotFound(text=f"there is no drill {request.match_info['id']}")
        return found

    async def _schedule(self) -> CadenceView | None:
        cadence = self._config().cadence
        if cadence is None:
            return None
        last, due = await self._regular()
        overdue = due <= self._clock.now()
        return CadenceView(cadence.scenario, cadence.every, when(last), exactly(due), overdue)

    def _view(self, seen: DrillView) -> DrillDetail:
        settings = self._settings()
        texts = previews(seen.drill, seen.timeline, settings)
        return DrillDetail(
            **asdict(_summary(seen.drill)),
            incidents=[incident.name for incident in seen.timeline.incidents],
            steps=_steps(seen),
            report=report(seen.drill, seen.timeline, seen.outcomes, settings.people, texts),
        )


def canary_addresses(to: Sequence[str], own: Sequence[str], settings: Settings) -> tuple[str, ...]:
    """Return the addresses of channels and contacts. Raises: InvalidInput, for an unknown one."""
    contacts = settings.people.contacts
    found: list[str] = []
    for number, address in enumerate(to or own):
        kind, colon, name = address.partition(":")
        if not colon and address in own:
            found.append(address)
        elif kind == "contact" and contacts.get(name):
            found += [f"{way.via}/{name}" for way in contacts[name]]
        else:
            detail = f"'{address}' is neither a channel with its own destination nor contact:NAME"
            raise InvalidInput(detail, f"/to/{number}")
    if not found:
        raise InvalidInput("there is no channel with its own destination", "/to")
    return tuple(dict.fromkeys(found))


def _summary(drill: Drill) -> DrillSummary:
    return DrillSummary(
        id=drill.id,
        scenario=drill.plan.name,
        by=drill.by or None,
        started_at=exactly(drill.started_at),
        ends_by=exactly(drill.started_at + drill.plan.time_out),
        ended_at=when(drill.ended_at),
        ending=drill.ending,
        ended_by=drill.ended_by or None,
    )


def _scenario(plan: DrillPlan) -> ScenarioView:
    return ScenarioView(plan.name, plan.description, plan.time_out, len(plan.steps))


def _steps(seen: DrillView) -> list[DrillStepView]:
    outcomes = iter(seen.outcomes)  # of all steps but alerts, in order
    steps = enumerate(seen.drill.plan.steps)
    return [
        _step(seen.drill, number, None if step.alert else next(outcomes)) for number, step in steps
    ]


def _step(drill: Drill, number: int, outcome: progress.ExpectationOutcome | None) -> DrillStepView:
    step, fired = drill.plan.steps[number], number in drill.fired
    return DrillStepView(
        number=number + 1,
        kind=step.kind,
        name=step.name,
        state=outcome.state.value if outcome else "fired" if fired else "waiting",
        at=when(outcome.at) if outcome else None,
        by=(outcome.by or None) if outcome else None,
        items=_items(drill, number) if step.kind in TICKED else [],
    )


def _items(drill: Drill, number: int) -> list[ItemView]:
    done = {tick.item: tick for tick in drill.ticks if tick.step == number}
    return [
        ItemView(item + 1, text, done[item].by if item in done else None)
        for item, text in enumerate(drill.plan.steps[number].items)
    ]
