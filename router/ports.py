"""The protocols between the shell's parts, and the only real clock.

The engine, the receivers, the senders, the store and the web layer don't know one another: they know these.
"""

import asyncio
import math
import time
from collections.abc import Coroutine, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Protocol, runtime_checkable

from msgspec import Struct

from router.chart import Form
from router.core.drill.course import Outcome, Scene
from router.core.investigation import Window
from router.core.statistics import Story
from router.core.view import Changes, View, Wanted
from router.model.action import ActionRequest
from router.model.alert import Alert, Taking
from router.model.decision import Entry
from router.model.deployment import Deployment
from router.model.drill import Drill, DrillPlan, Tick
from router.model.event import ActionAnswered, ActionRequested, Command, Event, TimerDue, Undelivered
from router.model.incident import Incident, Severity, Status
from router.model.notification import Letter, Notification, NotificationState, Result
from router.model.reason import Reason
from router.model.record import Record
from router.model.statuspage import PublicMail, Published


class Clock(Protocol):
    """Time, injected. Everything that waits or dates something asks it, so that tests can step it."""

    def now(self) -> float:
        """UTC seconds since the epoch."""
        ...

    async def sleep(self, seconds: float) -> None: ...

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        """Until the event is set, or the time is up."""
        ...


class SystemClock:
    """The real one."""

    def now(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def wait(self, event: asyncio.Event, seconds: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), seconds)


def spawn(work: Coroutine[Any, Any, None], name: str, tasks: set[asyncio.Task[None]]) -> asyncio.Task[None]:
    """Start `work` as a task that `tasks` keeps alive until it's done."""
    task = asyncio.create_task(work, name=name)
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    return task


class Stale(Exception):
    """Somebody else wrote a document since it was read: whoever wants to write it must look at it again."""


class StoreUnavailable(Exception):
    """The store can't take it now; nothing was written, or it isn't known to be."""


class Overloaded(Exception):
    """More is waiting than can be taken; nothing was accepted."""


class Bad(Exception):
    """What came in can't be understood. `pointer` is the JSON Pointer of the field, like `/alerts/3/labels`."""

    def __init__(self, detail: str, pointer: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.pointer = pointer


class Unauthorized(Exception):
    """Not from whom it says it's from. The text names the check that failed, never the secret; `scheme` is HTTP's."""

    def __init__(self, detail: str, *, scheme: str = "Bearer") -> None:
        super().__init__(detail)
        self.scheme = scheme


class Incoming(Struct, frozen=True):
    """An inbound webhook as it arrived. Header names are lower case.

    `segment` is what follows the source's name in the path, if anything: a secret, or which of its paths it is.
    `raw_path` is the path and query as the request line has them.
    """

    headers: Mapping[str, str]
    body: bytes
    segment: str = ""
    raw_path: str = ""


class NoChart(Exception):
    """There's nothing to draw, or it couldn't be asked for; the text says why."""


class Charts(Protocol):
    """Draws what an incident's alert measured, in the background and once for all who ask."""

    def there(self, incident: Incident) -> bool:
        """Is there anything to draw?"""
        ...

    async def draw(self, incident: Incident, seen: Window, form: Form) -> bytes:
        """Raises: NoChart."""
        ...


class Twin(Struct, frozen=True):
    """An incident of ours that another service has as one of its own, in the life that `reopened` counts."""

    incident_id: int
    reopened: int


class Asked(Struct, frozen=True):
    """What a person asks of an incident through a webhook; without a command, only to be told how it is.

    Without an incident the one is meant that `ref` is about: what a sender returned for a message, as
    `Notification.ref` keeps it. Without that, it's the only one that's open; without a command either, all that are
    open. `twin` is what another service calls the incident, where it doesn't say which of ours that is.
    `severity`, `receipt`, `reopened` and `dated` are those of `Commanded`.
    """

    incident_id: int | None
    command: Command | None
    by: str
    text: str = ""
    receipt: str = ""
    reopened: int | None = None
    severity: Severity | None = None
    ref: str = ""
    twin: str = ""
    dated: tuple[str, float] | None = None


class Aside(Struct, frozen=True):
    """What only the `user` sees, in a `channel`, both as their service calls them."""

    channel: str
    user: str
    text: str = ""


class Prompt(Struct, frozen=True):
    """What somebody wants to fill in for a command on an incident. `handle` is by what its service opens it, soon."""

    handle: str
    incident_id: int
    command: Command


class Handled(Struct, frozen=True):
    """What was decided on what somebody asked, None if that was no command, and the incident since, if there's one.

    `open` are those that are, newest first, where `asked` names none and it isn't clear which is meant.
    """

    asked: Asked
    reason: Reason | None
    incident: Incident | None
    open: Sequence[Incident] = ()


class Recorder(Protocol):
    """Keeps deployments, and tells the incidents that one may have caused."""

    async def record(self, told: Deployment) -> tuple[Reason, Deployment]:
        """What became of it, and the deployment as it's known now; on disk when this returns.

        Raises: Overloaded, StoreUnavailable.
        """
        ...


class Received(Struct, frozen=True):
    """What a webhook held: alerts, and for each that couldn't be read why; what people ask; what didn't arrive.

    `twins` are what it calls incidents of ours. `deployed` are deployments it tells of; `forms` are to be opened for
    whoever asked, and `aside` is where to tell them what the answer can't. `ignored` says why there's nothing in it,
    `refused` why whoever sent it may ask for nothing. `words` are for them.
    """

    alerts: Sequence[Alert] = ()
    errors: Sequence[Bad] = ()
    asked: Sequence[Asked] = ()
    undelivered: Sequence[Undelivered] = ()
    deployed: Sequence[Deployment] = ()
    forms: Sequence[Prompt] = ()
    twins: Mapping[str, Twin] = {}
    aside: Aside | None = None
    ignored: str = ""
    refused: str = ""
    words: str = ""


class Answer(Struct, frozen=True):
    """An HTTP answer in the form that a source wants, and what is said aside from it."""

    status: int = 200
    body: bytes = b""
    content_type: str = "text/plain"
    aside: Aside | None = None


class Receiver(Protocol):
    """Understands one kind of webhook: checks who sent it, then decodes it. Both are pure but for the time given."""

    name: str

    def verify(self, incoming: Incoming, now: float) -> None:
        """Raises: Unauthorized."""
        ...

    def decode(self, incoming: Incoming, now: float) -> Received:
        """Raises: Bad, when nothing of it can be understood."""
        ...


@runtime_checkable
class Replying(Receiver, Protocol):
    """A receiver whose source wants an answer of its own. It words what was decided, and decides nothing."""

    def reply(self, incoming: Incoming, received: Received, handled: Sequence[Handled], now: float) -> Answer:
        """`handled` is what became of each of `received.asked`, in order, all of it committed."""
        ...


class Sender(Protocol):
    """Tells one channel. It sees a letter and nothing else, and never raises: what went wrong is a `Result`."""

    async def send(self, letter: Letter) -> Result: ...

    async def close(self) -> None: ...


@runtime_checkable
class Announcer(Protocol):
    """Tells a service of deployments. It never raises."""

    async def announce(self, deployment: Deployment, now: float) -> Result: ...


@runtime_checkable
class Mailer(Protocol):
    """A sender that can mail anybody, a subscriber of the status page for one. It never raises either."""

    async def mail(self, mail: PublicMail) -> Result: ...


@runtime_checkable
class Asking(Sender, Protocol):
    """A sender whose service can show a form, or words, to one person alone. Neither ever raises."""

    async def open(self, form: Prompt, now: float) -> Result: ...

    async def whisper(self, aside: Aside, now: float) -> Result: ...


class Inbox(Protocol):
    """The one door: events go in, and when this returns their effects are committed."""

    async def submit(self, events: Sequence[Event]) -> Sequence[Reason]:
        """The reason decided for each event, in order.

        Raises: Overloaded, StoreUnavailable. Then the caller must not answer 2xx.
        """
        ...


class ActionDesk(Protocol):
    """Where actions are asked for and approved. What is approved it runs, once, and reports what came of it."""

    async def submit(self, event: ActionRequested | ActionAnswered) -> Reason:
        """The reason decided, committed. Raises: Overloaded, StoreUnavailable."""
        ...

    def shown(self, request: ActionRequest) -> Sequence[str]:
        """What would be run, a line for each argument or step, as it's configured now; without secrets."""
        ...


class DrillSeen(Struct, frozen=True):
    """A drill, what came of it, and how each of its expectations stands."""

    drill: Drill
    scene: Scene
    outcomes: Sequence[Outcome]


class DrillHall(Protocol):
    """Where drills are held. What is started is on disk, and goes on whatever is restarted, until it ends by itself.

    All raise StoreUnavailable.
    """

    async def start(self, plan: DrillPlan, by: str, drill_id: str = "") -> Drill | None:
        """None: one of that name is running, or there was one with that id already."""
        ...

    async def stop(self, drill_id: str, by: str) -> bool:
        """False: it had ended already, or there's none."""
        ...

    async def tick(self, drill_id: str, tick: Tick) -> Drill | None:
        """The drill since; None if there's none of that id. Raises: ValueError, if that can't be ticked off."""
        ...

    async def seen(self, drill_id: str) -> DrillSeen | None: ...

    async def drills(self) -> Sequence[Drill]:
        """The newest first."""
        ...


class AlertRow(Struct, frozen=True):
    """An alert as stored, with what a rule made of it."""

    taking: Taking
    alert: Alert


class Store(Protocol):
    """Where incidents, alerts, deadlines and debts are kept. Both databases pass tests/store/conformance."""

    async def load(self, wanted: Wanted) -> View: ...

    async def save(self, changes: Changes) -> None:
        """Write all of it, or nothing. Raises: router.core.view.Conflict, Stale, StoreUnavailable."""
        ...

    async def claim_timers(self, now: float, owner: str, until: float, limit: int) -> Sequence[TimerDue]:
        """Lease the timers that are due, earliest first; nobody else gets them before `until`."""
        ...

    async def claim_notifications(  # noqa: PLR0913 - what to lease, and for how long
        self,
        channel: str,
        now: float,
        owner: str,
        until: float,
        limit: int,
        *,
        people: bool = False,
        less: Sequence[str] = (),
    ) -> Sequence[Notification]:
        """Lease the pending messages of a channel that are due, with `people` also those to people over it.

        Not to the addresses `less` of people. A lease already there had run out: a crash.
        """
        ...

    async def waiting(
        self, addresses: Mapping[str, bool], now: float, limit: int
    ) -> Sequence[tuple[Notification, Incident]]:
        """The messages to these people that are due, with their incidents, worst first; nothing is leased.

        Of an address with False only those that no limit holds (`core.throttle.is_free`).
        """
        ...

    async def claim_waiting(
        self, keys: Sequence[tuple[int, str]], now: float, owner: str, until: float
    ) -> Sequence[Notification]:
        """Lease those of these messages, by incident and address, that are still pending and due."""
        ...

    async def letter(self, incident_id: int) -> tuple[Incident, Sequence[Entry], Sequence[AlertRow]] | None:
        """An incident with its latest timeline (oldest first) and a sample of its firing alerts."""
        ...

    async def incident(self, incident_id: int) -> Incident | None: ...

    async def timeline(self, incident_id: int) -> Sequence[Entry]: ...

    async def published(self, since: float) -> Sequence[Published]:
        """What was published of the incidents that were open then or later, the oldest first."""
        ...

    async def stories(self, since: float, limit: int) -> Sequence[Story]:
        """What statistics are made from: the newest incidents that opened since then, oldest first."""
        ...

    async def incidents(
        self,
        *,
        statuses: Iterable[Status] = (),
        severities: Iterable[Severity] = (),
        before: int = 0,
        limit: int = 100,
    ) -> Sequence[Incident]:
        """Newest first; `before` is an incident id to page from (0: from the newest)."""
        ...

    async def alerts(
        self,
        *,
        fingerprint: str = "",
        incident_id: int = 0,
        firing: bool | None = None,
        after: str = "",
        limit: int = 100,
    ) -> Sequence[AlertRow]:
        """In order of fingerprint; `after` is one to page from."""
        ...

    async def notifications(
        self,
        *,
        states: Iterable[NotificationState] = (),
        incident_id: int = 0,
        channel: str = "",
        ref: str = "",
        limit: int = 100,
    ) -> Sequence[Notification]:
        """Of the newest incident first."""
        ...

    async def proven(self) -> Mapping[str, float]:
        """When each address last worked (`router.core.proof`), in UTC seconds; without those that never did."""
        ...

    async def record(self, kind: str, record_id: str) -> Record | None: ...

    async def records(
        self, kind: str, *, since: float = -math.inf, until: float = math.inf, limit: int = 1000
    ) -> Sequence[Record]:
        """Newest first; those of `since` and later, and before `until`."""
        ...

    async def remove_record(self, kind: str, record_id: str) -> bool:
        """Was there one?"""
        ...

    async def history(
        self, *, since: float = -math.inf, until: float = math.inf, after: int = 0, limit: int = 1000
    ) -> Sequence[tuple[int, Event]]:
        """The events that had an effect, numbered, in the order in which they were decided on.

        `after` is a number to page from.
        """
        ...

    async def entries(self, *, after: int = 0, limit: int = 1000) -> Sequence[Entry]:
        """Of all timelines, in the order of writing; `after` is an entry's id to page from."""
        ...

    async def gauges(self, now: float) -> "Gauges": ...

    async def prune(self, before: float, kinds: Sequence[str] = ()) -> int:
        """Forget receipts, resolved alerts, windows, events, and documents of these `kinds`, older than `before`.

        Incidents and timelines are kept.
        """
        ...

    async def recover(self) -> None:
        """At start: end the leases of the process before this one, if no other process can be at work."""
        ...

    async def ping(self) -> None:
        """Raises: StoreUnavailable."""
        ...

    async def close(self) -> None: ...


class Gauges(Struct, frozen=True):
    """What is there now, for the metrics. `timers_overdue` is how late the most overdue timer is, in seconds.

    `postmortems_overdue` and `items_overdue` are how many of them there are.
    """

    incidents: Mapping[tuple[Severity, Status], int]
    pending: Mapping[str, int]
    dead: Mapping[str, int]
    timers_overdue: float
    postmortems_overdue: int = 0
    items_overdue: int = 0
