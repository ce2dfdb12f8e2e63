"""HTTP routes: the web layer connected to the parts of a running router."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiohttp import web

from router.config.config_file import ConfigFile
from router.config.load import Config
from router.core.incident.settings import Settings
from router.core.messages.signed_links import Signer
from router.model.event import Command
from router.ports.channels import DeviceOptions
from router.web.alertmanager.alerts import ShownAlerts
from router.web.alertmanager.silences import SharedSilences
from router.web.alertmanager.status import RouterStatus
from router.web.api.actions import Actions
from router.web.api.commands import CommandApi
from router.web.api.context import Investigation
from router.web.api.deployments import DeploymentApi
from router.web.api.devices import DeviceApi
from router.web.api.drills import Drills as DrillPaths
from router.web.api.events import Events
from router.web.api.explain import ExplainApi
from router.web.api.heartbeats import HeartbeatApi
from router.web.api.incidents import IncidentApi
from router.web.api.openapi import OpenApi
from router.web.api.overrides import Overrides
from router.web.api.overviews import OverviewApi
from router.web.api.previews import Drafts
from router.web.api.reconciliation import ReconciliationApi
from router.web.api.repeats import REPEATS, Repeats
from router.web.api.routing import RoutingApi
from router.web.api.schedules import Schedules
from router.web.api.search import SearchApi
from router.web.api.settings import SettingsApi
from router.web.api.silences import SilenceApi
from router.web.api.stats import Stats
from router.web.body import BODIES
from router.web.operations import Operations
from router.web.pages import assets
from router.web.pages.act import Act
from router.web.pages.admin import SettingsPage, StatusPageAdmin
from router.web.pages.declare import Declare
from router.web.pages.device import DevicePage
from router.web.pages.frame import FRAME, Frame
from router.web.pages.incident import IncidentPage
from router.web.pages.incident_forms import IncidentForms
from router.web.pages.incident_list import IncidentList
from router.web.pages.oncall import OnCall
from router.web.pages.operate import (
    Channels,
    Deployments,
    DrillList,
    DrillPage,
    HeartbeatPage,
    PostMortems,
    WaitingPage,
)
from router.web.pages.reconciliation import Reconciliation
from router.web.pages.routing import Policies, Rules
from router.web.pages.search import SearchPage
from router.web.pages.silences import Silences
from router.web.pages.why import WhyPage
from router.web.postmortem.api import PostMortemPaths
from router.web.postmortem.html import PostMortemPage
from router.web.postmortem.items import ItemPaths
from router.web.postmortem.service import PostMortemService
from router.web.probes import Probes
from router.web.statuspage.handlers import StatusPage
from router.web.statuspage.maintenance import Announcements
from router.web.statuspage.subscriptions import SubscriptionPages
from router.web.webhooks.heartbeats import Heartbeats as HeartbeatPaths
from router.wiring.access import SignInParts
from router.wiring.parts import Parts


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpRoutes:
    """The routes over the parts of a router. `config` and `signer` return the current ones."""

    parts: Parts
    config: Callable[[], Config]
    signer: Callable[[], Signer | None]
    reload: Callable[[], Awaitable[None]]

    def config_file(self) -> ConfigFile:
        return self.config().file

    def names(self) -> dict[str, str]:
        """Return the name of each contact."""
        return {name: contact.name or name for name, contact in self.config_file().contacts.items()}

    def zone(self) -> str:
        return self.config_file().company.time_zone

    def settings(self) -> Settings:
        return self.parts.settings()

    def application(self) -> web.Application:
        """Build the web application with all routes."""
        sign_in = SignInParts(
            self.parts.store, self.parts.clock, self.config_file, self.parts.channels.wake
        )
        app = web.Application(
            middlewares=[self.parts.guard.handle, sign_in.gate()],
            client_max_size=self.config_file().max_body,
        )
        app[BODIES] = self.parts.webhooks.bodies
        app[FRAME] = Frame(self.config_file, self.parts.clock)
        app[REPEATS] = Repeats(self.parts.store, self.parts.clock)
        sign_in.add_to(app)
        for public in self._status_page():
            app.add_routes(public.routes())
        drafts = Drafts(
            self.parts.store,
            self.parts.clock,
            config_file=self.config_file,
            settings=self.settings,
            recipients=self.parts.publishing.recipients,
        )
        api = IncidentApi(self.parts.store, self.parts.inbox, self.parts.clock)
        commands = CommandApi(
            self.parts.store,
            self.parts.inbox,
            self.parts.clock,
            drafts,
            zone=self.zone,
            people=lambda: self.settings().people,
        )
        explain = ExplainApi(
            self.parts.store,
            self.parts.clock,
            settings=self.settings,
            receivers=lambda: self.parts.webhooks.receivers,
        )
        schedules = Schedules(
            self.parts.clock,
            config=self.config,
            schedules=lambda: self.parts.live_settings.settings.people.schedules,
            since=lambda: self.parts.live_settings.since,
        )
        act = Act(
            self.parts.store,
            self.parts.inbox,
            self.parts.clock,
            signer=self.signer,
            settings=self.settings,
            names=lambda: self.config().mailboxes,
        )
        overrides = Overrides(
            self.parts.overrides,
            self.parts.clock,
            people=lambda: self.parts.live_settings.settings.people,
            refresh=self.parts.live_settings.refresh,
        )
        heartbeats = HeartbeatPaths(
            self.parts.metrics,
            heartbeats=lambda: self.config_file().heartbeats,
            beat=self.parts.heartbeats.beat,
        )
        beats = HeartbeatApi(look=self.parts.heartbeats.look)
        reconciliation = ReconciliationApi(self.parts.reconciler)
        silences = SilenceApi(
            self.parts.silences,
            self.parts.store,
            self.parts.clock,
            config=self.config,
            refresh=self.parts.live_settings.refresh,
        )
        routing = RoutingApi(
            self.parts.store, self.parts.clock, settings=self.settings, zone=self.zone
        )
        actions = Actions(
            self.parts.action_runner,
            self.parts.store,
            self.parts.clock,
            settings=self.settings,
        )
        deployments = DeploymentApi(self.parts.deployed, self.parts.recorder, self.parts.clock)
        overviews = OverviewApi(self.parts.store, self.parts.clock, self.parts.action_runner)
        settings = SettingsApi(
            self.parts.revisions,
            config=self.config,
            settings=self.settings,
            loaded=lambda: self.parts.loaded,
        )
        drills = DrillPaths(
            self.parts.drills,
            self.parts.store,
            self.parts.clock,
            config=self.config,
            settings=self.settings,
            regular=self.parts.drill_calendar.regular,
        )
        operations = Operations(
            self.parts.store, self.parts.clock, self.parts.metrics, reload=self.reload
        )
        investigation = Investigation(
            self.parts.store,
            self.parts.clock,
            self.parts.charts,
            self.parts.deployed,
            config_file=self.config_file,
        )
        incidents = IncidentPage(
            self.parts.store,
            self.parts.clock,
            investigation,
            drafts,
            actions,
            settings=self.settings,
        )
        forms = IncidentForms(
            self.parts.store,
            self.parts.inbox,
            self.parts.clock,
            drafts,
            actions,
            zone=self.zone,
            settings=self.settings,
        )
        events = Events(self.parts.store, self.parts.clock)
        app.on_shutdown.append(events.close)
        found = SearchApi(self.parts.store, settings=self.settings, names=self.names)
        listed = IncidentList(
            self.parts.store,
            self.parts.inbox,
            self.parts.clock,
            settings=self.settings,
            silence=silences.make_silence,
        )
        parts = (
            *self._alertmanager(),
            self.parts.webhooks,
            heartbeats,
            Probes(self.parts.store),
            operations,
            api,
            schedules,
            overrides,
            actions,
            deployments,
            assets,
            act,
        )
        devices = DeviceApi(
            self.parts.channels.devices,
            self.parts.clock,
            config_file=self.config_file,
            accepts=self._accepts,
            key=self.parts.channels.push_key,
        )
        screens = (
            Declare(api),
            DevicePage(
                devices,
                company=lambda: self.config_file().company.name,
                contacts=lambda: list(self.config_file().contacts),
            ),
            OnCall(overrides, self.parts.clock, people=lambda: self.settings().people),
            Silences(silences),
            Reconciliation(reconciliation),
            Rules(routing, explain, lambda: self.parts.webhooks.receivers),
            Policies(routing),
            SearchPage(found),
            WhyPage(self.parts.store, self.parts.clock, settings=self.settings),
            Channels(api, drills, config=self.config),
            HeartbeatPage(beats),
            Deployments(deployments),
            WaitingPage(overviews, config=self.config),
            PostMortems(overviews),
            DrillList(drills),
            DrillPage(drills),
            SettingsPage(settings),
        )
        for part in (*parts, devices, *screens, *self._postmortems()):
            app.add_routes(part.routes())
        app.add_routes(
            [
                *listed.routes(),
                *forms.routes(),
                *investigation.routes(),
                *drafts.routes(),
                *incidents.routes(),
            ]
        )
        app.add_routes([*events.routes(), *found.routes()])
        app.add_routes([*silences.routes(), *drills.routes(), *commands.routes()])
        app.add_routes([*routing.routes(), *overviews.routes(), *settings.routes()])
        app.add_routes([*explain.routes(), *beats.routes(), *OpenApi().routes()])
        app.add_routes(reconciliation.routes())
        return app

    def _alertmanager(self) -> tuple[ShownAlerts, SharedSilences, RouterStatus]:
        """Parts of Alertmanager's API; sources of the type prometheus have the rest."""
        clock, refresh = self.parts.clock, self.parts.live_settings.refresh
        return (
            ShownAlerts(self.parts.store, clock, self.settings),
            SharedSilences(self.parts.silences, clock, refresh),
            RouterStatus(clock, config=self.config, settings=self.settings),
        )

    def _status_page(
        self,
    ) -> tuple[Announcements, SubscriptionPages, StatusPage, StatusPageAdmin]:
        publishing = self.parts.publishing
        announcements = Announcements(
            self.parts.store,
            self.parts.clock,
            plan=publishing.plan,
            changed=publishing.page_cache.forget,
            announce=publishing.announce_maintenance,
            end=publishing.end_maintenance,
            recipients=lambda: publishing.recipients(Command.PUBLISH),
        )
        return (
            announcements,
            SubscriptionPages(publishing.page_cache, publishing.subscriber_list),
            StatusPage(publishing.page_cache),
            StatusPageAdmin(announcements, publishing.plan),
        )

    def _accepts(self) -> Callable[[str], bool] | None:
        """Return the check of the channel that sends to devices; None without one."""
        channels = self.config().channels.values()
        return next(
            (channel.accepts for channel in channels if isinstance(channel, DeviceOptions)), None
        )

    def _postmortems(self) -> tuple[PostMortemPaths, ItemPaths, PostMortemPage, Stats]:
        postmortems = PostMortemService(
            self.parts.store,
            self.parts.inbox,
            self.parts.clock,
            self.parts.deployed,
            settings=self.settings,
            zone=self.zone,
        )
        items = ItemPaths(
            self.parts.store,
            self.parts.inbox,
            self.parts.clock,
            config_file=self.config_file,
            people=lambda: self.settings().people,
        )
        paths = PostMortemPaths(postmortems, self.parts.store, self.parts.clock)
        shown = PostMortemPage(
            postmortems,
            items,
            self.parts.store,
            self.parts.inbox,
        )
        stats = Stats(
            self.parts.store,
            self.parts.clock,
            config_file=self.config_file,
            zones=lambda: self.config().time_zones,
        )
        return paths, items, shown, stats
