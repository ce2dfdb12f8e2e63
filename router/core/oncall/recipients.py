"""Recipients: the addresses of a policy's targets at a time, and the duties of people.

A target is the name of a channel, or `contact:NAME`, `role:NAME` or `schedule:NAME`. An address is
a channel's name, or a person over a channel, such as `sms/ana`.
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, cast

from msgspec import Struct, convert, to_builtins
from msgspec import field as config_key
from msgspec.structs import force_setattr, replace

from router.core.oncall.schedule import Override, Schedule, next_change, on_call, turn
from router.core.outbox.rate_limit import Limit
from router.model.incident import Severity
from router.model.scalars import Duration


class ContactMethod(Struct, frozen=True):
    """A contact method: the channel `via`, `after` seconds, at these severities (default: all)."""

    via: str
    after: Duration = Duration(0.0)
    severities: frozenset[Severity] = config_key(name="for", default=frozenset(Severity))

    def __post_init__(self) -> None:
        if not self.severities:
            force_setattr(self, "severities", frozenset(Severity))


class Recipients(Struct, frozen=True):
    """The addresses to notify now, and later as (seconds, address) in order of time.

    `problems`: (target, reason why it has no recipient). `nobody`: the targets include people, not
    only channels, but none of them can be reached.
    """

    now: tuple[str, ...] = ()
    later: tuple[tuple[float, str], ...] = ()
    problems: tuple[tuple[str, str], ...] = ()
    nobody: bool = False

    @property
    def addresses(self) -> tuple[str, ...]:
        """All addresses, in order of time."""
        return tuple(dict.fromkeys((*self.now, *(address for _, address in self.later))))

    def noted(self, *, waits: bool = True) -> dict[str, Any]:
        """The addresses for the timeline: those of later contact methods only while it `waits`."""
        later = [address for _, address in self.later if address not in self.now]
        return {"channels": [*self.now]} | ({"later": later} if later and waits else {})

    def without(self, notified: Collection[str]) -> "Recipients":
        """Leave out the addresses that were already notified."""
        return replace(
            self,
            now=tuple(address for address in self.now if address not in notified),
            later=tuple(delayed for delayed in self.later if delayed[1] not in notified),
        )


class Duty(Struct, frozen=True, omit_defaults=True):
    """`contact` is a recipient of `target`: by a schedule's `layer` (from 1), or by an override.

    A decision stores its duties, because rotations and roles may be changed later.
    """

    target: str
    contact: str
    layer: int = 0
    override: Override | None = None


@dataclass(frozen=True, slots=True)
class People:
    """Contacts with their contact methods, roles with their contacts, and schedules, all by name.

    All names that they refer to exist. `called`: contacts by their other names, in lower case.
    `limits`: maximum messages to a contact over each contact method.
    """

    contacts: Mapping[str, tuple[ContactMethod, ...]] = field(default_factory=dict)
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    schedules: Mapping[str, Schedule] = field(default_factory=dict)
    called: Mapping[str, str] = field(default_factory=dict)
    limits: Mapping[str, Limit] = field(default_factory=dict)
    _known: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def known(self, at: float) -> dict[Any, Any]:
        """A cache of results that are valid at `at`. It's cleared when any schedule changes."""
        since, until = self._known.get(None, (at, at))
        if not since <= at < until:
            self._known.clear()
            changes = [next_change(schedule, at) for schedule in self.schedules.values()]
            self._known[None] = (at, min(changes, default=math.inf))
        return self._known

    def find(self, name: str) -> str | None:
        """The key of the contact whose key or other name is `name`."""
        return name if name in self.contacts else self.called.get(name.casefold())

    def reach(self, targets: Sequence[str], severity: Severity, at: float) -> Recipients:
        """The addresses of these targets at `at` (UTC epoch seconds), without duplicates."""
        known, key = self.known(at), (tuple(targets), severity)
        if key not in known:
            known[key] = self._reach(targets, severity, at)
        return cast("Recipients", known[key])

    def _reach(self, targets: Sequence[str], severity: Severity, at: float) -> Recipients:
        now: dict[str, None] = {}
        later: set[tuple[float, str]] = set()
        channels = dict.fromkeys(target for target in targets if ":" not in target)
        people = {target: self.people(target, at) for target in targets if ":" in target}
        problems = [
            (target, "nobody is on call") for target, contacts in people.items() if not contacts
        ]
        for contact in dict.fromkeys(chain.from_iterable(people.values())):
            ways = [way for way in self.contacts[contact] if severity in way.severities]
            if not ways:
                problems.append((f"contact:{contact}", f"no contact method for {severity}"))
            now |= {f"{way.via}/{contact}": None for way in ways if not way.after}
            later |= {(way.after, f"{way.via}/{contact}") for way in ways if way.after}
        nobody = bool(people) and not now and not later
        return Recipients(tuple(channels | now), tuple(sorted(later)), tuple(problems), nobody)

    def people(self, target: str, at: float) -> tuple[str, ...]:
        """The contacts of a target that isn't a channel."""
        kind, _, name = target.partition(":")
        match kind:
            case "schedule":
                return on_call(self.schedules[name], at)
            case "role":
                return self.roles[name]
        return (name,)

    def duty(self, target: str, contact: str, at: float) -> Duty:
        """The duty that makes `contact` a recipient of `target` at `at` (UTC epoch seconds)."""
        kind, _, name = target.partition(":")
        if kind != "schedule":
            return Duty(target, contact)
        found = turn(self.schedules[name], at)
        override = found.overrides[-1] if found.overrides else None
        return Duty(target, contact, found.layer, override)

    def duties(self, targets: Sequence[str], at: float) -> list[dict[str, Any]]:
        """The duties of the people behind these targets, as data of a timeline entry.

        Channels have no duties.
        """
        known, key = self.known(at), ("duties", tuple(targets))
        if key not in known:
            people = dict.fromkeys(target for target in targets if ":" in target)
            known[key] = [
                to_builtins(self.duty(target, contact, at))
                for target in people
                for contact in self.people(target, at)
            ]
        return cast("list[dict[str, Any]]", known[key])


def read_duties(data: object) -> tuple[Duty, ...]:
    """The duties from the data of a timeline entry; () if it has none."""
    return convert(data or (), tuple[Duty, ...])
