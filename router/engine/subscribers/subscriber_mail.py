"""Mail to subscribers of the status page: a row of the outbox for each mail.

The transaction that publishes an update adds one row for the page. `Spreading` delivers that row by
adding a mail for each subscriber, once: repeating it adds nothing. The content of a mail is read
when it's sent.
"""

from collections.abc import Callable, Iterator, Sequence

from router.core.communication import mails
from router.core.communication.notice import Notice, notice
from router.core.incident.snapshot import Writes
from router.engine.subscribers.subscriber_list import CONFIRM_WITHIN, SubscriberList
from router.model.decision import Entry, Queued
from router.model.notification import Message, Notification, Sent, person_of
from router.model.outbox import SUBSCRIBERS, OutboxKind
from router.model.reason import Reason
from router.model.statuspage import (
    MailKind,
    Maintenance,
    PublicMail,
    Published,
    QueuedMail,
    StatusPlan,
    Subscriber,
)
from router.ports.channels import Mailer
from router.ports.services import Performed
from router.ports.store import Store
from router.records.records import Records

SPREAD = 500
"""Mails per transaction: they occupy the writer for a few milliseconds."""


class Spreading:
    """Queues mails to subscribers about updates. `wake` is called when there's mail to send."""

    def __init__(
        self, store: Store, subscriber_list: SubscriberList, wake: Callable[[], None] = lambda: None
    ) -> None:
        self._store = store
        self._subscriber_list = subscriber_list
        self._wake = wake

    async def spread(self, message: Message) -> None:
        """Add mails for the unseen entries of the message. Raises: StoreUnavailable."""
        if message.incident.drill:
            return
        for entry in message.unseen_entries:
            if entry.what is Reason.PUBLISHED:
                await self.queue(entry)

    async def queue(self, entry: Entry) -> None:
        """Add mails about an update or announcement to everybody who had confirmed by then.

        Raises: StoreUnavailable.
        """
        for chunk in _chunks(await self._subscriber_list.confirmed(entry.at)):
            await self._store.save(Writes(queued=[_queued(entry, number) for number in chunk]))
        self._wake()

    async def about_maintenance(self, subject: str, at: float) -> Sequence[Queued]:
        """Return a mail for each subscriber who had confirmed by then. Raises: StoreUnavailable."""
        addresses = [
            f"{SUBSCRIBERS}/{number}" for number in await self._subscriber_list.confirmed(at)
        ]
        return [queued_maintenance(address, subject, at) for address in addresses]


def queued_maintenance(address: str, subject: str, at: float) -> Queued:
    return Queued(0, address, Reason.PUBLISHED, at, OutboxKind.MAINTENANCE, subject)


def _chunks(numbers: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(numbers), SPREAD):
        yield numbers[start : start + SPREAD]


def _queued(entry: Entry, number: str) -> Queued:
    return Queued(
        entry.incident_id,
        f"{SUBSCRIBERS}/{number}",
        entry.what,
        entry.at,
        OutboxKind.SUBSCRIBER,
        str(entry.id),
    )


class SubscriberMail:
    """Sends the mail of one row.

    `url` is the router's own status page: an exported copy can't handle unsubscribing.
    """

    def __init__(
        self,
        store: Store,
        subscriber_list: SubscriberList,
        mailer: Mailer,
        plan: StatusPlan,
        url: str,
    ) -> None:
        self._store = store
        self._subscriber_list = subscriber_list
        self._mailer = mailer
        self._plan = plan
        self._url = url
        self._maintenances = Records(store, "maintenance", Maintenance)

    async def __call__(self, row: Notification) -> Performed:
        """A `router.ports.services.Performer`.

        Nothing is sent if the subscriber has left or the update isn't public.
        """
        number = person_of(row.channel)
        subscriber = await self._subscriber_list.subscribers.get(number)
        mail = await self._write(row, subscriber) if subscriber else None
        result = await self._mailer.mail(mail) if mail else Sent(silent=True)
        if subscriber:
            await self._subscriber_list.settle(number, subscriber, result)
        return Performed(result)

    async def _write(self, row: Notification, subscriber: Subscriber) -> PublicMail | None:
        queued = _mail(row, subscriber)
        if queued.kind is MailKind.CONFIRM:
            token = self._subscriber_list.links.token(
                "confirm", queued.subscriber, row.queued_at + CONFIRM_WITHIN
            )
            return mails.ask_to_confirm(
                self._plan, subscriber.address, f"{self._url}/confirm/{token}", queued
            )
        token = self._subscriber_list.links.token("unsubscribe", queued.subscriber)
        unsubscribe = f"{self._url}/unsubscribe/{token}"
        if queued.kind is MailKind.ALREADY:
            return mails.already(self._plan, subscriber.address, unsubscribe, queued)
        if queued.kind is MailKind.MAINTENANCE:
            key, _, end = row.subject.partition("/")
            maintenance = await self._maintenances.get(key)
            # Maintenance that was cancelled meanwhile is not announced.
            if maintenance is None or (maintenance.cancelled and not end):
                return None
            write = mails.maintenance_over if end else mails.maintenance
            return write(self._plan, subscriber.address, unsubscribe, queued, maintenance)
        if queued.kind is MailKind.ANNOUNCEMENT:
            return await self._announcement(queued, subscriber.address, unsubscribe)
        shown = await self._notice(queued.incident_id)
        return (
            None
            if shown is None
            else mails.update(self._plan, subscriber.address, unsubscribe, queued, shown)
        )

    async def _announcement(
        self, queued: QueuedMail, address: str, unsubscribe: str
    ) -> PublicMail | None:
        incident = await self._store.incident(queued.incident_id)
        found = [
            entry
            for entry in await self._store.timeline(queued.incident_id)
            if entry.id == queued.entry_id
        ]
        if incident is None or not found:
            return None
        return mails.announcement(address, unsubscribe, queued, incident, found[0])

    async def _notice(self, incident_id: int) -> Notice | None:
        incident = await self._store.incident(incident_id)
        if incident is None:
            return None
        timeline = await self._store.timeline(incident_id)
        return notice(
            Published(
                incident, tuple(entry for entry in timeline if entry.what is Reason.PUBLISHED)
            )
        )


def _mail(row: Notification, subscriber: Subscriber) -> QueuedMail:
    number = person_of(row.channel)
    if row.kind is OutboxKind.SUBSCRIPTION:
        kind = MailKind.CONFIRM if subscriber.confirmed_at is None else MailKind.ALREADY
        return QueuedMail(kind, number, row.queued_at)
    if row.kind is OutboxKind.MAINTENANCE:
        return QueuedMail(MailKind.MAINTENANCE, number, row.queued_at)
    kind = MailKind.ANNOUNCEMENT if row.reason is Reason.ANNOUNCED else MailKind.UPDATE
    return QueuedMail(kind, number, row.queued_at, row.incident_id, int(row.subject))
