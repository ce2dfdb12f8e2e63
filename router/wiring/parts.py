"""The parts of a running router, built once and connected to each other.

`App` starts and stops them. What changes with a reload is read through `config`.
"""

from collections.abc import Callable
from pathlib import Path

from msgspec.structs import replace

from router.actions.runner import ActionRunner
from router.config.load import Config
from router.config.people import calendars
from router.config.statuspage import CHANNEL
from router.core.drill.cadence import CanaryCadence
from router.core.incident.settings import Settings
from router.core.oncall.override import StoredOverride
from router.core.suppression.silence import Silence
from router.engine import deployments
from router.engine.apply import Applier
from router.engine.deliver import Channel, ChannelWorker
from router.engine.jobs.calendars import Calendars, Copy
from router.engine.jobs.drill_schedule import DrillCalendar, Regular
from router.engine.jobs.drills import Drills
from router.engine.jobs.heartbeats import Heartbeats
from router.engine.jobs.oncall_gaps import Coverage
from router.engine.jobs.reconcile import Reconciler
from router.engine.live_settings import LiveSettings
from router.engine.messages import Words
from router.engine.overrides import KIND as OVERRIDE
from router.engine.overrides import StoredOverrides
from router.engine.ownership import Ownership
from router.engine.silences import KIND as SILENCE
from router.engine.silences import Silences
from router.engine.timers import Timers
from router.evidence.charts import Charts
from router.model.access import API_TOKEN, KEPT_FORM, LINK, REPEAT, SESSION
from router.model.deployment import Deployment
from router.model.outbox import ACTIONS, OutboxKind
from router.model.revision import REVISION, Revision
from router.ports.clock import Clock, SharedClock
from router.ports.store import Store
from router.ports.webhooks import Receiver
from router.receivers import OWN_PATHS, RECEIVERS
from router.receivers.context import ReceiverContext
from router.records.records import Records
from router.telemetry.metrics import Metrics
from router.web.connections import Connections
from router.web.failures import Failures
from router.web.front.connection import Front
from router.web.guard import Guard
from router.web.webhooks.endpoint import Webhooks
from router.wiring.channels import Channels, announcing
from router.wiring.reconcile import Pollers
from router.wiring.statuspage import Publishing

RUNS = 16
"""Maximum actions that run at the same time."""

LONGEST_RUN = 3600.0
"""Maximum timeout of an action, in seconds."""

FORGOTTEN = (
    OVERRIDE,
    SILENCE,
    deployments.KIND,
    REPEAT,
    SESSION,
    LINK,
    API_TOKEN,
    KEPT_FORM,
)
"""Kinds of documents with the same retention as resolved alerts."""


class Parts:
    """All parts of one router.

    `config` returns the current config. `use_settings` is called with the live settings whenever
    they change. `loaded` is the time (UTC seconds) and cause of the last load of the config.
    """

    def __init__(
        self,
        config: Callable[[], Config],
        store: Store,
        clock: Clock,
        folder: Path,
        use_settings: Callable[[Settings], None],
    ) -> None:
        self._config = config
        self.store = store
        self.clock = clock
        self.loaded = (clock.now(), "start")
        self.metrics = Metrics()
        shared = clock if isinstance(clock, SharedClock) else None
        self.ownership = Ownership(store, time=shared)
        self._build_records()
        self.charts = Charts()
        self.channels = Channels(store, clock, self.ownership, self.charts, self.deployed)
        self.publishing = Publishing(store, clock, config(), folder, self.metrics)
        self.inbox = Applier(
            store, config().settings, clock, self.metrics, self.channels.wake, self.ownership
        )
        self.live_settings = self._build_live_settings(use_settings)
        self.timers = Timers(store, self.inbox, clock, self.ownership)
        self._build_jobs()
        self._build_actions()
        self._build_inbound()

    def _build_records(self) -> None:
        self.overrides = Records(self.store, OVERRIDE, StoredOverride)
        self.silences = Records(self.store, SILENCE, Silence)
        self.revisions = Records(self.store, REVISION, Revision)
        self.deployed = Records(self.store, deployments.KIND, Deployment)

    def _build_live_settings(self, use_settings: Callable[[Settings], None]) -> LiveSettings:
        self.calendars = Calendars(
            Records(self.store, "calendar", Copy),
            self.clock,
            self.metrics,
            lambda: calendars(self._config().file.schedules),
        )
        stored = (
            self.calendars,
            StoredOverrides(self.overrides, self.clock),
            Silences(self.silences, self.clock),
            deployments.Recent(
                self.deployed, self.clock, lambda: self._config().file.deployments.window
            ),
        )
        return LiveSettings(self._config().settings, stored, self.clock, use_settings)

    def _build_jobs(self) -> None:
        self.coverage = Coverage(self.settings, self.clock, self.metrics)
        self.drills = Drills(self.store, self.inbox, self.clock, self.settings)
        self.drill_calendar = DrillCalendar(
            self.drills,
            self.store,
            self.clock,
            self.metrics,
            wanted=lambda: regular(self._config()),
            people=lambda: self.settings().people,
        )
        self.heartbeats = Heartbeats(
            self._config().settings.heartbeats,
            self.inbox,
            self.store,
            self.clock,
            self.metrics,
        )

        self.pollers = Pollers()
        self.reconciler = Reconciler(
            self.store,
            self.inbox,
            self.clock,
            self.metrics,
            comparers=self.channels.comparers,
            pollers=self.pollers.current,
            every=lambda: self._config().file.reconcile.every,
        )

    def _build_actions(self) -> None:
        self.action_runner = ActionRunner(self.inbox, self.store, self.clock)
        channel = Channel(
            ACTIONS,
            self.publishing,
            concurrency=RUNS,
            timeout=LONGEST_RUN,
            performers={OutboxKind.ACTION: self.action_runner},
        )
        self.action_worker = ChannelWorker(
            channel, self.store, self.inbox, self.clock, ownership=self.ownership, words=Words("")
        )
        self.channels.on_queued[ACTIONS] = self.action_worker.wake.set
        self.channels.on_queued[CHANNEL] = self.publishing.page_cache.forget

    def _build_inbound(self) -> None:
        self.recorder = deployments.Deployments(
            self.deployed,
            self.store,
            self.inbox,
            self.clock,
            settings=self.settings,
            channels=lambda: announcing(self._config()),
            refresh=self.live_settings.refresh,
            wake=self.channels.wake,
        )
        config = self._config()
        self.connections = Connections(self.metrics)
        self.guard = Guard(self.connections, Failures(self.clock), self.metrics, config.file)
        self.webhooks = Webhooks(
            {},
            self.inbox,
            self.store,
            self.clock,
            self.metrics,
            max_body=config.file.max_body,
            recorder=self.recorder,
            beats=self.heartbeats,
            forms=self.channels.forms,
            own_paths=OWN_PATHS,
        )
        self.front = Front(self.webhooks, self.guard)
        self.receive(config)

    def receive(self, config: Config) -> None:
        """Receive the webhooks and heartbeats of this config from now on."""
        context = replace(
            ReceiverContext.of(config), schedules=lambda: self.settings().people.schedules
        )
        receivers: dict[str, Receiver] = {
            name: RECEIVERS[config.source_kinds[name]].build(name, source, context)
            for name, source in config.sources.items()
        }
        self.webhooks.receivers = receivers
        self.guard.config_file = config.file
        self.guard.open_sources = {name for name, receiver in receivers.items() if receiver.is_open}
        self.heartbeats.expect(config.settings.heartbeats)

    def settings(self) -> Settings:
        """Return the live settings."""
        return self.live_settings.settings


def regular(config: Config) -> Regular:
    """Return the drills and channel tests that the config schedules."""
    canary = config.file.drills.canary if config.file.drills else None
    if canary is None:
        return Regular(config.cadence, None, config.drills)
    contact_methods = (
        f"{method.via}/{name}"
        for name in canary.contacts
        for method in config.settings.people.contacts[name]
    )
    return Regular(
        config.cadence,
        CanaryCadence(canary.every, (*canary.channels, *contact_methods)),
        config.drills,
    )
