"""Opens an incident for a person, through the door that alerts come by."""

from router.model.alert import Alert
from router.model.event import AlertSeen
from router.model.incident import Incident
from router.model.reason import Reason
from router.ports import Inbox, Store


async def report(inbox: Inbox, store: Store, alert: Alert) -> tuple[Reason, Incident | None]:
    """What became of it, and the incident that it opened or joined; None where a rule makes nothing of it.

    Raises: Overloaded, StoreUnavailable.
    """
    (reason,) = await inbox.submit([AlertSeen(alert.starts_at, alert)])
    rows = await store.alerts(fingerprint=alert.fingerprint)
    joined = [row.taking.incident_id for row in rows if row.taking.incident_id is not None]
    return reason, await store.incident(joined[0]) if joined else None
