"""Duties: the target of a policy by which a person is notified at a time.

A decision stores its duties, since a rotation or a role may be changed later.
"""

from collections.abc import Iterator, Sequence
from typing import Any, cast

from msgspec import Struct, convert, to_builtins

from router.core.oncall.recipients import People
from router.core.oncall.schedule import Override, turn


class Duty(Struct, frozen=True, omit_defaults=True):
    """`contact` is a recipient of `target`: by a schedule's `layer` (from 1), or by an override."""

    target: str
    contact: str
    layer: int = 0
    override: Override | None = None


def duty(people: People, target: str, contact: str, at: float) -> Duty:
    """The duty by which `target` reaches `contact` at `at` (UTC epoch seconds)."""
    kind, _, name = target.partition(":")
    if kind != "schedule":
        return Duty(target, contact)
    found = turn(people.schedules[name], at)
    return Duty(target, contact, found.layer, found.overrides[-1] if found.overrides else None)


def duties(people: People, targets: Sequence[str], at: float) -> Iterator[Duty]:
    """The duties of everybody reached by these targets; channels have none."""
    for target in dict.fromkeys(targets):
        if ":" in target:
            yield from (duty(people, target, contact, at) for contact in people.people(target, at))


def recorded(people: People, targets: Sequence[str], at: float) -> list[dict[str, Any]]:
    """The duties as data for a timeline entry."""
    known, key = people.known(at), ("duties", tuple(targets))
    if key not in known:
        known[key] = [to_builtins(duty) for duty in duties(people, targets, at)]
    return cast("list[dict[str, Any]]", known[key])


def read(data: object) -> tuple[Duty, ...]:
    """The duties from the data of a timeline entry; () if it has none."""
    return convert(data or (), tuple[Duty, ...])
