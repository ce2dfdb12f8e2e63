"""Post-mortems: read from the store, written, shared and waived. Decides nothing."""

from collections.abc import Callable

import msgspec

from router.core.incident.settings import Settings
from router.core.postmortem.document import Case, deployed_around
from router.core.text.plain import local
from router.model.deployment import Deployment
from router.model.event import PostMortemShared, Recorded
from router.model.incident import Incident
from router.model.postmortem import Words, Written
from router.model.reason import Reason
from router.model.record import Record
from router.ports.clock import Clock
from router.ports.errors import InvalidInput, StaleRecord
from router.ports.services import Inbox
from router.ports.store import Store
from router.records.records import Records

KIND = "postmortem"
LONGEST = 20_000
"""Maximum characters of a text."""

LONGEST_TITLE = 200
MOST_EXTRA = 20
"""Maximum sections that people add."""

MOST = 1_000
"""Maximum deployments that are searched for the incident's services."""

_written = msgspec.json.Decoder(Written)


class PostMortemService:
    """Reads and writes post-mortems. `zone` is the company's time zone."""

    def __init__(  # noqa: PLR0913 - the parts it stands between
        self,
        store: Store,
        inbox: Inbox,
        clock: Clock,
        deployed: Records[Deployment],
        *,
        settings: Callable[[], Settings],
        zone: Callable[[], str],
    ) -> None:
        self._store = store
        self._inbox = inbox
        self._clock = clock
        self._deployed = deployed
        self._settings = settings
        self._zone = zone

    async def read(self, incident: Incident) -> tuple[Case, int]:
        """Return the post-mortem and its version: 0 before anybody wrote."""
        record = await self._store.record(KIND, str(incident.id))
        timeline = await self._store.timeline(incident.id)
        deploys = self._settings().deployments
        since = (incident.onset or incident.opened_at) - deploys.window
        known = await self._deployed.find(
            since=since, until=incident.closed_at or self._clock.now(), limit=MOST
        )
        around = deployed_around(incident, [document for _, document in known], deploys)
        written = _written.decode(record.doc) if record else Written()
        case = Case(
            incident,
            timeline,
            written,
            around,
            self._zone(),
            chart=f"{stem(incident, self._zone())}.svg",
        )
        return case, record.version if record else 0

    async def write(self, incident: Incident, written: Written, version: int, by: str) -> bool:
        """Replace the given version.

        Returns False if that is not the latest. Raises: InvalidInput.
        """
        check(written)
        now = self._clock.now()
        record = Record(
            KIND, str(incident.id), now, version + 1, msgspec.json.encode(written).decode()
        )
        event = Recorded(now, incident.id, Reason.POSTMORTEM_WRITTEN, by, records=(record,))
        try:
            await self._inbox.submit([event])
        except StaleRecord:
            return False
        return True

    async def share(self, incident: Incident, by: str) -> Reason | None:
        """Share the post-mortem with its channels.

        Returns None if nobody has written anything yet.
        """
        case, _ = await self.read(incident)
        if case.written.is_empty and not incident.is_open:
            return None
        (reason,) = await self._inbox.submit(
            [PostMortemShared(self._clock.now(), incident.id, by, case.written.summary)]
        )
        return reason

    async def waive(self, incident: Incident, by: str, reason: str) -> Reason:
        """Record why the incident needs no post-mortem. Raises: InvalidInput."""
        if not reason.strip():
            raise InvalidInput("give the reason", "/text")
        event = PostMortemShared(self._clock.now(), incident.id, by, waived=reason)
        (outcome,) = await self._inbox.submit([event])
        return outcome


def check(written: Written) -> None:
    """Raises: InvalidInput."""
    for name in Words.__struct_fields__:
        if len(getattr(written, name)) > LONGEST:
            raise InvalidInput(f"at most {LONGEST} characters", f"/{name}")
    if len(written.extra) > MOST_EXTRA:
        raise InvalidInput(f"at most {MOST_EXTRA} sections of your own", "/extra")
    for number, extra in enumerate(written.extra):
        if len(extra.text) > LONGEST or len(extra.title) > LONGEST_TITLE:
            raise InvalidInput(f"at most {LONGEST} characters", f"/extra/{number}")


def stem(incident: Incident, zone: str) -> str:
    """Return the name of the files, which never changes: `2026-11-24-INC-142`."""
    return f"{local(incident.opened_at, zone)[:10]}-{incident.name}"
