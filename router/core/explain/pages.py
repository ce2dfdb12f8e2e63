"""Pages: each message about an incident, its decision, and its deliveries.

Everything is read from the timeline and the outbox, as it was decided then. Data that an older
version did not record stays unknown; it's never filled in from the current settings. All times are
UTC epoch seconds.
"""

from collections.abc import Sequence

from msgspec import Struct

from router.core.oncall.recipients import Duty, read_duties
from router.model.decision import Entry
from router.model.incident import Incident
from router.model.notification import Notification, person_of
from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reasons import having
from router.model.revision import Revision

PAGING = having(Trait.NOTIFIES)
"""Reasons that page people, rather than inform them."""

_SETTLED = having(Trait.ATTEMPT)
_ARRIVED = having(Trait.ARRIVED)
_NO_CAUSE = _SETTLED | having(Trait.SKIPS_STEP) | {Reason.NOBODY_REACHED}

_SAME_MOMENT = 0.001
"""Seconds within which two times are the same: computed times have rounding errors."""


class IncidentHistory(Struct, frozen=True):
    """The store's data about an incident: `timeline` oldest first, `revision` of the rules."""

    incident: Incident
    timeline: Sequence[Entry]
    notifications: Sequence[Notification]
    revision: Revision | None = None


class Page(Struct, frozen=True):
    """A message decided at `at`: `cause` is its timeline entry, `deliveries` the results.

    `reason` is the message's reason. `duties` explain why it went to this person; None if not
    recorded. `ref` is the service's receipt for the latest attempt. `stakeholder`: the message only
    informs a stakeholder.
    """

    at: float
    address: str
    reason: Reason | None
    cause: Entry | None
    deliveries: tuple[Entry, ...]
    duties: tuple[Duty, ...] | None = ()
    ref: str = ""
    stakeholder: bool = False

    @property
    def person(self) -> str:
        return person_of(self.address)

    @property
    def arrived(self) -> bool:
        return any(delivery.what in _ARRIVED for delivery in self.deliveries)

    @property
    def is_page(self) -> bool:
        """Check if the message asks somebody to respond. Other messages only inform."""
        why = self.reason or (self.cause.what if self.cause else Reason.OPENED)
        return why in PAGING and not self.stakeholder


def pages(history: IncidentHistory) -> tuple[Page, ...]:
    """Every message about the incident, in the order of the decisions."""
    settled: dict[tuple[str, int], list[Entry]] = {}
    for entry in history.timeline:
        if entry.what in _SETTLED:
            address = str(entry.data.get("channel", ""))
            # A delivery receipt doesn't say which message it's for: it belongs to the latest one.
            newest = max((seq for known, seq in settled if known == address), default=0)
            settled.setdefault((address, entry.data.get("seq", newest)), []).append(entry)
    found = [_settled_page(history, address, entries) for (address, _), entries in settled.items()]
    waiting = [row for row in history.notifications if (row.channel, row.seq) not in settled]
    found += [_page(history, row.channel, row.queued_at, row.reason, ()) for row in waiting]
    return tuple(sorted(found, key=lambda page: (page.at, page.address)))


def _settled_page(history: IncidentHistory, address: str, entries: Sequence[Entry]) -> Page:
    first = entries[0]
    # Subtract the delay by a rate limit as well: `late` doesn't include it.
    queued_at = first.at - first.data.get("late", 0.0) - first.data.get("held", 0.0)
    reason = Reason(first.data["reason"]) if "reason" in first.data else None
    return _page(history, address, queued_at, reason, tuple(entries))


def _page(
    history: IncidentHistory,
    address: str,
    at: float,
    reason: Reason | None,
    deliveries: tuple[Entry, ...],
) -> Page:
    cause = _cause(history.timeline, address, at, reason)
    informs = any(entry.data.get("stakeholder") for entry in deliveries) or _is_stakeholder(
        cause, address
    )
    ref = next((str(entry.data["ref"]) for entry in deliveries if entry.data.get("ref")), "")
    duties = (
        _duties(history.timeline, person_of(address), at)
        if person_of(address) and not informs
        else ()
    )
    return Page(at, address, reason, cause, deliveries, duties, ref, informs)


def _is_stakeholder(cause: Entry | None, address: str) -> bool:
    return cause is not None and address in cause.data.get("stakeholders", ())


# --- reasons


def _cause(
    timeline: Sequence[Entry], address: str, at: float, reason: Reason | None
) -> Entry | None:
    """The entry at `at` that names the address, preferably with the message's reason."""
    then = [
        entry
        for entry in timeline
        if abs(entry.at - at) < _SAME_MOMENT and entry.what not in _NO_CAUSE
    ]
    for found in (
        [entry for entry in then if entry.what is reason and _names(entry, address)],
        [entry for entry in then if _names(entry, address)],
        [entry for entry in then if entry.what is reason],
        then if reason is None else [],
    ):
        if found:
            return found[0]
    # A later decision was merged into the pending message, which has the latest reason.
    return next(
        (entry for entry in reversed(timeline) if entry.what is reason and entry.at >= at), None
    )


def _names(entry: Entry, address: str) -> bool:
    """Check if the decision was to send a message to that address."""
    if address in entry.data.get("channels", ()) or address in entry.data.get("stakeholders", ()):
        return True
    contact = person_of(address)
    return bool(contact) and any(
        shift.contact == contact for shift in read_duties(entry.data.get("duties"))
    )


def _duties(timeline: Sequence[Entry], contact: str, at: float) -> tuple[Duty, ...] | None:
    """The duties that made the contact a recipient at `at`; None if not recorded."""
    for entry in reversed(timeline):
        if entry.at <= at + _SAME_MOMENT and entry.what in PAGING:
            found = tuple(
                shift for shift in read_duties(entry.data.get("duties")) if shift.contact == contact
            )
            if found:
                return found
    recorded = any("duties" in entry.data for entry in timeline)
    return () if recorded else None


def recorded_duties(history: IncidentHistory, at: float) -> tuple[Duty, ...]:
    """Recorded duties of each schedule, by the latest decisions until `at`; () if none."""
    found: dict[str, Duty] = {}
    for entry in history.timeline:
        if entry.at <= at + _SAME_MOMENT:
            found |= {
                shift.target: shift
                for shift in read_duties(entry.data.get("duties"))
                if shift.target[:9] == "schedule:"
            }
    return tuple(found.values())
