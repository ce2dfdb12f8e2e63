"""Web handlers that the pages share with the API."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from router.config.config_file import ConfigFile
from router.config.load import Config
from router.core.incident.settings import Settings
from router.core.oncall.recipients import People
from router.ports.channels import DeviceOptions
from router.web.api.actions import Actions
from router.web.api.context import Investigation
from router.web.api.deployments import DeploymentApi
from router.web.api.devices import DeviceApi
from router.web.api.drills import Drills as DrillPaths
from router.web.api.explain import ExplainApi
from router.web.api.heartbeats import HeartbeatApi
from router.web.api.incidents import IncidentApi
from router.web.api.overrides import Overrides
from router.web.api.overviews import OverviewApi
from router.web.api.previews import Drafts
from router.web.api.reconciliation import ReconciliationApi
from router.web.api.routing import RoutingApi
from router.web.api.search import SearchApi
from router.web.api.settings import SettingsApi
from router.web.api.silences import SilenceApi
from router.wiring.parts import Parts


@dataclass(frozen=True, kw_only=True)
class SharedHandlers:
    """Handlers of the API that a page uses too, each built once over the parts of a router.

    `config` returns the current config.
    """

    parts: Parts
    config: Callable[[], Config]

    def config_file(self) -> ConfigFile:
        return self.config().file

    def names(self) -> dict[str, str]:
        """Return the name of each contact."""
        return {name: contact.name or name for name, contact in self.config_file().contacts.items()}

    def zone(self) -> str:
        return self.config_file().company.time_zone

    def settings(self) -> Settings:
        return self.parts.settings()

    def people(self) -> People:
        return self.settings().people

    @cached_property
    def drafts(self) -> Drafts:
        return Drafts(
            self.parts.store,
            self.parts.clock,
            config_file=self.config_file,
            settings=self.settings,
            recipients=self.parts.publishing.recipients,
        )

    @cached_property
    def incident_api(self) -> IncidentApi:
        return IncidentApi(self.parts.store, self.parts.inbox, self.parts.clock)

    @cached_property
    def explain(self) -> ExplainApi:
        return ExplainApi(
            self.parts.store,
            self.parts.clock,
            settings=self.settings,
            receivers=lambda: self.parts.webhooks.receivers,
        )

    @cached_property
    def routing(self) -> RoutingApi:
        return RoutingApi(
            self.parts.store, self.parts.clock, settings=self.settings, zone=self.zone
        )

    @cached_property
    def overrides(self) -> Overrides:
        return Overrides(
            self.parts.overrides,
            self.parts.clock,
            people=lambda: self.parts.live_settings.settings.people,
            refresh=self.parts.live_settings.refresh,
        )

    @cached_property
    def silences(self) -> SilenceApi:
        return SilenceApi(
            self.parts.silences,
            self.parts.store,
            self.parts.clock,
            config=self.config,
            refresh=self.parts.live_settings.refresh,
        )

    @cached_property
    def actions(self) -> Actions:
        return Actions(
            self.parts.action_runner, self.parts.store, self.parts.clock, settings=self.settings
        )

    @cached_property
    def deployments(self) -> DeploymentApi:
        return DeploymentApi(self.parts.deployed, self.parts.recorder, self.parts.clock)

    @cached_property
    def investigation(self) -> Investigation:
        return Investigation(
            self.parts.store,
            self.parts.clock,
            self.parts.charts,
            self.parts.deployed,
            config_file=self.config_file,
        )

    @cached_property
    def drills(self) -> DrillPaths:
        return DrillPaths(
            self.parts.drills,
            self.parts.store,
            self.parts.clock,
            config=self.config,
            settings=self.settings,
            regular=self.parts.drill_calendar.regular,
        )

    @cached_property
    def heartbeats(self) -> HeartbeatApi:
        return HeartbeatApi(statuses=self.parts.heartbeats.statuses)

    @cached_property
    def overviews(self) -> OverviewApi:
        return OverviewApi(self.parts.store, self.parts.clock, self.parts.action_runner)

    @cached_property
    def reconciliation(self) -> ReconciliationApi:
        return ReconciliationApi(self.parts.reconciler)

    @cached_property
    def search(self) -> SearchApi:
        return SearchApi(self.parts.store, settings=self.settings, names=self.names)

    @cached_property
    def settings_api(self) -> SettingsApi:
        return SettingsApi(
            self.parts.revisions,
            config=self.config,
            settings=self.settings,
            loaded=lambda: self.parts.loaded,
        )

    @cached_property
    def devices(self) -> DeviceApi:
        return DeviceApi(
            self.parts.channels.devices,
            self.parts.clock,
            config_file=self.config_file,
            accepts=self._accepts,
            key=self.parts.channels.push_key,
        )

    def _accepts(self) -> Callable[[str], bool] | None:
        """Return the endpoint check of the first channel for devices; None without one."""
        channels = self.config().channels.values()
        return next(
            (channel.accepts for channel in channels if isinstance(channel, DeviceOptions)), None
        )
