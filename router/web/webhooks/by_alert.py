"""Requests about an alert by its identity at the source: the incidents it is in, or its end."""

from collections.abc import Sequence
from typing import NamedTuple

from msgspec.structs import replace

from router.model.alert import AlertStatus
from router.model.event import AlertSeen, Command
from router.ports.store import AlertRow, Store
from router.ports.webhooks import AlertListing, AlertRef, CommandRequest, CommandResult

SAMPLE = 100
"""Maximum incidents of one alert: each of its rules has its own."""


PAGE = 1000
"""Rows that are read at one time for a list."""

MOST = 20_000
"""Maximum alerts in a list."""


class Found(NamedTuple):
    """A request with its incident, the channel it came through, and the alert that it names."""

    request: CommandRequest
    via: str = ""
    alert: AlertRow | None = None


async def find_alert(store: Store, request: CommandRequest, ref: AlertRef) -> Sequence[Found]:
    """The request for each incident that the alert is in; at least one entry."""
    rows = await _rows(store, ref)
    if not rows:
        return [Found(request)]
    row = next((row for row in rows if row.rule_match.counted), rows[0])
    if request.ends:
        return [Found(request, alert=row)]
    # The start tells this firing's command from the same one about the next firing.
    receipt = f"{request.receipt}:{row.rule_match.starts_at}" if request.receipt else ""
    incidents = _incidents(rows, request.command)
    return [
        Found(replace(request, incident_id=incident, receipt=receipt), alert=row)
        for incident in incidents
    ] or [Found(request, alert=row)]


def ended(seen: Found, now: float) -> AlertSeen | None:
    """The end of the alert as its source reports it. None: no such alert is known."""
    if seen.alert is None:
        return None
    over = replace(seen.alert.alert, status=AlertStatus.RESOLVED, ends_at=None)
    return AlertSeen(now, over)


def _incidents(rows: Sequence[AlertRow], command: Command | None) -> Sequence[int]:
    """Incidents that the alert is counted in. A note or question may be about earlier ones."""
    present = [row.rule_match for row in rows if row.rule_match.counted]
    if not present and command in {None, Command.NOTE}:
        present = [row.rule_match for row in rows]
    return [*dict.fromkeys(match.incident_id for match in present if match.incident_id is not None)]


async def _rows(store: Store, ref: AlertRef) -> Sequence[AlertRow]:
    if not ref.is_prefix:
        return await store.alerts(fingerprint=ref.fingerprint, limit=SAMPLE)
    found = await store.alerts(after=ref.fingerprint, limit=SAMPLE)
    rows = [row for row in found if row.rule_match.fingerprint.startswith(ref.fingerprint)]
    several = len({row.rule_match.fingerprint for row in rows}) > 1
    return () if several else rows


async def listed(store: Store, listing: AlertListing) -> Sequence[CommandResult]:
    """A result for each alert of the listing."""
    rows = await _matching(store, listing)
    rows.sort(key=lambda row: row.rule_match.starts_at, reverse=not listing.oldest_first)
    page = rows[listing.offset : listing.offset + listing.limit]
    return [await _shown(store, row, with_incident=listing.with_incidents) for row in page]


async def _matching(store: Store, listing: AlertListing) -> list[AlertRow]:
    """One row for each alert; at most MOST."""
    found: dict[str, AlertRow] = {}
    after = listing.prefix
    while len(found) < MOST:
        rows = await store.alerts(firing=listing.firing, after=after, limit=PAGE)
        ours = [row for row in rows if row.rule_match.fingerprint.startswith(listing.prefix)]
        for row in ours:
            found.setdefault(row.rule_match.fingerprint, row)
        if len(rows) < PAGE or not ours:
            break
        after = rows[-1].rule_match.fingerprint
    return [*found.values()]


async def _shown(store: Store, row: AlertRow, *, with_incident: bool) -> CommandResult:
    number = row.rule_match.incident_id if with_incident else None
    incident = None if number is None else await store.incident(number)
    return CommandResult(CommandRequest(number, None, ""), None, incident, alert=row)
