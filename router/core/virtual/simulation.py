"""Simulates the whole escalation of alerts, with or without an acknowledgement."""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct

from router.core.incident.batch import Batch
from router.core.incident.escalation import PROMOTE, REACH, STEP
from router.core.incident.settings import Settings
from router.core.incident.snapshot import Snapshot
from router.core.incident.suppression import RECHECK
from router.core.messages.timeline import describe
from router.core.text.units import duration
from router.core.virtual.router import Post, VirtualDelivery, VirtualRouter, arrives
from router.model.alert import Alert
from router.model.decision import Entry
from router.model.event import AlertSeen, Command, Commanded
from router.model.incident import Incident
from router.model.notification import channel_of, person_of
from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reasons import having

HORIZON = 7 * 86_400.0
"""Seconds after which a simulation stops, even if the escalation continues."""

ESCALATING = frozenset({STEP, REACH, PROMOTE})
"""The deadlines that notify more people. Those that recheck muted alerts are included."""

_HIDDEN = having(Trait.DELIVERY) - {Reason.CONDITION_FAILED}
"""Timeline entries about deliveries, which are shown as messages instead."""


class SimulatedAnswer(Struct, frozen=True):
    """A person acknowledges all open incidents after `after` seconds."""

    after: float
    by: str


class Moment(Struct, frozen=True):
    """An event at `at` (UTC epoch seconds): a message, or a timeline entry.

    `who` is the recipient, "" for a message to a channel. `over` is the channel, "" for a timeline
    entry.
    """

    at: float
    incident_id: int
    reason: Reason
    who: str = ""
    over: str = ""
    text: str = ""


class Simulation(Struct, frozen=True):
    """A simulation. `incidents` are those that the alerts changed.

    `ended`: the escalation ended before `end`. `left_out` lists what only the running router
    considers.
    """

    reasons: tuple[Reason, ...]
    incidents: tuple[Incident, ...]
    moments: tuple[Moment, ...]
    end: float
    ended: bool
    left_out: tuple[str, ...] = ()


def received(settings: Settings, alerts: Sequence[Alert], at: float) -> Batch:
    """The first batch of a simulation. Pass the result of its reads to `simulate` as `known`."""
    return Batch(settings, [AlertSeen(at, alert) for alert in alerts])


def simulate(  # noqa: PLR0913, PLR0917 - what happens, and what is known
    settings: Settings,
    alerts: Sequence[Alert],
    at: float,
    answer: SimulatedAnswer | None = None,
    post: Post = arrives,
    known: Snapshot | None = None,
) -> Simulation:
    """Receive alerts at `at` (UTC epoch seconds), and run until nobody else would be notified.

    `known` is the store's content at that time.
    """
    router = VirtualRouter(settings, at, post)
    if known is not None:
        router.memory.seed(known)
    before = dict(router.memory.incidents)
    reasons = router.happen(*(AlertSeen(at, alert) for alert in alerts))
    if answer is not None:
        _escalate(router, at + answer.after)
        router.run_until(at + answer.after)
        for incident in [incident for incident in _changed(router, before) if incident.is_open]:
            router.happen(Commanded(router.now, incident.id, answer.by, Command.ACKNOWLEDGE))
    _escalate(router, at + HORIZON)
    return Simulation(
        tuple(reasons),
        tuple(_changed(router, before)),
        tuple(_moments(router)),
        router.now,
        not _escalates(router),
        tuple(_left_out(router, before)),
    )


def _changed(router: VirtualRouter, before: Mapping[int, Incident]) -> list[Incident]:
    return [
        incident
        for incident in router.memory.incidents.values()
        if before.get(incident.id) is not incident
    ]


def _escalate(router: VirtualRouter, until: float) -> None:
    """Let time pass while somebody would still be notified."""
    while _escalates(router) and (due := router.next_due) is not None and due <= until:
        router.run_until(due)


def _escalates(router: VirtualRouter) -> bool:
    return any(
        name in ESCALATING or name.startswith(RECHECK) for _, name in router.memory.timers.at
    )


def _moments(router: VirtualRouter) -> Iterator[Moment]:
    """The timeline's entries and the messages that result from them, in order."""
    entries = [
        (entry.id, _said(entry)) for entry in router.memory.timeline if entry.what not in _HIDDEN
    ]
    delivered = [
        (delivery.known, moment)
        for delivery in router.delivered
        for moment in _delivery_moments(delivery)
    ]
    for _, moment in sorted((*entries, *delivered), key=lambda pair: pair[0]):
        yield moment


def _said(entry: Entry) -> Moment:
    return Moment(entry.at, entry.incident_id, entry.what, text=describe(entry))


def _delivery_moments(delivery: VirtualDelivery) -> Iterator[Moment]:
    """The message, repeated for each of its incidents."""
    who, over = person_of(delivery.address), channel_of(delivery.address)
    yield Moment(delivery.at, delivery.incident.id, delivery.reason, who, over)
    for other in delivery.also:
        text = f"in the message about {delivery.incident.name}"
        yield Moment(delivery.at, other.id, delivery.reason, who, over, text)


def _left_out(router: VirtualRouter, before: Mapping[int, Incident]) -> Iterator[str]:
    for incident in _changed(router, before):
        if incident.id in before and before[incident.id].is_open:
            yield f"the rest of the escalation of {incident.name}, which was already open"
    limits = {
        person_of(delivery.address) or delivery.address: router.settings.limit_of(delivery.address)
        for delivery in router.delivered
    }
    for who, limit in limits.items():
        if limit:
            yield (
                f"earlier messages to {who}: the throttle of {limit.count} in "
                f"{duration(limit.per)} starts empty"
            )
