"""Mails customers what was announced: one mail for each address, each sent once.

Announcing owes this one message, in its own transaction. Who has had their mail is written after
each, so a crash sends again at most the one that was on its way, under the Message-ID that it had.
"""

import hashlib
from collections.abc import Sequence

from msgspec import Struct

from router.core.communication.mails import letter_text
from router.core.outbox.rate_limit import RateLimit
from router.model.decision import Entry
from router.model.incident import Incident
from router.model.notification import Letter, Rejected, Result, Retry, Sent, Uncertain
from router.model.reason import Reason
from router.model.statuspage import PublicMail
from router.ports.channels import Mailer
from router.ports.clock import Clock
from router.ports.errors import StoreUnavailable
from router.ports.store import Store
from router.records.records import Records
from router.telemetry.logs import logger

log = logger(__name__)


class Mailed(Struct, frozen=True):
    """An address is done with an announcement; `error` says why it was refused, "" that it wasn't."""

    error: str = ""


class CustomerPost:
    """Sends to `addresses`, at the mailer's pace."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        mailer: Mailer,
        addresses: Sequence[str],
        pace: RateLimit | None = None,
    ) -> None:
        self._clock = clock
        self._mailer = mailer
        self._addresses = tuple(dict.fromkeys(addresses))
        self._pace = pace
        self._mailed = Records(store, "announcement_mail", Mailed)

    async def send(self, letter: Letter, entry: Entry) -> Result:
        """Sent once each address has taken or refused it for good, and one has taken it."""
        results = [await self._tell(letter.incident, entry, address) for address in self._addresses]
        for kind in (Uncertain, Retry):
            if found := [result for result in results if isinstance(result, kind)]:
                return found[0]
        refused = [result for result in results if isinstance(result, Rejected)]
        return refused[0] if results and len(refused) == len(results) else Sent()

    async def _tell(self, incident: Incident, entry: Entry, address: str) -> Result:
        try:
            return await self._mail(incident, entry, address)
        except StoreUnavailable as error:
            return Retry(f"the store is away: {error}")

    async def _mail(self, incident: Incident, entry: Entry, address: str) -> Result:
        """Raises: StoreUnavailable, and then the mail may be sent again."""
        number = f"{entry.id}-{hashlib.sha256(address.encode()).hexdigest()[:16]}"
        if (before := await self._mailed.get(number)) is not None:
            return Rejected(before.error) if before.error else Sent()
        now = self._clock.now()
        if self._pace:
            if self._pace.free(now) <= 0:
                return Retry("the channel's rate is used up", self._pace.next_free(now))
            self._pace.take(now)
        result = await self._mailer.mail(announcement(incident, entry, address, number))
        if isinstance(result, Sent | Rejected):
            error = result.reason if isinstance(result, Rejected) else ""
            await self._mailed.add(number, Mailed(error), entry.at)
            if error:
                log.warning("customer_refused", incident=incident.name, why=error)
        return result


def announcement(incident: Incident, entry: Entry, address: str, number: str) -> PublicMail:
    """The mail as it was approved.

    Numbers come again with a new database: the time tells the mails apart.
    """
    return PublicMail(
        to=address,
        subject=str(entry.data.get("title", "")),
        text=letter_text(str(entry.data.get("text", ""))),
        name=f"announcement-{number}.{incident.opened_at:.0f}",
        at=entry.at,
    )


def announced(timeline: Sequence[Entry], told: int) -> Entry | None:
    """What was announced last, if that's after the entry `told`."""
    found = [entry for entry in timeline if entry.what is Reason.ANNOUNCED and entry.id > told]
    return found[-1] if found else None
