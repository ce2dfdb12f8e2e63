"""`/incidents/{id}/why`: the path from the alert to each page, as a picture."""

from collections.abc import Callable, Iterator, Sequence

from aiohttp import web
from msgspec import Struct

from router.core.explain.pages import Page
from router.core.incident.outlook import outlook
from router.core.incident.settings import Settings
from router.core.messages.timeline import describe
from router.core.messages.timeline import measured as in_unit
from router.core.oncall.recipients import Duty
from router.core.text.units import Threshold
from router.model.incident import Incident
from router.model.notification import channel_of
from router.ports.clock import Clock
from router.ports.store import Store
from router.web.api.content import incident_named
from router.web.api.why import Explainer
from router.web.auth import Role, caller
from router.web.pages.frame import inside

WIDTH = 300.0
"""Width of the scale in units of its picture."""


class Stage(Struct, frozen=True):
    """A box of the picture: its heading, its lines, and how it ended."""

    title: str
    lines: list[str]
    kind: str = ""


class PagePath(Struct, frozen=True):
    """The stages of one message, from its cause to its delivery."""

    at: float
    who: str
    stages: list[Stage]
    arrived: bool


class Scale(Struct, frozen=True):
    """A measured value and its threshold as positions on a scale from zero."""

    value: float
    limit: float
    text: str


class WhyPage:
    """Shows the explanation of the API, and decides nothing."""

    def __init__(self, store: Store, clock: Clock, *, settings: Callable[[], Settings]) -> None:
        self._store = store
        self._clock = clock
        self._settings = settings
        self._explainer = Explainer(store, settings)

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/incidents/{id}/why", self.show)]

    async def show(self, request: web.Request) -> web.Response:
        caller(request, Role.VIEWER, in_browser=True)
        incident = await incident_named(request, self._store)
        why = await self._explainer.incident(incident)
        timeline = await self._store.timeline(incident.id)
        return inside(
            request,
            "why.html",
            incident=incident,
            why=why,
            alert=(why.opened.data if why.opened else {}),
            scale=scale(incident),
            pages=[path_of(page) for page in why.pages if page.is_page],
            informed=[path_of(page) for page in why.pages if not page.is_page],
            outlook=outlook(incident, timeline, self._settings(), self._clock.now()),
        )


def path_of(page: Page) -> PagePath:
    """Return the stages of a message."""
    return PagePath(page.at, page.person or page.address, [*_stages(page)], page.arrived)


def scale(incident: Incident) -> Scale | None:
    """Return the incident's worst value on a scale; None if it was not measured."""
    measured = incident.measured
    if measured is None or not measured.threshold:
        return None
    try:
        limit = Threshold.parse(measured.threshold).limit
    except ValueError:
        return None
    longest = 1.25 * max(abs(measured.value), abs(limit))
    if not longest:
        return None
    read = in_unit(measured.read, measured.threshold)
    text = f"measured {read}, threshold {measured.threshold}"
    return Scale(
        max(0.0, measured.value) / longest * WIDTH, max(0.0, limit) / longest * WIDTH, text
    )


def _stages(page: Page) -> Iterator[Stage]:
    cause = describe(page.cause) if page.cause else "The decision was not recorded."
    yield Stage("Decision", [cause])
    if page.person:
        yield Stage("Duty", _duties(page.duties, page.person))
    yield Stage("Channel", [channel_of(page.address)])
    results = [describe(delivery) for delivery in page.deliveries]
    yield Stage("Delivery", results or ["Not sent yet."], _ending(page))


def _ending(page: Page) -> str:
    if page.arrived:
        return "good"
    return "bad" if page.deliveries else "warn"


def _duties(duties: Sequence[Duty] | None, person: str) -> list[str]:
    if duties is None:
        return ["Who was on call was not recorded."]
    return [_duty(duty) for duty in duties] or [f"{person} is named in the policy."]


def _duty(duty: Duty) -> str:
    if duty.override is not None:
        instead = f" instead of {duty.override.replaces}" if duty.override.replaces else ""
        return f"{duty.contact} by an override of {duty.target}{instead}"
    layer = f", layer {duty.layer}" if duty.layer else ""
    return f"{duty.contact} by {duty.target}{layer}"
