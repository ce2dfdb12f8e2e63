"""Every path that the router answers: the web layer, put together over the other parts of a running router."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Middleware

from router.actions.desk import Desk
from router.config.document import Auth, Document
from router.config.load import Config
from router.core.arrangement import Arrangement
from router.core.grant import Signer
from router.core.quieting import MadeSilence
from router.core.settings import Settings
from router.engine.deployments import Deployments
from router.engine.drill_calendar import DrillCalendar
from router.engine.drills import Drills
from router.engine.heartbeats import Heartbeats
from router.engine.in_force import InForce
from router.evidence.charts import Charts
from router.model.deployment import Deployment
from router.ports import Clock, Inbox, Store
from router.publishing import Publishing
from router.shelf import Shelf
from router.signing import mailboxes
from router.telemetry.metrics import Metrics
from router.web import page
from router.web.act import Act
from router.web.actions import Actions
from router.web.api import Api
from router.web.context import Investigation
from router.web.deployments import DeploymentPaths
from router.web.drafts import Drafts
from router.web.drills import Drills as DrillPaths
from router.web.heartbeats import Heartbeats as HeartbeatPaths
from router.web.incidents import Incidents
from router.web.operations import Operations
from router.web.origin import own_name, same_origin
from router.web.overrides import Overrides
from router.web.page import readable
from router.web.postmortem.api import PostMortemPaths
from router.web.postmortem.casebook import Casebook
from router.web.postmortem.html import PostMortemPage
from router.web.postmortem.items import ItemPaths
from router.web.problem import problems
from router.web.schedules import Schedules
from router.web.silences import SilenceApi
from router.web.stats import Stats
from router.web.webhooks import Webhooks


@dataclass(frozen=True, kw_only=True, slots=True)
class Paths:
    """What the paths stand on. `config` and `signer` are those in force when they're asked."""

    config: Callable[[], Config]
    signer: Callable[[], Signer | None]
    reload: Callable[[], Awaitable[None]]
    store: Store
    clock: Clock
    metrics: Metrics
    inbox: Inbox
    in_force: InForce
    publishing: Publishing
    webhooks: Webhooks
    heartbeats: Heartbeats
    desk: Desk
    recorder: Deployments
    drills: Drills
    drill_calendar: DrillCalendar
    charts: Charts
    arrangements: Shelf[Arrangement]
    silences: Shelf[MadeSilence]
    deployed: Shelf[Deployment]

    def document(self) -> Document:
        return self.config().document

    def auth(self) -> Auth:
        return self.document().auth

    def settings(self) -> Settings:
        return self.in_force.settings

    def application(self) -> web.Application:
        """Answers all paths, once it's served."""
        checks: list[Middleware] = [readable, problems, same_origin, own_name(self.document)]
        app = web.Application(middlewares=checks, client_max_size=self.document().max_body)
        app.add_routes(self.publishing.routes())
        drafts = Drafts(self.store, self.clock, document=self.document, settings=self.settings)
        api = Api(
            self.store,
            self.inbox,
            self.clock,
            auth=self.auth,
            settings=self.settings,
            receivers=lambda: self.webhooks.receivers,
            drafts=drafts,
        )
        schedules = Schedules(
            self.clock,
            config=self.config,
            schedules=lambda: self.in_force.settings.people.schedules,
            since=lambda: self.in_force.since,
        )
        act = Act(
            self.store,
            self.inbox,
            self.clock,
            signer=self.signer,
            settings=self.settings,
            names=lambda: mailboxes(self.config()),
        )
        overrides = Overrides(
            self.arrangements,
            self.clock,
            auth=self.auth,
            people=lambda: self.in_force.settings.people,
            refresh=self.in_force.refresh,
        )
        heartbeats = HeartbeatPaths(
            self.metrics,
            documents=lambda: self.document().heartbeats,
            auth=self.auth,
            beat=self.heartbeats.beat,
            look=self.heartbeats.look,
        )
        silences = SilenceApi(self.silences, self.clock, config=self.config, refresh=self.in_force.refresh)
        actions = Actions(
            self.desk,
            self.store,
            self.clock,
            auth=self.auth,
            settings=self.settings,
        )
        told = DeploymentPaths(self.deployed, self.recorder, self.clock, auth=self.auth)
        drills = DrillPaths(
            self.drills,
            self.store,
            self.clock,
            config=self.config,
            settings=self.settings,
            regular=self.drill_calendar.regular,
        )
        operations = Operations(self.store, self.clock, self.metrics, reload=self.reload, auth=self.auth)
        investigation = Investigation(self.store, self.clock, self.charts, self.deployed, document=self.document)
        incidents = Incidents(self.store, self.inbox, self.clock, investigation, drafts, document=self.document)
        parts = (self.webhooks, heartbeats, operations, api, schedules, overrides, actions, told, page, act)
        for part in (*parts, *self._postmortems()):
            app.add_routes(part.routes())
        app.add_routes([*investigation.routes(), *drafts.routes(), *incidents.routes()])
        app.add_routes([*silences.routes(), *drills.routes()])
        return app

    def _postmortems(self) -> tuple[PostMortemPaths, ItemPaths, PostMortemPage, Stats]:
        casebook = Casebook(
            self.store,
            self.inbox,
            self.clock,
            self.deployed,
            settings=self.settings,
            zone=lambda: self.document().company.time_zone,
        )
        items = ItemPaths(self.store, self.inbox, self.clock, document=self.document)
        paths = PostMortemPaths(casebook, self.store, self.clock, auth=self.auth)
        shown = PostMortemPage(casebook, items, self.store, self.inbox, self.clock, document=self.document)
        stats = Stats(self.store, self.clock, document=self.document, zones=lambda: self.config().time_zones)
        return paths, items, shown, stats
