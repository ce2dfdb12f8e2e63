"""Puts the parts together: build, start, stop, reload. The only place that sees everything."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from pathlib import Path

import aiohttp
from msgspec.structs import replace

from router.actions import build as build_actions
from router.actions.redact import Redactor
from router.actions.runner import ActionRunner
from router.config.document import DeadMansSwitchConfig
from router.config.load import Config, Types, load
from router.config.located import Invalid
from router.config.people import calendars
from router.config.statuspage import CHANNEL
from router.core.drill.cadence import CanaryCadence
from router.core.incident.settings import Settings
from router.core.messages.signed_links import Signer
from router.core.oncall.override import StoredOverride
from router.core.rules.heartbeat import SOURCE as HEARTBEAT
from router.core.suppression.silence import Silence
from router.engine import deployments
from router.engine.apply import Applier
from router.engine.deliver import Channel, ChannelWorker
from router.engine.jobs.calendars import Calendars, Copy
from router.engine.jobs.channel_health import Proofs
from router.engine.jobs.dead_mans_switch import DeadMansSwitch, request
from router.engine.jobs.drill_schedule import DrillCalendar, Regular
from router.engine.jobs.drills import Drills
from router.engine.jobs.heartbeats import Heartbeats
from router.engine.jobs.housekeeping import keep_house
from router.engine.jobs.oncall_gaps import Coverage
from router.engine.live_settings import LiveSettings
from router.engine.messages import Words
from router.engine.overrides import KIND as ARRANGEMENT
from router.engine.overrides import StoredOverrides
from router.engine.ownership import Ownership
from router.engine.rule_revisions import remember
from router.engine.silences import KIND as SILENCE
from router.engine.silences import Silences, look_again
from router.engine.timers import Timers
from router.evidence.charts import Charts
from router.model.deployment import Deployment
from router.model.outbox import ACTIONS, OutboxKind
from router.model.revision import Revision
from router.ports.clock import Clock, SystemClock, spawn
from router.ports.store import Store
from router.ports.webhooks import Receiver
from router.receivers import RECEIVERS
from router.receivers.context import ReceiverContext
from router.records.records import Records
from router.senders import Configs
from router.signing import signing, subscriber_links
from router.store import open_store
from router.telemetry import errors, logs
from router.telemetry.logs import logger
from router.telemetry.metrics import Metrics
from router.web.api.why import REVISIONS
from router.web.server import Connections, Site, make_runner, raise_file_limit
from router.web.webhooks.endpoint import Webhooks
from router.wiring.channels import Channels, announcing
from router.wiring.http import HttpRoutes
from router.wiring.statuspage import Publishing

log = logger(__name__)

GRACE = 10.0
"""Seconds that a stop waits for requests and deliveries that are under way."""

RUNS = 16
"""Actions that run at the same time."""

LONGEST_RUN = 3600.0
"""Seconds: the longest timeout that an action may have."""

FORGOTTEN = (ARRANGEMENT, SILENCE, deployments.KIND)
"""The kinds of documents that say what was so until a time, and are kept as long after it as
resolved alerts are.
"""

TYPES = Types(
    sources={name: source.config for name, source in RECEIVERS.items()},
    channels=Configs(),
)


def load_config(path: Path) -> Config:
    """The config at `path`, with secrets from the environment. Raises: Invalid."""
    return load(path, os.environ, TYPES)


class App:
    """A running router.

    `start` returns once webhooks can be taken; `stop` once nothing is under way any more.
    """

    def __init__(self, path: Path, config: Config, store: Store, clock: Clock) -> None:
        self.config = config
        self.metrics = Metrics()
        self.address = ("", 0)
        self._loaded_at = 0.0
        self._path = path
        self._store = store
        self._clock = clock
        self._ownership = Ownership(store)
        self._charts = Charts()
        self._deployed = Records(store, deployments.KIND, Deployment)
        self._post = Channels(store, clock, self._ownership, self._charts, self._deployed)
        self._publishing = Publishing(store, clock, config, path.parent, self.metrics)
        self.inbox = Applier(
            store, config.settings, clock, self.metrics, self._owed, self._ownership
        )
        self._arrangements = Records(store, ARRANGEMENT, StoredOverride)
        self._calendars = Calendars(
            Records(store, "calendar", Copy),
            clock,
            self.metrics,
            lambda: calendars(self.config.document.schedules),
        )
        self._silences = Records(store, SILENCE, Silence)
        self._revisions = Records(store, REVISIONS, Revision)
        recent = deployments.Recent(
            self._deployed, clock, lambda: self.config.document.deployments.window
        )
        stored = (
            self._calendars,
            StoredOverrides(self._arrangements, clock),
            Silences(self._silences, clock),
            recent,
        )
        self.live_settings = LiveSettings(config.settings, stored, clock, self._use)
        self._recorder = deployments.Deployments(
            self._deployed,
            store,
            self.inbox,
            clock,
            settings=lambda: self.live_settings.settings,
            channels=lambda: announcing(self.config),
            refresh=self.live_settings.refresh,
            wake=self._post.wake,
        )
        self._coverage = Coverage(lambda: self.live_settings.settings, clock, self.metrics)
        self._drills = Drills(store, self.inbox, clock, lambda: self.live_settings.settings)
        self._drill_calendar = DrillCalendar(
            self._drills,
            store,
            clock,
            self.metrics,
            wanted=lambda: regular(self.config),
            people=lambda: self.live_settings.settings.people,
        )
        self._desk = ActionRunner(self.inbox, store, clock)
        self._actions = ChannelWorker(
            Channel(
                ACTIONS,
                self._publishing,
                concurrency=RUNS,
                timeout=LONGEST_RUN,
                performers={OutboxKind.ACTION: self._desk},
            ),
            store,
            self.inbox,
            clock,
            ownership=self._ownership,
            words=Words(""),
        )
        self._timers = Timers(store, self.inbox, clock, self._ownership)
        self.heartbeats = Heartbeats(
            lambda: self.config.settings.heartbeats, self.inbox, store, clock, self.metrics
        )
        self._webhooks = Webhooks(
            self._receivers(config),
            self.inbox,
            store,
            clock,
            self.metrics,
            max_body=lambda: self.config.document.max_body,
            recorder=self._recorder,
            beats=self.heartbeats.record,
            forms=self._post.forms,
        )
        self._loops: set[asyncio.Task[None]] = set()
        self._connections = Connections(self.metrics)
        self._runner = make_runner(self._paths().application(), self.metrics, GRACE)
        self._signer: Signer | None = None
        self._stopped = asyncio.Event()
        self._reloading = asyncio.Lock()
        self._fault: BaseException | None = None
        self._dead: list[str] = []

    @classmethod
    async def start(
        cls, path: Path, *, clock: Clock | None = None, port: int | None = None
    ) -> "App":
        """Build and start the router of the config at `path`; `port` 0 takes a free one.

        Raises: Invalid, StoreUnavailable, OSError if it can't listen.
        """
        config = load_config(path)
        telemetry = config.document.telemetry
        logs.configure(telemetry.logs, telemetry.level)
        errors.start(
            telemetry.sentry_dsn.reveal() if telemetry.sentry_dsn else None, telemetry.environment
        )
        store = await open_store(config.document.storage.reveal(), exclusive=True)
        app = cls(path, config, store, clock or SystemClock())
        try:
            await app._begin(port)
        except BaseException:
            await app.stop()
            raise
        return app

    async def _begin(self, port: int | None) -> None:
        await self._store.recover()
        await self._ownership.start()
        await self.live_settings.refresh()
        self._loaded(self.config)
        self._remember(self.config, "start")
        for work, name in (
            (self.inbox.run(), "apply"),
            (self._timers.run(), "timers"),
            (self.live_settings.run(), "in force"),
            (self._ownership.run(), "heartbeat"),
            (self._actions.run(), "actions"),
            (look_again(self.inbox, self._clock), "look again"),
            (self._coverage.run(), "coverage"),
            (Proofs(self._store, self._clock, self.metrics).run(), "proofs"),
            (self._drills.run(), "drills"),
            (self._drill_calendar.run(), "drill calendar"),
            (self._calendars.run(), "calendars"),
            (self.heartbeats.run(), "heartbeats"),
            (
                keep_house(self._store, self._clock, self.config.document.retention, FORGOTTEN),
                "housekeeping",
            ),
        ):
            self._watch(spawn(work, name, self._loops))
        self._signer = await signing(self._store, self.config.document.auth, self._clock.now())
        await self._serve(self.config, self._signer)
        if self.config.document.telemetry.heartbeat:
            self._watch(
                spawn(self._pulse(self.config.document.telemetry.heartbeat), "pulse", self._loops)
            )
        await self._runner.setup()
        host, _, configured = self.config.document.listen.rpartition(":")
        number = int(configured) if port is None else port
        await Site(self._runner, host.strip("[]"), number, self._connections).start()
        self.address = self._runner.addresses[0][:2]

    async def _pulse(self, document: DeadMansSwitchConfig) -> None:
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            send = request(session, document.method, document.url.reveal())
            await DeadMansSwitch(
                send,
                document.every,
                self._store,
                self.inbox,
                clock=self._clock,
                metrics=self.metrics,
                dead=lambda: self._dead,
            ).run()

    def _paths(self) -> HttpRoutes:
        return HttpRoutes(
            config=lambda: self.config,
            signer=lambda: self._signer,
            reload=self.reload,
            store=self._store,
            clock=self._clock,
            metrics=self.metrics,
            inbox=self.inbox,
            live_settings=self.live_settings,
            publishing=self._publishing,
            webhooks=self._webhooks,
            connections=self._connections,
            heartbeats=self.heartbeats,
            desk=self._desk,
            recorder=self._recorder,
            drills=self._drills,
            drill_calendar=self._drill_calendar,
            charts=self._charts,
            arrangements=self._arrangements,
            silences=self._silences,
            deployed=self._deployed,
        )

    async def _serve(self, config: Config, signer: Signer) -> None:
        """Bring messages, and show the public what is published, as `config` says."""
        await self._publishing.stop()
        await self._charts.use(config.document.prometheus, config.document.company.time_zone)
        links = await subscriber_links(self._store, self._clock.now())
        self._publishing.use(links)
        await self._post.serve(config, self.inbox, self._watch, signer, self._publishing)
        for loop in self._publishing.run():
            self._watch(loop)

    def _owed(self, addresses: Iterable[str]) -> None:
        owed = set(addresses)
        if CHANNEL in owed:
            self._publishing.board.forget()
        if ACTIONS in owed:
            self._actions.wake()
        self._post.wake(owed)

    async def reload(self, by: str = "/-/reload") -> None:
        """Read the config again and work by it from now on.

        Raises: Invalid; then the one in force stays.
        """
        async with self._reloading:
            await self._reload(by)

    async def _reload(self, by: str) -> None:
        try:
            config = load_config(self._path)
        except Invalid as error:
            self.metrics.reload_successful.set(0)
            log.error(  # noqa: TRY400 - the problems are all there is to say
                "reload_failed", problems=[str(problem) for problem in error.problems]
            )
            raise
        signer = await signing(self._store, config.document.auth, self._clock.now())
        before, after = self.config.document, config.document
        fixed = ("listen", "storage", "max_body", "retention", "telemetry")
        if changed := [name for name in fixed if getattr(before, name) != getattr(after, name)]:
            log.warning("reload_incomplete", restart_for=changed)
        self.config, self._signer = config, signer
        self.live_settings.configure(config.settings)
        self._webhooks.receivers = self._receivers(config)
        await self._serve(config, signer)
        self._loaded(config)
        self._remember(config, by)
        self.heartbeats.wake()
        log.info(
            "reloaded",
            rules=len(config.settings.rules.rules),
            revision=config.settings.rules.revision,
        )

    def _receivers(self, config: Config) -> dict[str, Receiver]:
        site = replace(
            ReceiverContext.of(config),
            schedules=lambda: self.live_settings.settings.people.schedules,
        )
        return {
            name: RECEIVERS[config.source_kinds[name]].build(name, source, site)
            for name, source in config.sources.items()
        }

    def _use(self, settings: Settings) -> None:
        before, self.inbox.settings = self.inbox.settings, settings
        if (before.silences, before.inhibitions) != (settings.silences, settings.inhibitions):
            spawn(look_again(self.inbox, self._clock), "look again", self._loops)

    def _remember(self, config: Config, by: str) -> None:
        """Keep in the background which commit these rules are of: nothing waits for git."""
        files = {
            self._path,
            *(Path(rule.origin.rsplit(":", 2)[0]) for rule in config.settings.rules.rules),
        }
        there = [
            file for file in files if file.exists()
        ]  # a rule made of the config's own is in no file
        revision = config.settings.rules.revision
        spawn(
            remember(self._revisions, revision, there, by, self._clock),
            "remember the revision",
            self._loops,
        )

    def _loaded(self, config: Config) -> None:
        self._desk.actions = build_actions(config.document.actions)
        self._desk.redactor = Redactor(config.document, os.environ)
        for warning in config.warnings:
            log.warning("config_warning", place=str(warning.place), message=warning.message)
        self.metrics.reload_successful.set(1)
        self._loaded_at = self._clock.now()
        self.metrics.reload_time.set(self._loaded_at)
        heartbeat = [HEARTBEAT] if config.document.heartbeats else []
        self.metrics.expect([*config.sources, *heartbeat], config.channels)
        self._coverage.look(again=True)

    def request_stop(self) -> None:
        self._stopped.set()

    async def is_unused(self) -> bool:
        """Whether the store has no incident yet. Raises: StoreUnavailable."""
        return not await self._store.incidents(limit=1)

    async def run(self) -> None:
        """Until a stop is requested, or a loop dies, which is a fault: then it's raised, for a
        restart is safe.
        """
        await self._stopped.wait()
        if self._fault:
            raise self._fault

    def _watch(self, loop: asyncio.Task[None]) -> None:
        """End the router if the loop dies."""
        loop.add_done_callback(self._ended)

    def _ended(self, loop: asyncio.Task[None]) -> None:
        if not loop.cancelled() and (fault := loop.exception()):
            self._fault = fault
            self._dead.append(loop.get_name())
            self.request_stop()

    async def stop(self) -> None:
        """Take nothing more, finish what is under way, and close."""
        await self._runner.cleanup()
        await self._actions.stop(GRACE)
        await self._post.stop()
        await self._publishing.stop()
        await self._charts.close()
        for loop in list(self._loops):
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        await self._store.close()
        errors.stop()


def regular(config: Config) -> Regular:
    """What is to be held regularly."""
    canary = config.document.drills.canary if config.document.drills else None
    if canary is None:
        return Regular(config.cadence, None, config.drills)
    ways = (
        f"{way.via}/{name}"
        for name in canary.contacts
        for way in config.settings.people.contacts[name]
    )
    return Regular(
        config.cadence, CanaryCadence(canary.every, (*canary.channels, *ways)), config.drills
    )


async def serve(path: Path, announce: Callable[[App], Awaitable[None]]) -> None:
    """Run the router of the config at `path` until SIGTERM or SIGINT; SIGHUP reloads.

    `announce` is told the app.
    """
    raise_file_limit()
    app = await App.start(path)
    loop = asyncio.get_running_loop()
    reloads: set[asyncio.Task[None]] = set()

    async def reload() -> None:
        with suppress(Invalid):  # reload has said why
            await app.reload("SIGHUP")

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, app.request_stop)
    loop.add_signal_handler(signal.SIGHUP, lambda: spawn(reload(), "reload", reloads))
    await announce(app)
    try:
        await app.run()
    finally:
        await app.stop()
