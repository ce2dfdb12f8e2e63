"""A common model for the exports of all pagers, from which the config is written."""

from dataclasses import dataclass, field
from datetime import datetime

from msgspec import Struct

from router.importers.pagers.week import Span

HOUR, DAY, WEEK = 3600, 86_400, 604_800


class ContactMethod(Struct, frozen=True):
    """`via` is `mail`, `text` or `call`; `after` is in seconds; no `severities` means all."""

    via: str
    after: int = 0
    severities: tuple[str, ...] = ()


@dataclass
class Person:
    """A person, with the contact methods that the old tool used."""

    key: str
    name: str
    email: str = ""
    phone: str = ""
    slack: str = ""
    time_zone: str = ""
    methods: list[ContactMethod] = field(default_factory=list)


class Turns(Struct, frozen=True):
    """People who take turns of `seconds` each from `start`, a local time of the time zone.

    `spans` are the parts of the week in which somebody is on call; () for the whole week.
    """

    people: tuple[str, ...]
    start: datetime
    seconds: int
    zone: str
    spans: tuple[Span, ...] = ()


class Change(Struct, frozen=True):
    """An override. `replaces`: "" for everybody."""

    person: str
    start: datetime
    end: datetime
    replaces: str = ""


class OldShift(Struct, frozen=True):
    """A shift as the old tool computed it."""

    person: str
    start: float
    end: float


@dataclass
class Rota:
    """A schedule of the router, which has one person on call at a time."""

    key: str
    zone: str
    layers: list[Turns] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)


@dataclass(eq=False)
class OldSchedule:
    """A schedule of the old tool, its schedules in the router, and its shifts if exported."""

    name: str
    rotas: list[Rota]
    shifts: list[OldShift] = field(default_factory=list)


class Stage(Struct, frozen=True):
    """A step: targets such as `contact:ana`, seconds after the start."""

    after: int
    targets: tuple[str, ...]
    acknowledged: bool = True


@dataclass
class Escalation:
    """A policy. All its stages run again `times` times, `every` seconds."""

    key: str
    stages: list[Stage]
    every: int = 0
    times: int = 0


class Service(Struct, frozen=True):
    """A service of the old tool, and the policy of its alerts."""

    name: str
    policy: str


@dataclass
class Setup:
    """Everything that an export contains. People, schedules and policies are by their old id."""

    people: dict[str, Person] = field(default_factory=dict)
    schedules: dict[str, OldSchedule] = field(default_factory=dict)
    policies: dict[str, Escalation] = field(default_factory=dict)
    services: list[Service] = field(default_factory=list)

    @property
    def rotas(self) -> list[Rota]:
        """All schedules, each once: a schedule may be listed under both its id and its name."""
        return [
            rota for address in dict.fromkeys(self.schedules.values()) for rota in address.rotas
        ]
