"""Sends subscribers what they're owed: lease, send, settle, as with every message.

What was published is owed to the page in the transaction that publishes it. `spread` makes of that
one debt a mail for each subscriber, under an id of the update and the subscriber: made twice, it's
still one.
"""

import asyncio
import random
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from router.core.communication import mails
from router.core.communication.notice import Notice, notice
from router.core.incident.snapshot import Writes
from router.core.outbox.rate_limit import RateLimit
from router.engine.subscribers.roll import CONFIRM_WITHIN, SubscriberList
from router.model.decision import Entry
from router.model.notification import Letter, Result, Retry
from router.model.reason import Reason
from router.model.record import Record
from router.model.statuspage import MailKind, OwedMail, PublicMail, Published, StatusPlan
from router.ports.channels import Mailer
from router.ports.clock import Clock
from router.ports.errors import StaleRecord, StoreUnavailable
from router.ports.store import Store
from router.telemetry.logs import logger

log = logger(__name__)

POLL = 2.0
"""Seconds between two looks for mails that are due, where nobody says that there's one."""

LEASE = 120.0
"""Seconds for which a mail is in flight.

Then it was a crash, and it's sent again, under the same Message-ID.
"""

BATCH = 20
"""Mails claimed at once, each over a connection of its own."""

SPREAD = 500
"""Mails that one transaction owes: a few milliseconds of the writer's time."""

TIDY = 3600.0
"""Seconds between two looks for what can be forgotten."""


class SubscriberPost:
    """`url` is where links in mails lead: the router's own pages, for an export can't take an
    answer.
    """

    def __init__(  # noqa: PLR0913 - the parts it stands between
        self,
        store: Store,
        clock: Clock,
        roll: SubscriberList,
        *,
        mailer: Mailer,
        plan: StatusPlan,
        url: str,
        pace: RateLimit | None = None,
        on_done: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._roll = roll
        self._mailer = mailer
        self._plan = plan
        self._url = url
        self._pace = pace
        self._on_done = on_done
        self._wake = asyncio.Event()
        self._closing = False
        self._tidied = 0.0

    def wake(self) -> None:
        """There's something new to send."""
        self._wake.set()

    def close(self) -> None:
        self._closing = True
        self._wake.set()

    async def spread(self, letter: Letter) -> None:
        """Owe what is new in the letter to all who had confirmed when it was published.

        Raises: StoreUnavailable.
        """
        if letter.incident.drill:
            return
        for entry in letter.unseen_entries:
            if entry.what is Reason.PUBLISHED:
                await self.owe(entry)

    async def owe(self, entry: Entry) -> None:
        """Owe what was published or announced to all who had confirmed by then.

        Raises: StoreUnavailable.
        """
        numbers = await self._roll.confirmed(entry.at)
        for start in range(0, len(numbers), SPREAD):
            await self._owe(entry, numbers[start : start + SPREAD])
        self.wake()

    async def _owe(self, entry: Entry, numbers: Sequence[str]) -> None:
        while True:
            records = [
                record for number in numbers if (record := await self._record(entry, number))
            ]
            try:
                if records:
                    await self._store.save(Writes(records=records))
            except StaleRecord:  # another router spreads the same: see what is left
                continue
            return

    async def _record(self, entry: Entry, number: str) -> Record | None:
        kind = MailKind.ANNOUNCEMENT if entry.what is Reason.ANNOUNCED else MailKind.UPDATE
        owed = OwedMail(kind, number, entry.at, entry.at, entry.incident_id, entry.id)
        _, record = await self._roll.mails.prepare(
            f"{entry.id}-{number}", lambda before: None if before else owed, entry.at
        )
        return record

    async def run(self) -> None:
        """Send until `close`, which lets what is on its way arrive."""
        while not self._closing:
            try:
                while await self.round() == BATCH and not self._closing:
                    pass
                await self._tidy()
            except StoreUnavailable as error:
                log.warning("subscriber_mail_waits", error=str(error))
            if not self._closing:
                await self._clock.wait(self._wake, POLL)
            self._wake.clear()

    async def round(self) -> int:
        """Send what is due, as much as there's room for, and say how many it was.

        Raises: StoreUnavailable.
        """
        now = self._clock.now()
        room = min(BATCH, self._pace.free(now)) if self._pace else BATCH
        due = await self._roll.mails.find(until=now, limit=room) if room > 0 else []
        await asyncio.gather(*(self._send(number, now) for number, _ in due))
        return len(due)

    async def _send(self, number: str, now: float) -> None:
        owed = await self._roll.mails.change(number, lambda one: _claimed(one, now), now + LEASE)
        if owed is None:  # another router was faster
            return
        if owed.done:
            await self._roll.mails.remove(number)
            return
        if self._pace:
            self._pace.take(now)
        mail = await self._written(owed)
        result = await self._try(mail) if mail else None
        at = self._clock.now()
        after = mails.settled(owed, result, at, random.random())  # noqa: S311
        await self._roll.mails.change(number, lambda _: after, after.due_at)
        if after.done:
            self._on_done("failed" if after.error else "sent")
        if after.error and result:
            # The reason may quote the address, which nobody is shown.
            log.warning(
                "subscriber_mail_failed",
                mail=owed.kind,
                gave_up=after.done,
                attempts=after.attempts,
            )

    async def _try(self, mail: PublicMail) -> Result:
        try:
            return await self._mailer.mail(mail)
        except Exception as error:
            log.exception("subscriber_mailer_failed")
            return Retry(f"fault in the sender: {type(error).__name__}")

    async def _written(self, owed: OwedMail) -> PublicMail | None:
        """None: who it's for doesn't want it, or what it's about isn't public."""
        subscriber = await self._roll.subscribers.get(owed.subscriber)
        if subscriber is None:
            return None
        if owed.kind is MailKind.CONFIRM:
            token = self._roll.links.token(
                "confirm", owed.subscriber, owed.owed_at + CONFIRM_WITHIN
            )
            return mails.ask_to_confirm(
                self._plan, subscriber.address, f"{self._url}/confirm/{token}", owed
            )
        unsubscribe = (
            f"{self._url}/unsubscribe/{self._roll.links.token('unsubscribe', owed.subscriber)}"
        )
        if owed.kind is MailKind.ALREADY:
            return mails.already(self._plan, subscriber.address, unsubscribe, owed)
        if owed.kind is MailKind.ANNOUNCEMENT:
            return await self._announcement(owed, subscriber.address, unsubscribe)
        told = await self._notice(owed.incident_id)
        return (
            None
            if told is None
            else mails.update(self._plan, subscriber.address, unsubscribe, owed, told)
        )

    async def _announcement(
        self, owed: OwedMail, address: str, unsubscribe: str
    ) -> PublicMail | None:
        incident = await self._store.incident(owed.incident_id)
        found = [
            one for one in await self._store.timeline(owed.incident_id) if one.id == owed.entry_id
        ]
        if incident is None or not found:
            return None
        return mails.announcement(address, unsubscribe, owed, incident, found[0])

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

    async def _tidy(self) -> None:
        now = self._clock.now()
        if now - self._tidied >= TIDY:
            self._tidied = now
            await self._roll.forget_unconfirmed(now)


def _claimed(one: OwedMail | None, now: float) -> OwedMail | None:
    """The mail with a lease, if it's still due."""
    return None if one is None or one.due_at > now else replace(one, due_at=now + LEASE)
