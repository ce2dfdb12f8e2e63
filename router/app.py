"""The lifecycle of a router: start, reload, stop. Its parts are built in `router.wiring.parts`."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiohttp
from aiohttp import web

from router.actions import build as build_actions
from router.actions.redact import Redactor
from router.config.config_file import DeadMansSwitchConfig
from router.config.lazy_structs import LazyStructs
from router.config.load import Config, Types, load
from router.config.located import Invalid
from router.core.incident.settings import Settings
from router.core.messages.signed_links import Signer
from router.core.messages.templates import INTERNAL, compile_packaged, packaged
from router.core.rules.heartbeat import SOURCE as HEARTBEAT
from router.engine.holiday_process import read_ahead
from router.engine.jobs.channel_health import Proofs
from router.engine.jobs.clock_jumps import ClockJumps
from router.engine.jobs.dead_mans_switch import DeadMansSwitch, request
from router.engine.jobs.housekeeping import keep_house
from router.engine.rule_revisions import remember
from router.engine.silences import recheck_muted
from router.ports.clock import BootClock, Clock, SharedClock, SystemClock, spawn
from router.ports.errors import StoreUnavailable
from router.ports.store import Store
from router.receivers import RECEIVERS
from router.senders import KINDS
from router.signing import access_seal, signing, subscriber_links
from router.store import open_store
from router.telemetry import errors, logs
from router.telemetry.logs import logger
from router.telemetry.metrics import Metrics
from router.web.body import BODIES
from router.web.file_limit import raise_file_limit
from router.web.probes import Probes
from router.web.server import EarlyRunner, Site
from router.web.waiting import PAUSE, WaitingRoom
from router.wiring.parts import FORGOTTEN, Parts

if TYPE_CHECKING:
    from router.wiring.http import HttpRoutes

log = logger(__name__)

GRACE = 10.0
"""Maximum seconds that a stop waits for requests and deliveries in progress."""

FIXED = ("listen", "storage", "max_body", "retention", "telemetry")
"""Top-level keys whose change needs a restart."""

TYPES = Types(
    sources=LazyStructs({name: source.config for name, source in RECEIVERS.items()}),
    channels=LazyStructs({name: kind.config for name, kind in KINDS.items()}),
)


def load_config(path: Path) -> Config:
    """Load the config at `path`, with secrets from the environment. Raises: Invalid."""
    return load(path, os.environ, TYPES)


class App:
    """A running router.

    `start` returns when webhooks are accepted, `stop` when nothing is in progress any more.
    complete: done when pages, the API and background jobs have started.
    """

    complete: asyncio.Task[None]

    def __init__(self, path: Path, config: Config, store: Store, clock: Clock) -> None:
        self.config = config
        self.address = ("", 0)
        self._path = path
        self._signer: Signer | None = None
        self.parts = Parts(lambda: self.config, store, clock, path.parent, self._use)
        self._runner = EarlyRunner(self._first(), self.metrics, GRACE)
        self._loops: set[asyncio.Task[None]] = set()
        self._stopped = asyncio.Event()
        self._reloading = asyncio.Lock()
        self._fault: BaseException | None = None
        self._dead: list[str] = []

    @property
    def metrics(self) -> Metrics:
        return self.parts.metrics

    def _first(self) -> web.Application:
        """The routes that are there from the first moment on."""
        parts = self.parts
        app = web.Application(
            middlewares=[parts.guard.handle], client_max_size=self.config.file.max_body
        )
        app[BODIES] = parts.webhooks.bodies
        app.add_routes(Probes(parts.store).routes())
        # Services' own paths are also those of pages and the API, which come first.
        webhooks = parts.webhooks.routes()
        app.add_routes([route for route in webhooks if route.path.startswith("/webhooks/")])
        return app

    def _application(self) -> web.Application:
        """Load and build all routes. They are half of all modules, so a thread does it."""
        compile_packaged()
        http: Any = import_module("router.wiring.http")
        routes: HttpRoutes = http.HttpRoutes(
            parts=self.parts,
            config=lambda: self.config,
            signer=lambda: self._signer,
            reload=self.reload,
        )
        return routes.application()

    @classmethod
    async def start(
        cls,
        path: Path,
        *,
        clock: Clock | None = None,
        port: int | None = None,
        early: bool = False,
    ) -> "App":
        """Build and start a router with the config at `path`; `port` 0 picks a free port.

        With `early` it returns as soon as webhooks are accepted and messages are sent; pages, the
        API and background jobs follow. While the database is away, requests are answered with 503.
        Raises: Invalid, StoreUnavailable, OSError if the address is in use.
        """
        config = load_config(path)
        telemetry = config.file.telemetry
        logs.configure(telemetry.logs, telemetry.level)
        errors.start(
            telemetry.sentry_dsn.reveal() if telemetry.sentry_dsn else None, telemetry.environment
        )
        store = await _open(config, clock or SystemClock(), port)
        clock = clock or (SharedClock() if store.shared else SystemClock())
        app = cls(path, config, store, clock)
        try:
            await app._begin(port, early=early)
        except BaseException as error:
            await app.stop()
            if not isinstance(error, StoreUnavailable) or error.lasting:
                raise
        else:
            return app
        # The database went away again.
        await clock.sleep(PAUSE)
        return await cls.start(path, clock=clock, port=port, early=early)

    async def _begin(self, port: int | None, *, early: bool = False) -> None:
        await self._listen(port)
        self.complete = spawn(self._complete(), "pages, API and jobs", self._loops)
        self._watch(self.complete)
        if not early:
            await self.complete

    async def _listen(self, port: int | None) -> None:
        """Start what accepts webhooks and sends messages. Raises: StoreUnavailable, OSError."""
        parts, document = self.parts, self.config.file
        packaged(INTERNAL)  # the first message would wait for it
        await parts.store.recover()
        await parts.ownership.start()
        await parts.live_settings.refresh()
        self._loaded(self.config)
        self._remember(self.config, "start")
        self._spawn(
            {
                "apply": parts.inbox.run(),
                "live settings": parts.live_settings.run(),
                "ownership": parts.ownership.run(),
                "actions": parts.action_worker.run(),
            }
        )
        # Due deadlines come first: a router that keeps being killed must not starve them.
        await parts.timers.catch_up()
        self._spawn({"timers": parts.timers.run()})
        self._signer = await signing(parts.store, document.auth, parts.clock.now())
        await access_seal(parts.store, parts.clock.now())  # `alert-router user` reads it
        await self._serve(self.config, self._signer)
        await self._runner.setup()
        address = _address(self.config, port)
        await Site(self._runner, *address, parts.connections, parts.front).start()
        self.address = self._runner.addresses[0][:2]

    async def _complete(self) -> None:
        """Serve pages and the API, and run the jobs that no message waits for."""
        await self._runner.use(await asyncio.to_thread(self._application))
        self._spawn(self._jobs())
        self._spawn({"holidays": read_ahead(self.config.file.company, self.parts.clock)})
        if heartbeat := self.config.file.telemetry.heartbeat:
            self._spawn({"dead man's switch": self._dead_mans_switch(heartbeat)})

    def _spawn(self, loops: Mapping[str, Coroutine[Any, Any, None]]) -> None:
        """Run these as long as the router, each with the name that a crash reports."""
        for name, work in loops.items():
            self._watch(spawn(work, name, self._loops))

    def _jobs(self) -> dict[str, Coroutine[Any, Any, None]]:
        parts = self.parts
        retention = self.config.file.retention
        # Nobody sets an injected clock.
        steady = BootClock() if isinstance(parts.clock, SystemClock) else parts.clock
        return {
            "clock": ClockJumps(parts.store, parts.clock, steady).run(),
            "recheck": recheck_muted(parts.inbox, parts.clock),
            "on-call gaps": parts.coverage.run(),
            "channel health": Proofs(parts.store, parts.clock, parts.metrics).run(),
            "drills": parts.drills.run(),
            "drill schedule": parts.drill_calendar.run(),
            "calendars": parts.calendars.run(),
            "reconciliation": parts.reconciler.run(),
            "heartbeats": parts.heartbeats.run(),
            "housekeeping": keep_house(parts.store, parts.clock, retention, FORGOTTEN),
        }

    async def _dead_mans_switch(self, config: DeadMansSwitchConfig) -> None:
        parts = self.parts
        async with aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar()) as session:
            send = request(session, config.method, config.url.reveal())
            await DeadMansSwitch(
                send,
                config.every,
                parts.store,
                parts.inbox,
                clock=parts.clock,
                metrics=parts.metrics,
                dead=lambda: self._dead,
            ).run()

    async def _serve(self, config: Config, signer: Signer) -> None:
        """Deliver messages and publish updates by `config` from now on."""
        parts = self.parts
        await parts.publishing.stop()
        await parts.pollers.use(config)
        await parts.charts.use(config.file.prometheus, config.file.company.time_zone)
        parts.publishing.use(await subscriber_links(parts.store, parts.clock.now()))
        await parts.channels.serve(config, parts.inbox, self._watch, signer, parts.publishing)
        for loop in parts.publishing.run():
            self._watch(loop)

    async def reload(self, by: str = "/-/reload") -> None:
        """Load the config again and use it from now on.

        Raises: Invalid; then the current config stays in use.
        """
        async with self._reloading:
            await self._reload(by)

    async def _reload(self, by: str) -> None:
        parts = self.parts
        try:
            config = load_config(self._path)
        except Invalid as error:
            parts.metrics.reload_successful.set(0)
            log.error(  # noqa: TRY400 - the problems are the whole message
                "reload_failed", problems=[str(problem) for problem in error.problems]
            )
            raise
        signer = await signing(parts.store, config.file.auth, parts.clock.now())
        before, after = self.config.file, config.file
        if changed := [name for name in FIXED if getattr(before, name) != getattr(after, name)]:
            log.warning("reload_incomplete", restart_for=changed)
        self.config, self._signer = config, signer
        parts.live_settings.configure(config.settings)
        parts.receive(config)
        await self._serve(config, signer)
        self._loaded(config)
        self._remember(config, by)
        self._spawn({"holidays": read_ahead(config.file.company, self.parts.clock)})
        rules = config.settings.rules
        log.info("reloaded", rules=len(rules.rules), revision=rules.revision)

    def _use(self, settings: Settings) -> None:
        """Decide by these live settings.

        Recheck muted alerts if silences or inhibitions changed.
        """
        inbox = self.parts.inbox
        before, inbox.settings = inbox.settings, settings
        if (before.silences, before.inhibitions) != (settings.silences, settings.inhibitions):
            spawn(recheck_muted(inbox, self.parts.clock), "recheck", self._loops)

    def _remember(self, config: Config, by: str) -> None:
        """Record the git commit of these rules, in the background: nothing waits for git."""
        self.parts.loaded = (self.parts.clock.now(), by)
        rules = config.settings.rules
        # The origin of a rule from the config itself is not a file.
        origins = {Path(rule.origin.rsplit(":", 2)[0]) for rule in rules.rules}
        files = [file for file in {self._path, *origins} if file.exists()]
        work = remember(self.parts.revisions, rules.revision, files, by, self.parts.clock)
        spawn(work, "record the revision", self._loops)

    def _loaded(self, config: Config) -> None:
        parts = self.parts
        parts.action_runner.actions = build_actions(config.file.actions)
        parts.action_runner.redactor = Redactor(config.file, os.environ)
        for warning in config.warnings:
            log.warning("config_warning", place=str(warning.place), message=warning.message)
        parts.metrics.reload_successful.set(1)
        parts.metrics.reload_time.set(parts.clock.now())
        heartbeat = [HEARTBEAT] if config.file.heartbeats else []
        parts.metrics.expect([*config.sources, *heartbeat], config.channels)
        parts.coverage.check(again=True)

    def request_stop(self) -> None:
        self._stopped.set()

    async def is_unused(self) -> bool:
        """Return True while the store has no incident. Raises: StoreUnavailable."""
        return not await self.parts.store.incidents(limit=1)

    async def run(self) -> None:
        """Wait until a stop is requested, or a background loop fails.

        Raises the fault of a failed loop: the process ends, because a restart is safe and a router
        without one of its loops is not.
        """
        await self._stopped.wait()
        if self._fault:
            raise self._fault

    def _watch(self, loop: asyncio.Task[None]) -> None:
        """Stop the router if the loop fails."""
        loop.add_done_callback(self._ended)

    def _ended(self, loop: asyncio.Task[None]) -> None:
        if not loop.cancelled() and (fault := loop.exception()):
            self._fault = fault
            self._dead.append(loop.get_name())
            self.request_stop()

    async def stop(self) -> None:
        """Accept nothing more, finish what is in progress, and close."""
        await asyncio.gather(self._runner.cleanup(), self.parts.connections.stop(GRACE))
        await self.parts.action_worker.stop(GRACE)
        await self.parts.channels.stop()
        await self.parts.publishing.stop()
        await self.parts.charts.close()
        await self.parts.pollers.close()
        for loop in list(self._loops):
            loop.cancel()
        await asyncio.gather(*self._loops, return_exceptions=True)
        await self.parts.store.close()
        errors.stop()


def _address(config: Config, port: int | None) -> tuple[str, int]:
    host, _, configured = config.file.listen.rpartition(":")
    return host.strip("[]"), int(configured) if port is None else port


async def _open(config: Config, clock: Clock, port: int | None) -> Store:
    room = WaitingRoom(*_address(config, port), clock)
    try:
        storage = config.file.storage.reveal()
        return await open_store(storage, exclusive=True, wait=room.wait)
    finally:
        await room.close()


async def serve(path: Path, announce: Callable[[App], Awaitable[None]]) -> None:
    """Run a router until SIGTERM or SIGINT; SIGHUP reloads.

    `announce` is called with the app when it accepts webhooks.
    """
    raise_file_limit()
    loop = asyncio.get_running_loop()
    # A start may wait long for its database, and PID 1 of a container has no default handlers.
    starting = asyncio.ensure_future(App.start(path, early=True))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, starting.cancel)
    try:
        app = await starting
    except asyncio.CancelledError:
        log.info("stopped", during="start")
        return
    reloads: set[asyncio.Task[None]] = set()

    async def reload() -> None:
        with suppress(Invalid):  # reload has logged why
            await app.reload("SIGHUP")

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, app.request_stop)
    loop.add_signal_handler(signal.SIGHUP, lambda: spawn(reload(), "reload", reloads))
    await announce(app)
    try:
        await app.run()
    finally:
        await app.stop()
