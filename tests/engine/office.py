"""The engine's parts at work: a real store and applier, and channels whose senders do as a script
says.
"""

import asyncio
from collections import deque
from typing import Any, Self

from router.core.incident.settings import Settings
from router.core.messages.templates import Wording
from router.core.text.template import compile_link
from router.engine.apply import Applier
from router.engine.deliver import Channel, ChannelWorker
from router.engine.messages import Words
from router.engine.ownership import Ownership
from router.model.alert import Alert, AlertStatus
from router.model.event import AlertSeen, Command, Commanded
from router.model.notification import (
    Message,
    Notification,
    NotificationState,
    Result,
    Sent,
    channel_of,
)
from router.model.reason import Reason
from router.ports.clock import spawn
from router.telemetry.metrics import Metrics
from tests.clock import START, SteppedClock, stop
from tests.faults import FaultyStore

LINKS = [
    ("Logs", compile_link("https://logs.example/{{ labels.service }}?from={{ start_s }}")),
    ("No", compile_link("{{ labels.no }}")),
]
WORDS = Words("http://router.example.com", Wording("VintStreet"), elsewhere=LINKS)


def seen(name: str = "PaymentFailures", at: float = START, **changes: Any) -> AlertSeen:
    """An alert by its name and, with other keywords than `status`, `value` and `event_id`, its
    labels.
    """
    status = AlertStatus(changes.pop("status", "firing"))
    annotations = {"value": changes.pop("value", "0.023")}
    event_id = changes.pop("event_id", "")
    labels = {"alertname": name, "service": "api"} | changes
    fingerprint = ",".join(f"{key}={labels[key]}" for key in sorted(labels))
    return AlertSeen(
        at,
        Alert(
            "alertmanager", fingerprint, status, labels, annotations, START - 60, event_id=event_id
        ),
    )


def command(word: Command, incident_id: int = 1, at: float = START, **changes: Any) -> Commanded:
    return Commanded(at, incident_id, "ana", word, **changes)


class ScriptedSender:
    """Answers by its script (what is an exception is raised), then `Sent`.

    While `gate` is shut it answers nothing.
    """

    def __init__(self, *script: Result | Exception) -> None:
        self.script = deque(script)
        self.messages: list[Message] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.under_way = 0
        self.most = 0

    async def send(self, message: Message) -> Result:
        self.messages.append(message)
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await self.gate.wait()
        self.under_way -= 1
        result = self.script.popleft() if self.script else Sent(f"ref-{len(self.messages)}")
        if isinstance(result, Exception):
            raise result
        return result

    async def close(self) -> None: ...


class Office:
    """Surroundings of a channel worker. Enter with `async with`."""

    def __init__(self, store: FaultyStore, settings: Settings, clock: SteppedClock) -> None:
        self.store = store
        self.clock = clock
        self.metrics = Metrics()
        self.words = WORDS
        self.ownership = Ownership(store, clock, "me")
        self.workers: dict[str, ChannelWorker] = {}
        self.applier = Applier(store, settings, clock, self.metrics, self._wake)
        self._loops: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        spawn(self.applier.run(), "apply", self._loops)
        return self

    async def __aexit__(self, *_: object) -> None:
        for loop in list(self._loops):
            await stop(loop)
        for worker in self.workers.values():
            for task in list(worker._sending):
                await stop(task)

    def _wake(self, channels: Any) -> None:
        for channel in {channel_of(address) for address in channels}:
            if channel in self.workers:
                self.workers[channel].wake.set()

    def open(self, name: str, *script: Result | Exception, **options: Any) -> ScriptedSender:
        """Serve a channel from now on."""
        sender = ScriptedSender(*script)
        self.workers[name] = self.worker(name, sender, **options)
        spawn(self.workers[name].run(), name, self._loops)
        return sender

    def worker(self, name: str, sender: ScriptedSender, **options: Any) -> ChannelWorker:
        channel = Channel(name, sender, **options)
        return ChannelWorker(
            channel,
            self.store,
            self.applier,
            self.clock,
            ownership=self.ownership,
            words=self.words,
        )

    async def submit(self, *events: Any) -> list[Reason]:
        return await self.applier.submit(events)

    async def row(self, channel: str = "hook", incident_id: int = 1) -> Notification:
        (row,) = await self.store.notifications(incident_id=incident_id, channel=channel)
        return row  # type: ignore[no-any-return]

    async def timeline(self, incident_id: int = 1) -> list[Reason]:
        return [entry.what for entry in await self.store.timeline(incident_id)]

    async def until(
        self,
        state: NotificationState,
        channel: str = "hook",
        incident_id: int = 1,
        step: float = 0.1,
    ) -> Notification:
        """The row once it's in that state and nobody holds it; time passes meanwhile, `step`
        seconds at a look.
        """

        async def there() -> bool:
            row = await self.row(channel, incident_id)
            return row.state is state and not row.lease

        await self.clock.settle(there, f"{channel} being {state}", step)
        return await self.row(channel, incident_id)

    async def until_sent(self, sender: ScriptedSender, messages: int, step: float = 0.0) -> None:
        await self.clock.settle(
            lambda: len(sender.messages) >= messages, f"{messages} messages being sent", step
        )
