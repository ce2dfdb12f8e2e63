"""HTTP routes: the web layer connected to the parts of a running router."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

from aiohttp import web

from router.core.messages.signed_links import Signer
from router.model.event import Command
from router.web.alertmanager.alerts import ShownAlerts
from router.web.alertmanager.silences import SharedSilences
from router.web.alertmanager.status import RouterStatus
from router.web.api.commands import CommandApi
from router.web.api.events import Events
from router.web.api.openapi import OpenApi
from router.web.api.repeats import REPEATS, Repeats
from router.web.api.schedules import Schedules
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
from router.wiring.handlers import SharedHandlers


class Handlers(Protocol):
    """A group of HTTP handlers with its routes."""

    def routes(self) -> Iterable[web.AbstractRouteDef]: ...


@dataclass(frozen=True, kw_only=True)
class HttpRoutes(SharedHandlers):
    """The routes over the parts of a router. `signer` returns the current one."""

    signer: Callable[[], Signer | None]
    reload: Callable[[], Awaitable[None]]

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
        events = Events(self.parts.store, self.parts.clock)
        app.on_shutdown.append(events.close)
        groups: tuple[Handlers, ...] = (
            *self._status_page(),
            *self._alertmanager(),
            self.parts.webhooks,
            *self._api(),
            *self._pages(),
            *self._postmortems(),
            *self._incidents(),
            events,
        )
        for handlers in groups:
            app.add_routes(handlers.routes())
        app.add_routes(assets.routes())
        return app

    def _api(self) -> tuple[Handlers, ...]:
        return (
            HeartbeatPaths(
                self.parts.metrics,
                heartbeats=lambda: self.config_file().heartbeats,
                beat=self.parts.heartbeats.beat,
            ),
            Probes(self.parts.store),
            Operations(self.parts.store, self.parts.clock, self.parts.metrics, reload=self.reload),
            self.incident_api,
            Schedules(
                self.parts.clock,
                config=self.config,
                schedules=lambda: self.parts.live_settings.settings.people.schedules,
                since=lambda: self.parts.live_settings.since,
            ),
            CommandApi(
                self.parts.store,
                self.parts.inbox,
                self.parts.clock,
                self.drafts,
                zone=self.zone,
                people=self.people,
            ),
            self.drafts,
            self.explain,
            self.routing,
            self.overrides,
            self.silences,
            self.actions,
            self.deployments,
            self.investigation,
            self.drills,
            self.heartbeats,
            self.overviews,
            self.reconciliation,
            self.settings_api,
            self.devices,
            OpenApi(),
        )

    def _pages(self) -> tuple[Handlers, ...]:
        return (
            Act(
                self.parts.store,
                self.parts.inbox,
                self.parts.clock,
                signer=self.signer,
                settings=self.settings,
                names=lambda: self.config().mailboxes,
            ),
            Declare(self.incident_api),
            DevicePage(
                self.devices,
                company=lambda: self.config_file().company.name,
                contacts=lambda: list(self.config_file().contacts),
            ),
            OnCall(self.overrides, self.parts.clock, people=self.people),
            Silences(self.silences),
            Reconciliation(self.reconciliation),
            Rules(self.routing, self.explain, lambda: self.parts.webhooks.receivers),
            Policies(self.routing),
            SearchPage(self.search),
            WhyPage(self.parts.store, self.parts.clock, settings=self.settings),
            Channels(self.incident_api, self.drills, config=self.config),
            HeartbeatPage(self.heartbeats),
            Deployments(self.deployments),
            WaitingPage(self.overviews, config=self.config),
            PostMortems(self.overviews),
            DrillList(self.drills),
            DrillPage(self.drills),
            SettingsPage(self.settings_api),
        )

    def _incidents(self) -> tuple[Handlers, ...]:
        """Pages of incidents, and the search over them."""
        store, inbox, clock = self.parts.store, self.parts.inbox, self.parts.clock
        return (
            IncidentList(
                store, inbox, clock, settings=self.settings, silence=self.silences.make_silence
            ),
            IncidentForms(
                store,
                inbox,
                clock,
                self.drafts,
                self.actions,
                zone=self.zone,
                settings=self.settings,
            ),
            IncidentPage(
                store,
                clock,
                self.investigation,
                self.drafts,
                self.actions,
                settings=self.settings,
            ),
            self.search,
        )

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
            people=self.people,
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
