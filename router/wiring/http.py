"""Every path that the router answers: the web layer, put together over the other parts of a running
router.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Middleware

from router.actions.runner import ActionRunner
from router.config.document import Auth, ConfigFile
from router.config.load import Config
from router.core.incident.settings import Settings
from router.core.messages.signed_links import Signer
from router.core.oncall.override import StoredOverride
from router.core.suppression.silence import Silence
from router.engine.deployments import Deployments
from router.engine.jobs.drill_schedule import DrillCalendar
from router.engine.jobs.drills import Drills
from router.engine.jobs.heartbeats import Heartbeats
from router.engine.live_settings import LiveSettings
from router.evidence.charts import Charts
from router.model.deployment import Deployment
from router.ports.clock import Clock
from router.ports.services import Inbox
from router.ports.store import Store
from router.records.records import Records
from router.telemetry.metrics import Metrics
from router.web.api.actions import Actions
from router.web.api.commands import CommandApi
from router.web.api.context import Investigation
from router.web.api.deployments import DeploymentApi
from router.web.api.drills import Drills as DrillPaths
from router.web.api.explain import ExplainApi
from router.web.api.heartbeats import HeartbeatApi
from router.web.api.incidents import IncidentApi
from router.web.api.openapi import OpenApi
from router.web.api.overrides import Overrides
from router.web.api.previews import Drafts
from router.web.api.schedules import Schedules
from router.web.api.silences import SilenceApi
from router.web.api.stats import Stats
from router.web.body import BODIES
from router.web.failures import Failures, slow_down
from router.web.operations import Operations
from router.web.origin import own_name, same_origin
from router.web.pages import page
from router.web.pages.act import Act
from router.web.pages.incidents import Incidents
from router.web.pages.page import readable
from router.web.postmortem.api import PostMortemPaths
from router.web.postmortem.html import PostMortemPage
from router.web.postmortem.items import ItemPaths
from router.web.postmortem.service import PostMortemService
from router.web.problem import problems
from router.web.server import Connections, refuse_compressed
from router.web.webhooks.endpoint import Webhooks
from router.web.webhooks.heartbeats import Heartbeats as HeartbeatPaths
from router.wiring.statuspage import Publishing


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpRoutes:
    """What the paths stand on. `config` and `signer` are those in force when they're asked."""

    config: Callable[[], Config]
    signer: Callable[[], Signer | None]
    reload: Callable[[], Awaitable[None]]
    store: Store
    clock: Clock
    metrics: Metrics
    inbox: Inbox
    live_settings: LiveSettings
    publishing: Publishing
    webhooks: Webhooks
    connections: Connections
    heartbeats: Heartbeats
    desk: ActionRunner
    recorder: Deployments
    drills: Drills
    drill_calendar: DrillCalendar
    charts: Charts
    arrangements: Records[StoredOverride]
    silences: Records[Silence]
    deployed: Records[Deployment]

    def document(self) -> ConfigFile:
        return self.config().document

    def auth(self) -> Auth:
        return self.document().auth

    def zone(self) -> str:
        return self.document().company.time_zone

    def settings(self) -> Settings:
        return self.live_settings.settings

    def application(self) -> web.Application:
        """Answers all paths, once it's served."""
        checks: list[Middleware] = [
            self.connections.middleware(),
            refuse_compressed(self.metrics),
            slow_down(Failures(self.clock), self.metrics),
            readable,
            problems,
            same_origin,
            own_name(self.document, self.webhooks.is_open),
        ]
        app = web.Application(middlewares=checks, client_max_size=self.document().max_body)
        app[BODIES] = self.webhooks.bodies
        app.add_routes(self.publishing.routes())
        drafts = Drafts(
            self.store,
            self.clock,
            document=self.document,
            settings=self.settings,
            recipients=self.publishing.recipients,
        )
        api = IncidentApi(self.store, self.inbox, self.clock, auth=self.auth)
        commands = CommandApi(
            self.store, self.inbox, self.clock, drafts, auth=self.auth, zone=self.zone
        )
        explain = ExplainApi(
            self.store,
            self.clock,
            auth=self.auth,
            settings=self.settings,
            receivers=lambda: self.webhooks.receivers,
        )
        schedules = Schedules(
            self.clock,
            config=self.config,
            schedules=lambda: self.live_settings.settings.people.schedules,
            since=lambda: self.live_settings.since,
        )
        act = Act(
            self.store,
            self.inbox,
            self.clock,
            signer=self.signer,
            settings=self.settings,
            names=lambda: self.config().mailboxes,
        )
        overrides = Overrides(
            self.arrangements,
            self.clock,
            auth=self.auth,
            people=lambda: self.live_settings.settings.people,
            refresh=self.live_settings.refresh,
        )
        heartbeats = HeartbeatPaths(
            self.metrics,
            documents=lambda: self.document().heartbeats,
            beat=self.heartbeats.beat,
        )
        beats = HeartbeatApi(auth=self.auth, look=self.heartbeats.look)
        silences = SilenceApi(
            self.silences, self.clock, config=self.config, refresh=self.live_settings.refresh
        )
        actions = Actions(
            self.desk,
            self.store,
            self.clock,
            auth=self.auth,
            settings=self.settings,
        )
        told = DeploymentApi(self.deployed, self.recorder, self.clock, auth=self.auth)
        drills = DrillPaths(
            self.drills,
            self.store,
            self.clock,
            config=self.config,
            settings=self.settings,
            regular=self.drill_calendar.regular,
        )
        operations = Operations(
            self.store, self.clock, self.metrics, reload=self.reload, auth=self.auth
        )
        investigation = Investigation(
            self.store, self.clock, self.charts, self.deployed, document=self.document
        )
        incidents = Incidents(
            self.store,
            self.inbox,
            self.clock,
            investigation,
            drafts,
            document=self.document,
            settings=self.settings,
        )
        parts = (
            self.webhooks,
            heartbeats,
            operations,
            api,
            schedules,
            overrides,
            actions,
            told,
            page,
            act,
        )
        for part in (*parts, *self._postmortems()):
            app.add_routes(part.routes())
        app.add_routes([*investigation.routes(), *drafts.routes(), *incidents.routes()])
        app.add_routes([*silences.routes(), *drills.routes(), *commands.routes()])
        app.add_routes([*explain.routes(), *beats.routes(), *OpenApi().routes()])
        return app

    def _postmortems(self) -> tuple[PostMortemPaths, ItemPaths, PostMortemPage, Stats]:
        casebook = PostMortemService(
            self.store,
            self.inbox,
            self.clock,
            self.deployed,
            settings=self.settings,
            zone=self.zone,
        )
        items = ItemPaths(self.store, self.inbox, self.clock, document=self.document)
        paths = PostMortemPaths(casebook, self.store, self.clock, auth=self.auth)
        shown = PostMortemPage(
            casebook, items, self.store, self.inbox, self.clock, document=self.document
        )
        stats = Stats(
            self.store, self.clock, document=self.document, zones=lambda: self.config().time_zones
        )
        return paths, items, shown, stats
