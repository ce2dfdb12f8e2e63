"""Channel health: which channels and contact methods work, by the latest message over each.

Invariant: an address is proven only if the latest message to it arrived, recently, at the number,
account or URL that the config has now. A drill or a canary proves as much as a real page. A
delivery without content proves nothing, nor does one that the service later reports as undelivered.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from router.core.oncall.recipients import People
from router.core.text.plain import utc
from router.model.decision import Entry
from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reasons import having

QUARTER = 13 * 604_800.0
"""Seconds for which a delivery counts as proof, unless the config has another drill interval."""

FAILURES: Final = having(Trait.FAILED)
"""Outcomes of a message that hasn't arrived, or hasn't arrived yet."""

OUTCOMES: Final = (Reason.DELIVERED, *sorted(FAILURES))
"""The timeline entries that health is read from."""


class Health(Struct, frozen=True):
    """The latest delivery to an address, in UTC epoch seconds; None if there was none.

    `to` is the digest of the destination at that time, "" in records of older versions. `error` is
    the reason why the latest message has not arrived; "" if it has.
    """

    at: float | None = None
    to: str = ""
    error: str = ""


class Standing(Struct, frozen=True):
    """The health of an address (`log`, `text/ana`), for `check --reach` and `channels`.

    `at` is the latest delivery in UTC epoch seconds, None if there was none. `why` is the reason
    why the address is not proven; "" if it is.
    """

    address: str
    at: float | None
    proven: bool
    why: str = ""


def delivered(entries: Iterable[Entry]) -> dict[str, float]:
    """The latest delivery to each address. An incident's entries must be in order, oldest first."""
    return {address: state.at for address, state in health(entries).items() if state.at is not None}


def health(entries: Iterable[Entry]) -> dict[str, Health]:
    """The health of each address by these entries about deliveries, oldest first."""
    arrived: dict[str, dict[int, Health]] = {}
    errors: dict[str, str] = {}
    for entry in entries:
        address = str(entry.data.get("channel", ""))
        of_address = arrived.setdefault(address, {})
        if entry.what is Reason.DELIVERED and not entry.data.get("silent"):
            of_address.pop(entry.incident_id, None)  # a later delivery moves to the end
            of_address[entry.incident_id] = Health(entry.at, str(entry.data.get("to", "")))
            errors.pop(address, None)
        elif entry.what in FAILURES:
            errors[address] = str(entry.data.get("error") or "not delivered")
            if (
                "seq" not in entry.data
            ):  # a delivery receipt: the service had accepted the message, but did not deliver it
                of_address.pop(entry.incident_id, None)
    return {
        address: replace(
            max(found.values(), key=_at, default=Health()), error=errors.get(address, "")
        )
        for address, found in arrived.items()
        if found or address in errors
    }


def _at(health_: Health) -> float:
    return health_.at or 0.0


def addresses(channels: Iterable[str], people: People) -> tuple[str, ...]:
    """All addresses: these channels, and every contact method of every contact."""
    ways = (f"{way.via}/{contact}" for contact, ways in people.contacts.items() for way in ways)
    return tuple(dict.fromkeys((*channels, *ways)))


def standings(
    wanted: Iterable[str],
    known: Mapping[str, Health],
    since: float,
    destinations: Mapping[str, str],
) -> list[Standing]:
    """The state of each address: unproven first, then the longest without a delivery.

    `since` is the oldest acceptable delivery (UTC epoch seconds), `destinations` the current
    config's digests.
    """
    found = [
        _standing(address, known.get(address, Health()), since, destinations.get(address, ""))
        for address in wanted
    ]
    return sorted(
        found, key=lambda standing: (standing.proven, standing.at or 0.0, standing.address)
    )


def _standing(address: str, known: Health, since: float, to: str) -> Standing:
    why = _doubt(known, since, to)
    return Standing(address, known.at, not why, why)


def _doubt(known: Health, since: float, to: str) -> str:
    if known.error:
        return f"the latest message was not delivered: {known.error}"
    if known.at is None:
        return "no delivery is on record"
    if known.at <= since:
        return f"no delivery since {utc(known.at)}"
    if to and not known.to:
        return "its last delivery is from a version that did not record the destination"
    if to != known.to:
        return f"its number, account or URL has changed since the last delivery at {utc(known.at)}"
    return ""
