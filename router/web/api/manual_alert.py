"""Opens an incident for a person, by an alert like any other."""

from router.model.alert import Alert
from router.model.event import AlertSeen
from router.model.incident import Incident
from router.model.reason import Reason
from router.ports.services import Inbox
from router.ports.store import Store


async def report(inbox: Inbox, store: Store, alert: Alert) -> tuple[Reason, Incident | None]:
    """The decision, and the incident that the alert opened or joined; None if the rules open none.

    Raises: Overloaded, StoreUnavailable.
    """
    (reason,) = await inbox.submit([AlertSeen(alert.starts_at, alert)])
    return reason, await joined(store, alert)


async def joined(store: Store, alert: Alert) -> Incident | None:
    """The incident that the alert belongs to, if any."""
    rows = await store.alerts(fingerprint=alert.fingerprint)
    ids = [row.rule_match.incident_id for row in rows if row.rule_match.incident_id is not None]
    return await store.incident(ids[0]) if ids else None
