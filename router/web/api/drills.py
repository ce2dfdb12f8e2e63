"""Drills over the API: start, watch, tick off, stop; canaries, and the scoreboard.

It decides nothing.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from aiohttp import web
from msgspec import Struct

from router.config.document import Auth
from router.config.load import Config
from router.core.drill import course
from router.core.drill.previews import previews
from router.core.drill.report import report
from router.core.incident.settings import Settings
from router.core.reachability.channel_health import QUARTER, addresses, standings
from router.model.drill import TICKED, Drill, DrillPlan, Tick
from router.model.notification import channel_of, person_of
from router.ports.clock import Clock
from router.ports.errors import InvalidInput
from router.ports.services import DrillService, DrillView
from router.ports.store import Store
from router.web.api.content import answer, body
from router.web.api.views import when
from router.web.auth import Role, whoever


class StartBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The name of a scenario of the config, or else a whole one."""

    scenario: str = ""
    plan: DrillPlan | None = None


class TickBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Which item of which step is done, both counted from 1; without an item, the only one."""

    step: int
    item: int = 1


class CanaryBody(Struct, frozen=True, forbid_unknown_fields=True):
    """Channels by name, people as `contact:NAME`; without any, every channel that has a destination
    of its own.
    """

    to: list[str] = []


class Drills:
    """The paths below `/api/v1/drills`.

    `regular` says when the regular drill was last held, and is due.
    """

    def __init__(  # noqa: PLR0913 - the parts it stands between
        self,
        hall: DrillService,
        store: Store,
        clock: Clock,
        *,
        config: Callable[[], Config],
        settings: Callable[[], Settings],
        regular: Callable[[], Awaitable[tuple[float | None, float]]],
    ) -> None:
        self._hall = hall
        self._store = store
        self._clock = clock
        self._config = config
        self._settings = settings
        self._regular = regular

    def routes(self) -> list[web.RouteDef]:
        base = "/api/v1/drills"
        return [
            web.get(base, self.list_drills),
            web.post(base, self.start),
            web.post(f"{base}/canary", self.canary),
            web.get(f"{base}/scoreboard", self.scoreboard),
            web.get(f"{base}/{{id}}", self.show),
            web.post(f"{base}/{{id}}/tick", self.tick),
            web.post(f"{base}/{{id}}/stop", self.stop),
        ]

    async def list_drills(self, request: web.Request) -> web.Response:
        """Those that were held, what may be, and when the regular one is due."""
        whoever(request, self._auth, Role.VIEWER)
        drills = await self._hall.drills()
        return answer(
            {
                "drills": [_summary(one) for one in drills],
                "scenarios": [_scenario(plan) for plan in self._config().drills.values()],
                "schedule": await self._schedule(),
            }
        )

    async def show(self, request: web.Request) -> web.Response:
        whoever(request, self._auth, Role.VIEWER)
        return answer(self._view(await self._named(request)))

    async def start(self, request: web.Request) -> web.Response:
        """Raises: Bad; aiohttp's HTTPConflict, while one of that name is running."""
        by = whoever(request, self._auth, Role.RESPONDER)
        return await self._start(self._plan(await body(request, StartBody)), by)

    async def canary(self, request: web.Request) -> web.Response:
        """As `start`."""
        by = whoever(request, self._auth, Role.RESPONDER)
        asked = await body(request, CanaryBody)
        to = canary_addresses(asked.to, self._config().own, self._settings())
        return await self._start(course.canary(to), by)

    async def tick(self, request: web.Request) -> web.Response:
        """The same again has no second effect. Raises: Bad."""
        by = whoever(request, self._auth, Role.RESPONDER)
        drill_id = (await self._named(request)).drill.id
        asked = await body(request, TickBody)
        try:
            await self._hall.tick(
                drill_id, Tick(asked.step - 1, asked.item - 1, by, self._clock.now())
            )
        except ValueError as error:
            raise InvalidInput(str(error), "/step") from None
        return answer(self._view(await self._named(request)))

    async def stop(self, request: web.Request) -> web.Response:
        """Raises: aiohttp's HTTPConflict, if it has ended."""
        by = whoever(request, self._auth, Role.RESPONDER)
        drill_id = (await self._named(request)).drill.id
        if not await self._hall.stop(drill_id, by):
            raise web.HTTPConflict(text=f"the drill {drill_id} has ended already")
        return answer(self._view(await self._named(request)))

    async def scoreboard(self, request: web.Request) -> web.Response:
        """Each channel and way to a person, the unproven first."""
        whoever(request, self._auth, Role.VIEWER)
        config, settings = self._config(), self._settings()
        lasts = config.cadence.every if config.cadence else QUARTER
        since = self._clock.now() - lasts
        there = addresses((*config.own, *settings.public), settings.people)
        found = standings(there, await self._store.proven(), since, settings.destinations)
        shown = [
            {
                "address": one.address,
                "channel": channel_of(one.address),
                "contact": person_of(one.address) or None,
                "proven_at": when(one.at),
                "proven": one.proven,
                "why": one.why or None,
            }
            for one in found
        ]
        return answer(
            {
                "since": when(since),
                "unproven": sum(not one.proven for one in found),
                "addresses": shown,
            }
        )

    # --- parts of these

    @property
    def _auth(self) -> Auth:
        return self._config().document.auth

    def _plan(self, asked: StartBody) -> DrillPlan:
        """Raises: Bad."""
        plans = self._config().drills
        if asked.plan is None:
            if asked.scenario not in plans:
                raise InvalidInput(
                    f"no scenario '{asked.scenario}' is configured; there are: {', '.join(plans)}",
                    "/scenario",
                )
            return plans[asked.scenario]
        if asked.plan.proof or any(step.alert and step.alert.to for step in asked.plan.steps):
            raise InvalidInput(
                "only a canary is sent to addresses of its own: POST /api/v1/drills/canary", "/plan"
            )
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
                raise InvalidInput(f"the config has no {unknown[0]}", f"/plan/steps/{number}/by")

    async def _start(self, plan: DrillPlan, by: str) -> web.Response:
        drill = await self._hall.start(plan, by)
        if drill is None:
            raise web.HTTPConflict(
                text=f"a drill of '{plan.name}' is running: wait for its end, or stop it"
            )
        seen = await self._hall.seen(drill.id)
        assert seen is not None
        return answer(self._view(seen), HTTPStatus.CREATED)

    async def _named(self, request: web.Request) -> DrillView:
        """Raises: aiohttp's HTTPNotFound."""
        found = await self._hall.seen(request.match_info["id"])
        if found is None:
            raise web.HTTPNotFound(text=f"there's no drill {request.match_info['id']}")
        return found

    async def _schedule(self) -> dict[str, Any] | None:
        cadence = self._config().cadence
        if cadence is None:
            return None
        last, due = await self._regular()
        return {
            "scenario": cadence.scenario,
            "every": cadence.every,
            "last": when(last),
            "due": when(due),
            "overdue": due <= self._clock.now(),
        }

    def _view(self, seen: DrillView) -> dict[str, Any]:
        settings = self._settings()
        texts = previews(seen.drill, seen.scene, settings)
        return {
            **_summary(seen.drill),
            "incidents": [one.name for one in seen.scene.incidents],
            "steps": _steps(seen),
            "report": report(seen.drill, seen.scene, seen.outcomes, settings.people, texts),
        }


def canary_addresses(to: Sequence[str], own: Sequence[str], settings: Settings) -> tuple[str, ...]:
    """Raises: Bad, for one that there isn't."""
    contacts = settings.people.contacts
    found: list[str] = []
    for number, one in enumerate(to or own):
        kind, colon, name = one.partition(":")
        if not colon and one in own:
            found.append(one)
        elif kind == "contact" and contacts.get(name):
            found += [f"{way.via}/{name}" for way in contacts[name]]
        else:
            raise InvalidInput(
                f"'{one}' is neither a channel with a destination of its own nor contact:NAME",
                f"/to/{number}",
            )
    if not found:
        raise InvalidInput("there's no channel with a destination of its own", "/to")
    return tuple(dict.fromkeys(found))


def _summary(one: Drill) -> dict[str, Any]:
    return {
        "id": one.id,
        "scenario": one.plan.name,
        "by": one.by or None,
        "started_at": when(one.started_at),
        "ends_by": when(one.started_at + one.plan.time_out),
        "ended_at": when(one.ended_at),
        "ending": one.ending,
        "ended_by": one.ended_by or None,
    }


def _scenario(plan: DrillPlan) -> dict[str, Any]:
    return {
        "name": plan.name,
        "description": plan.description,
        "time_out": plan.time_out,
        "steps": len(plan.steps),
    }


def _steps(seen: DrillView) -> list[dict[str, Any]]:
    outcomes = iter(seen.outcomes)  # of all steps but alerts, in order
    return [
        {
            "number": number + 1,
            "kind": step.kind,
            "name": step.name,
            **_standing(None if step.alert else next(outcomes), fired=number in seen.drill.fired),
            "items": _items(seen.drill, number) if step.kind in TICKED else [],
        }
        for number, step in enumerate(seen.drill.plan.steps)
    ]


def _standing(one: course.ExpectationOutcome | None, *, fired: bool) -> Mapping[str, Any]:
    if one is None:
        return {"state": "fired" if fired else "waiting", "at": None, "by": None}
    return {"state": one.state, "at": when(one.at), "by": one.by or None}


def _items(drill: Drill, number: int) -> list[dict[str, Any]]:
    done = {tick.item: tick for tick in drill.ticks if tick.step == number}
    return [
        {"number": item + 1, "text": text, "by": done[item].by if item in done else None}
        for item, text in enumerate(drill.plan.steps[number].items)
    ]
