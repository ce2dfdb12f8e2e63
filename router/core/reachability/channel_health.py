"""Which channels, and ways to people, are proven to work: by the last message that a service took
and didn't give back.

A real message proves as much as one of a drill, or a canary. A delivery at which the sender had
nothing to say proves nothing, nor does one that the service reported as undelivered afterwards.
"""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from router.core.oncall.recipients import People
from router.model.decision import Entry
from router.model.reason import Reason

QUARTER = 13 * 604_800.0
"""Seconds for which a proof counts, unless the config's drills have another rhythm."""


class Standing(Struct, frozen=True):
    """When an address (`log`, `text/ana`) was last proven to work, in UTC epoch seconds; None if it
    never was.

    `proven`: that was recent enough.
    """

    address: str
    at: float | None
    proven: bool


def proven(entries: Iterable[Entry]) -> dict[str, float]:
    """When each address last worked, by these lines about deliveries, the oldest of an incident
    first.
    """
    last: dict[tuple[int, str], float] = {}
    for entry in entries:
        key = entry.incident_id, str(entry.data.get("channel", ""))
        if entry.what is Reason.DELIVERED and not entry.data.get("silent"):
            last[key] = entry.at
        elif entry.what is Reason.DELIVERY_FAILED and "seq" not in entry.data:
            last.pop(key, None)  # a receipt: what counted as sent didn't arrive
    found: dict[str, float] = {}
    for (_, address), at in last.items():
        found[address] = max(at, found.get(address, at))
    return found


def addresses(channels: Iterable[str], people: People) -> tuple[str, ...]:
    """All that there are to be proven: these channels, and every way to every contact."""
    ways = (f"{way.via}/{contact}" for contact, ways in people.contacts.items() for way in ways)
    return tuple(dict.fromkeys((*channels, *ways)))


def standings(wanted: Iterable[str], worked: Mapping[str, float], since: float) -> list[Standing]:
    """How each stands, those unproven since then first, and of those the longest."""
    found = [Standing(one, worked.get(one), worked.get(one, since) > since) for one in wanted]
    return sorted(found, key=lambda one: (one.proven, one.at or 0.0, one.address))
