"""How many messages people get: what goes to them now, what waits, and what is told in one.

The law: a limit never drops a message, it only lets it wait in the outbox until there's room; and
then all that waits for that person over that way is one message. What is about a P0 is never held,
never told along with others, and takes nobody's room; nor is what is about a drill, by which
nothing real may be held up. A limit is for each way by
itself: a mailbox that is full of news must not hold up a call.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from router.core.outbox.rate_limit import Limit, RateLimit
from router.model.incident import Incident, Severity
from router.model.notification import Notification

PREEMPTS = Severity.P0
"""The severity, at the time of sending, of what isn't held."""

MOST = 100
"""Incidents in one message.

Few of them fit into its words, but each has to be settled within the lease.
"""


class Standing(NamedTuple):
    """The parts of an incident that order its messages.

    `unanswered`: open, and nobody has acknowledged it.
    """

    id: int
    severity: Severity
    drill: bool
    unanswered: bool

    @classmethod
    def of(cls, incident: Incident) -> "Standing":
        return cls(incident.id, incident.severity, incident.drill, unanswered(incident))


class Waiting(NamedTuple):
    """A message that is due, and how its incident stands now."""

    message: Notification
    incident: Standing


DigestGroup = tuple[Waiting, ...]
"""What is told in one message, most of all about the first."""


class Plan(NamedTuple):
    """What is sent now, and what is held until there's room again."""

    now: tuple[DigestGroup, ...]
    held: tuple[Waiting, ...]


def plan(waiting: Iterable[Waiting], room: int) -> Plan:
    """What becomes of all that waits for one person over one way, who may get `room` more messages
    now.
    """
    ranked = sorted(waiting, key=_rank)
    urgent = tuple((one,) for one in ranked if is_free(one.incident))
    others = tuple(one for one in ranked if not is_free(one.incident))
    if room <= 0:
        return Plan(urgent, others)
    if len(others) <= room:
        return Plan((*urgent, *((one,) for one in others)), ())
    return Plan((*urgent, others[:MOST]), others[MOST:])


def _rank(one: Waiting) -> tuple[bool, Severity, float, int]:
    """What needs an answer first, then the worst, then the oldest."""
    incident = one.incident
    return not incident.unanswered, incident.severity, one.message.owed_at, incident.id


def is_free(incident: Standing) -> bool:
    """True if its messages are sent at once, by themselves, without counting towards the limit."""
    return incident.drill or incident.severity is PREEMPTS


def unanswered(incident: Incident) -> bool:
    return incident.is_open and incident.acknowledged_at is None


def counts(bundle: DigestGroup, *, rings: bool) -> bool:
    """Does it take room? A channel that rings keeps silent about what somebody has answered."""
    return any(
        not is_free(one.incident) and (one.incident.unanswered or not rings) for one in bundle
    )


def held_for(message: Notification, window: RateLimit, now: float) -> float:
    """Seconds for which the limit let it wait until now. That isn't being late."""
    until = now if window.free(now) <= 0 else min(now, window.freed_at)
    return max(0.0, until - message.due_at)


class Throttle:
    """The windows of all who have a limit, by address."""

    def __init__(self) -> None:
        self._windows: dict[str, RateLimit] = {}

    def window(self, address: str, limit: Limit) -> RateLimit:
        """A limit that is changed starts with an empty one."""
        window = self._windows.get(address)
        if window is None or window.limit != limit:
            window = self._windows[address] = RateLimit(limit.count, limit.per)
        return window


def split(waiting: Sequence[Waiting]) -> dict[str, list[Waiting]]:
    """By address."""
    found: dict[str, list[Waiting]] = {}
    for one in waiting:
        found.setdefault(one.message.channel, []).append(one)
    return found
