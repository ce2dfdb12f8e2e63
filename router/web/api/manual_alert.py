"""Opens an incident for a person, through the door that alerts come by."""

from router.model.alert import Alert
from router.model.event import AlertSeen
from router.model.incident import Incident
from router.model.reason import Reason
from router.ports.services import Inbox
from router.ports.store import Store


async def report(inbox: Inbox, store: Store, alert: Alert) -> tuple[Reason, Incident | None]:
    """What became of it, and the incident that it opened or joined; None where a rule makes nothing
    of it.

    Raises: Overloaded, StoreUnavailable.
    """
    (reason,) = await inbox.submit([AlertSeen(alert.starts_at, alert)])
    rows = await store.alerts(fingerprint=alert.fingerprint)
    joined = [row.rule_match.incident_id for row in rows if row.rule_match.incident_id is not None]
    return reason, await store.incident(joined[0]) if joined else None
