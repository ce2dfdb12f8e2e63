"""Collects people, schedules and policies by their ids in the old tool, with keys for a config."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from router.config.fields import parse_time_zone
from router.config.located import Place
from router.config.people import SHORTEST_TURN, parse_email, parse_phone
from router.importers.pagers.model import (
    Change,
    ContactMethod,
    Escalation,
    OldSchedule,
    OldShift,
    Person,
    Rota,
    Setup,
    Stage,
    Turns,
)
from router.importers.pagers.week import overlap
from router.importers.source import Report, Section
from router.importers.text import slug, unique


class ByKind:
    """The objects of an export by their kind."""

    def __init__(self, found: Sequence[tuple[str, Section]]) -> None:
        self._found = found

    def of(self, *kinds: str) -> Iterator[Section]:
        return (section for kind, section in self._found if kind in kinds)

    def rest(self, known: Iterable[str]) -> None:
        """Report the objects of other kinds."""
        for kind, section in self._found:
            if kind not in known:
                section.leave_out(f"{kind or 'this object'} can't be converted: left out")


class Builder:
    """The setup so far. Shifts and overrides that ended before `now` (UTC) are left out."""

    def __init__(self, report: Report, now: datetime) -> None:
        self.setup = Setup()
        self.report = report
        self.now = now

    # --- people

    def person(self, id_: str, name: str, email: str = "") -> Person:
        """The person with this id, added if unknown."""
        if id_ not in self.setup.people:
            keys = [person.key for person in self.setup.people.values()]
            person = Person(unique(slug(name or email.partition("@")[0] or id_), keys), name or id_)
            self.setup.people[id_] = person
        person = self.setup.people[id_]
        if name and person.name == id_:
            person.name = name
        if email and not person.email:
            person.email = email
        return person

    def known(self, id_: str, place: Place, name: str = "") -> str:
        """The key of a person that is referred to. Reported if the person isn't in the export."""
        if id_ not in self.setup.people:
            message = f"the export has no user '{name or id_}': a contact without contact methods"
            self.report.add(place, message)
        return self.person(id_, name).key

    def email(self, section: Section, key: str) -> str:
        try:
            return parse_email(section.text(key)) if key in section else ""
        except ValueError as error:
            section.remark(key, f"left out: {error}")
            return ""

    def phone(self, person: Person, text: str, place: Place) -> bool:
        """Set the person's number. If it can't be used, report that and return False."""
        digits = re.sub(r"[^\d]", "", text)
        try:
            number = parse_phone(f"+{digits}")
        except ValueError:
            self.report.add(
                place, f"number '{text}' of {person.name} has no country code: left out"
            )
            return False
        if person.phone and person.phone != number:
            message = (
                f"{person.name} has several numbers: {person.phone} is used, {number} is left out"
            )
            self.report.add(place, message)
            return False
        person.phone = number
        return True

    def zone(self, section: Section, *keys: str) -> str:
        """The time zone under the first of these keys that exists; UTC if none does."""
        for key in keys:
            try:
                if key in section:
                    return parse_time_zone(section.text(key))
            except ValueError:
                section.remark(key, f"'{section.text(key)}' isn't a time zone: UTC is used")
        return "UTC"

    def finish_people(self) -> None:
        """Give people without notification rules all of their contact methods, without delay."""
        for person in self.setup.people.values():
            if not person.methods:
                person.methods += [ContactMethod("text")] if person.phone else []
                person.methods += [ContactMethod("mail")] if person.email else []
            person.methods[:] = dict.fromkeys(sorted(person.methods, key=lambda way: way.after))

    # --- schedules

    def schedule(
        self, id_: str, name: str, zone: str, layers: Sequence[tuple[str, Turns]], place: Place
    ) -> None:
        """Add a schedule whose later layers take precedence. `layers` are (name, turns)."""
        turns = [layer for _, layer in layers]
        self.setup.schedules[id_] = OldSchedule(name, [Rota(self.free(name), zone, turns)])
        if not turns:
            self.report.add(
                place, f"schedule '{name}' has no turns that can be converted: left out"
            )
            self.setup.schedules[id_].rotas.clear()

    def parallel(
        self, id_: str, name: str, zone: str, layers: Sequence[tuple[str, Turns]], place: Place
    ) -> None:
        """Add a schedule whose layers are all on call at the same time.

        Layers that never overlap become one schedule; each other layer becomes its own schedule.

        """
        groups: list[list[tuple[str, Turns]]] = []
        for layer in layers:
            fitting = (
                group
                for group in groups
                if not any(overlap(layer[1].spans, other.spans) for _, other in group)
            )
            group = next(fitting, None)
            if group is None:
                groups.append([layer])
            else:
                group.append(layer)
        if len(groups) < 2:
            self.schedule(id_, name, zone, layers, place)
            return
        self.report.add(
            place,
            f"schedule '{name}' has several people on call: split into {len(groups)} schedules",
        )
        rotas: list[Rota] = []
        for group in groups:
            rotas.append(
                Rota(self.free(f"{name}-{group[0][0]}", rotas), zone, [turns for _, turns in group])
            )
        self.setup.schedules[id_] = OldSchedule(name, rotas)

    def free(self, name: str, besides: Iterable[Rota] = ()) -> str:
        return unique(slug(name), [rota.key for rota in (*self.setup.rotas, *besides)])

    def turns(
        self, people: Sequence[str], start: datetime, seconds: int, zone: str, place: Place
    ) -> Turns | None:
        """Return turns from `start`, or report why they are left out and return None."""
        if not people:
            self.report.add(place, "these turns have no people: left out")
            return None
        if seconds < SHORTEST_TURN or seconds % 60:
            self.report.add(place, f"turns of {seconds} s are left out: the shortest is an hour")
            return None
        return Turns(tuple(people), local(start, zone), int(seconds), zone)

    def change(self, id_: str, change: Change, place: Place) -> None:
        """Add an override to a schedule, unless it is over."""
        if change.end <= self.now:
            return
        schedule = self.setup.schedules.get(id_)
        if schedule is None or len(schedule.rotas) != 1:
            name = schedule.name if schedule else id_
            self.report.add(place, f"an override of '{name}' is left out: its schedule is unclear")
        else:
            schedule.rotas[0].changes.append(change)

    def shift(self, id_: str, person: str, start: datetime, end: datetime) -> None:
        """Add a shift that the old tool computed."""
        if id_ in self.setup.schedules:
            shift = OldShift(person, start.timestamp(), end.timestamp())
            self.setup.schedules[id_].shifts.append(shift)

    def targets(self, id_: str, place: Place) -> tuple[str, ...]:
        """The targets that stand for a schedule."""
        schedule = self.setup.schedules.get(id_)
        if schedule is None:
            self.report.add(place, f"the export has no schedule '{id_}': this target is left out")
            return ()
        return tuple(f"schedule:{rota.key}" for rota in schedule.rotas)

    # --- policies

    def policy(
        self, id_: str, name: str, stages: Sequence[Stage], place: Place, repeat: tuple[int, int]
    ) -> None:
        """Add a policy. `repeat`: the seconds between repetitions, and their number."""
        kept = [stage for stage in stages if stage.targets]
        if not kept:
            self.report.add(
                place, f"policy '{name}' has no target that was converted: it notifies channel:log"
            )
            kept = [Stage(0, ("channel:log",))]
        keys = [policy.key for policy in self.setup.policies.values()]
        every, times = repeat
        if times:
            message = f"policy '{name}' repeats all its steps at once, not one after another"
            self.report.add(place, message)
        self.setup.policies[id_] = Escalation(unique(slug(name), keys), kept, every, times)


def local(moment: datetime, zone: str) -> datetime:
    """A moment as local time in the zone."""
    return moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def moment(section: Section, key: str, zone: str = "UTC") -> datetime | None:
    """The time under a key, in `zone` if it has no offset. If unreadable: None, and reported."""
    text = section.text(key)
    if not text:
        return None
    try:
        time = datetime.fromisoformat(text)
        return time if time.tzinfo else time.replace(tzinfo=ZoneInfo(zone))
    except ValueError:
        section.remark(key, f"'{text}' isn't a time: left out")
        return None
