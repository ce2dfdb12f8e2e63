"""What would come of alerts that nobody answers, or somebody does at a time: the whole escalation,
told in order.
"""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from router.core.incident.escalation import PROMOTE, REACH, STEP
from router.core.incident.settings import Settings
from router.core.incident.suppression import RECHECK
from router.core.messages.timeline import describe
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
"""Seconds after which an escalation that hasn't ended isn't followed any further."""

ESCALATING = frozenset({STEP, REACH, PROMOTE})
"""The deadlines by which more people are told.

So they are by those of alerts that are kept quiet.
"""

_DELIVERY = having(Trait.DELIVERY)


class SimulatedAnswer(Struct, frozen=True):
    """Somebody acknowledges all that is open, `after` seconds."""

    after: float
    by: str


class Moment(Struct, frozen=True):
    """What happens at `at` (UTC epoch seconds): somebody is told, or the incident's timeline says
    something.

    `who` is a person, or "" where it's a channel's own message; `over` the channel, "" for a line
    of the timeline.
    """

    at: float
    incident_id: int
    reason: Reason
    who: str = ""
    over: str = ""
    text: str = ""


class Simulation(Struct, frozen=True):
    """`ended`: the escalation came to its end, rather than to that of what is looked at; `end` is
    when.
    """

    reasons: tuple[Reason, ...]
    incidents: tuple[Incident, ...]
    moments: tuple[Moment, ...]
    end: float
    ended: bool


def simulate(
    settings: Settings,
    alerts: Sequence[Alert],
    at: float,
    answer: SimulatedAnswer | None = None,
    post: Post = arrives,
) -> Simulation:
    """Let these alerts come in at `at` (UTC epoch seconds), and time pass until nobody more would
    be told.
    """
    router = VirtualRouter(settings, at, post)
    reasons = router.happen(*(AlertSeen(at, alert) for alert in alerts))
    if answer is not None:
        _escalate(router, at + answer.after)
        router.run_until(at + answer.after)
        for incident in [one for one in router.memory.incidents.values() if one.is_open]:
            router.happen(Commanded(router.now, incident.id, answer.by, Command.ACKNOWLEDGE))
    _escalate(router, at + HORIZON)
    incidents = tuple(router.memory.incidents.values())
    return Simulation(
        tuple(reasons), incidents, tuple(_moments(router)), router.now, not _escalates(router)
    )


def _escalate(router: VirtualRouter, until: float) -> None:
    """Let time pass as long as somebody would still be told."""
    while _escalates(router) and (due := router.next_due) is not None and due <= until:
        router.run_until(due)


def _escalates(router: VirtualRouter) -> bool:
    return any(
        name in ESCALATING or name.startswith(RECHECK) for _, name in router.memory.timers.at
    )


def _moments(router: VirtualRouter) -> Iterator[Moment]:
    """What is said on the timeline, and who is told once it is, in the order in which it came
    about.
    """
    said = [
        (entry.id, _said(entry)) for entry in router.memory.timeline if entry.what not in _DELIVERY
    ]
    told = [(one.known, _told(one)) for one in router.told]
    for _, moment in sorted((*said, *told), key=lambda one: one[0]):
        yield moment


def _said(entry: Entry) -> Moment:
    return Moment(entry.at, entry.incident_id, entry.what, text=describe(entry))


def _told(one: VirtualDelivery) -> Moment:
    return Moment(
        one.at, one.incident.id, one.reason, person_of(one.address), channel_of(one.address)
    )
