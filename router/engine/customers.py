"""Mail to customers about announcements: a row of the outbox for each address.

Announcing adds one message for all customers, in its own transaction. Its delivery adds a mail for
each address, once: a second delivery, after a crash or a manual resend, adds nothing. If the
router crashes while sending a mail, it's sent again with the same Message-ID.
"""

import hashlib
from collections.abc import Sequence

from router.config.communication import CUSTOMERS
from router.core.communication.mails import letter_text
from router.model.decision import Entry, Queued
from router.model.event import Undelivered
from router.model.incident import Incident
from router.model.notification import Notification, NotificationState, Rejected, person_of
from router.model.outbox import CUSTOMER_MAIL, OutboxKind
from router.model.reason import Reason
from router.model.statuspage import PublicMail
from router.ports.channels import Mailer
from router.ports.services import Performed
from router.ports.store import Store


def customer_mail(entry: Entry, addresses: Sequence[str]) -> list[Queued]:
    """Return the messages to each address for an announcement."""
    return [
        Queued(
            entry.incident_id,
            f"{CUSTOMER_MAIL}/{_digest(address)}",
            entry.what,
            entry.at,
            OutboxKind.CUSTOMER,
            str(entry.id),
        )
        for address in dict.fromkeys(addresses)
    ]


class CustomerMail:
    """Sends the mail of one row to one of `addresses`."""

    def __init__(self, store: Store, mailer: Mailer, addresses: Sequence[str]) -> None:
        self._store = store
        self._mailer = mailer
        self._addresses = {_digest(address): address for address in addresses}

    async def __call__(self, row: Notification) -> Performed:
        """A `router.ports.services.Performer`."""
        digest = person_of(row.channel)
        address = self._addresses.get(digest)
        incident = await self._store.incident(row.incident_id)
        entry = next(
            (
                entry
                for entry in await self._store.timeline(row.incident_id)
                if str(entry.id) == row.subject
            ),
            None,
        )
        if address is None or incident is None or entry is None:
            return Performed(Rejected("the config no longer has this customer"))
        return Performed(
            await self._mailer.mail(announcement(incident, entry, address, f"{entry.id}-{digest}"))
        )


def on_settled(row: Notification, at: float) -> Sequence[Undelivered]:
    """Record on the incident's timeline that a mail was given up, without its address."""
    if row.kind is not OutboxKind.CUSTOMER or row.state is not NotificationState.DEAD:
        return ()
    return (Undelivered(at, row.incident_id, CUSTOMERS, row.error, f"{row.channel} {row.subject}"),)


def announcement(incident: Incident, entry: Entry, address: str, number: str) -> PublicMail:
    """Write the mail as it was approved.

    The Message-ID is unique: `number` identifies the mail within this database, and the time
    tells databases apart.
    """
    return PublicMail(
        to=address,
        subject=str(entry.data.get("title", "")),
        text=letter_text(str(entry.data.get("text", ""))),
        name=f"announcement-{number}.{incident.opened_at:.0f}",
        at=entry.at,
    )


def announced(timeline: Sequence[Entry], seen_entry: int) -> Entry | None:
    """Return the latest announcement, if it's newer than the entry `seen_entry`."""
    found = [
        entry for entry in timeline if entry.what is Reason.ANNOUNCED and entry.id > seen_entry
    ]
    return found[-1] if found else None


def _digest(address: str) -> str:
    return hashlib.sha256(address.encode()).hexdigest()[:16]
