"""`/act/TOKEN`: the links in messages. A GET shows what the link does, and only its button does it.

Mail gateways and chat programs open every link, so a GET changes nothing. The token is the only
credential. It allows one command on one incident, until that is reopened, and works once.
"""

from collections.abc import Callable, Mapping
from http import HTTPStatus

from aiohttp import web

from router.core.incident.batch import Batch
from router.core.incident.settings import Settings
from router.core.messages.replies import current_state, reply
from router.core.messages.signed_links import PATH, Grant, Signer
from router.model.event import Command, Commanded
from router.model.incident import Incident
from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reasons import having
from router.ports.clock import Clock
from router.ports.services import Inbox
from router.ports.store import Store
from router.web.api.content import form
from router.web.auth import LONGEST_NAME, named
from router.web.pages.page import page

LABELS: Mapping[Command, str] = {
    Command.ACKNOWLEDGE: "Acknowledge",
    Command.ESCALATE: "Escalate",
    Command.RESOLVE: "Resolve",
}
MAX_FORM = 4096
"""Maximum bytes of the form, which contains only a name."""

INVALID = "This link is invalid or incomplete. Open the incident, or answer in another way."
DOES_NOTHING = having(Trait.NOTHING_DONE)


class Act:
    """Submits a link's command in the name of the mailbox to which it was sent. Decides nothing."""

    def __init__(  # noqa: PLR0913 - the parts it stands between
        self,
        store: Store,
        inbox: Inbox,
        clock: Clock,
        *,
        signer: Callable[[], Signer | None],
        settings: Callable[[], Settings],
        names: Callable[[], Mapping[str, str]],
    ) -> None:
        self._store = store
        self._inbox = inbox
        self._clock = clock
        self._signer = signer
        self._settings = settings
        self._names = names

    def routes(self) -> list[web.RouteDef]:
        return [web.get(f"{PATH}/{{token}}", self.show), web.post(f"{PATH}/{{token}}", self.act)]

    async def show(self, request: web.Request) -> web.Response:
        """Show what the link would do now. Raises: StoreUnavailable."""
        grant, incident = await self._granted(request)
        if grant.expires_at < self._clock.now():
            return self._answer(grant, incident, _expired(incident), HTTPStatus.GONE)
        reason = await self._foresee(self._event(grant, ""))
        if reason in DOES_NOTHING:
            return self._answer(grant, incident, _said(reason, grant, incident))
        return self._answer(grant, incident, label=LABELS.get(grant.command, ""))

    async def act(self, request: web.Request) -> web.Response:
        """Run the link's command. Raises: Overloaded, StoreUnavailable; aiohttp's 404 and 413."""
        grant, incident = await self._granted(request)
        if grant.expires_at < self._clock.now():
            return self._answer(grant, incident, _expired(incident), HTTPStatus.GONE)
        (reason,) = await self._inbox.submit([self._event(grant, await _name(request))])
        after = await self._store.incident(grant.incident_id)
        assert after is not None
        return self._answer(grant, after, _said(reason, grant, after))

    async def _granted(self, request: web.Request) -> tuple[Grant, Incident]:
        """Raises: aiohttp's HTTPNotFound, without a hint for people who guess."""
        signer = self._signer()
        grant = signer.read(request.match_info["token"]) if signer else None
        incident = await self._store.incident(grant.incident_id) if grant else None
        if grant is None or incident is None:
            raise web.HTTPNotFound(text=INVALID)
        return grant, incident

    async def _foresee(self, event: Commanded) -> Reason:
        """Return the outcome that the command would have now."""
        batch = Batch(self._settings(), [event])
        await self._store.load(batch.reads, batch.view)
        _, (reason,) = batch.decide()
        return reason

    def _event(self, grant: Grant, name: str) -> Commanded:
        by = self._by(grant) or (
            f"{name} ({_address(grant)})" if name else f"somebody at {_address(grant)}"
        )
        return Commanded(
            self._clock.now(),
            grant.incident_id,
            by,
            grant.command,
            receipt=grant.receipt,
            reopened=grant.reopened,
        )

    def _by(self, grant: Grant) -> str:
        """Return the contact of the mailbox; "" if it's shared: then the reader types a name."""
        return self._names().get(grant.who, "")

    def _answer(
        self,
        grant: Grant,
        incident: Incident,
        message: str = "",
        status: int = HTTPStatus.OK,
        *,
        label: str = "",
    ) -> web.Response:
        by = self._by(grant)
        return page(
            "act.html",
            status=status,
            headers={"X-Robots-Tag": "noindex"},
            incident=incident,
            message=message,
            state=current_state(incident),
            label=label,
            by=by,
            asks_name=not by,
            longest=LONGEST_NAME,
            expires_at=grant.expires_at,
        )


def _said(reason: Reason, grant: Grant, incident: Incident) -> str:
    if reason is Reason.REPLAYED:
        return f"This link has been used. {current_state(incident)}"
    return reply(reason, grant.command, incident)


def _expired(incident: Incident) -> str:
    return f"This link has expired. {current_state(incident)}"


def _address(grant: Grant) -> str:
    return grant.who or grant.channel


async def _name(request: web.Request) -> str:
    """Return the name that was typed. Raises: InvalidInput, aiohttp's HTTPRequestEntityTooLarge."""
    return named((await form(request, MAX_FORM)).get("name", ""))
