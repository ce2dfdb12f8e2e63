"""Commands to an incident over the API: each is submitted as an event, and decided by the core."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Annotated

from aiohttp import web
from msgspec import Meta, Struct, field
from msgspec.structs import replace

from router.config.fields import parse_duration
from router.config.people import moment_at
from router.config.times import parse_moment
from router.core.oncall.recipients import People
from router.model.event import Command, Commanded
from router.model.incident import LEAD, OPEN, ROLES, Incident, Severity, Status
from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reasons import having
from router.ports.clock import Clock
from router.ports.errors import InvalidInput
from router.ports.services import Inbox
from router.ports.store import Store
from router.web.api import views
from router.web.api.content import Text, check_ahead, find_incident, incident_named
from router.web.api.names import warnings_about
from router.web.api.operation import Answer, Call, H, operation, routes
from router.web.api.previews import Drafts
from router.web.api.views import IncidentView
from router.web.auth import Role

COMMANDS: Mapping[str, Command] = {
    "ack": Command.ACKNOWLEDGE,
    "unack": Command.UNACKNOWLEDGE,
    "snooze": Command.SNOOZE,
    "escalate": Command.ESCALATE,
    "resolve": Command.RESOLVE,
    "false-positive": Command.FALSE_POSITIVE,
    "reopen": Command.REOPEN,
    "merge": Command.MERGE,
    "link": Command.LINK,
    "note": Command.NOTE,
    "severity": Command.SEVERITY,
    "assign": Command.ASSIGN,
    "status": Command.STATUS,
    "publish": Command.PUBLISH,
    "announce": Command.ANNOUNCE,
}
"""Commands by the last part of their path, in the API and on pages."""

REFUSED = having(Trait.REFUSED)
"""Outcomes that are answered with 409."""

_GOES_ON = Meta(description="An entry of the timeline.")


class CommandBody(Struct, frozen=True, forbid_unknown_fields=True):
    """The arguments of a command. Fields that the command does not use are ignored."""

    text: Annotated[Text, _GOES_ON] = ""
    severity: Severity | None = None
    status: Status | None = None
    title: str = ""


class NoteBody(CommandBody, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A note for the timeline."""

    text: Annotated[Text, Meta(min_length=1)]


class SeverityBody(CommandBody, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The severity to set, and a reason in `text`."""

    severity: Severity


class StatusBody(CommandBody, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The status to set, one of an open incident, and a note in `text`."""

    status: Annotated[Status, Meta(extra_json_schema={"enum": [str(status) for status in OPEN]})]


class AssignBody(CommandBody, frozen=True, forbid_unknown_fields=True):
    """The name of the new lead in `text`, or of another `role`. Without a name: the sender."""

    role: Annotated[
        str, Meta(pattern="^[a-z][a-z -]{0,29}$", description=f"Such as {', '.join(ROLES)}.")
    ] = LEAD


class PublicBody(CommandBody, frozen=True, forbid_unknown_fields=True):
    """The public `title`, or the subject of the mail, and the `text` for customers.

    `confirm` is the number of recipients that you agree to: see the drafts.
    """

    confirm: int = 0


class SnoozeBody(CommandBody, frozen=True, forbid_unknown_fields=True):
    """The length of a pause, until a time or for a duration; and a reason in `text`."""

    until: Annotated[
        str, Meta(description="A time with its offset, or in the company's time zone.")
    ] = ""
    for_: Annotated[str, Meta(description="Or a duration, such as `2h`.")] = field(
        name="for", default=""
    )


class RelateBody(CommandBody, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The other incident, and a reason in `text`."""

    other: Annotated[str, Meta(description="The other incident: 142 or INC-142.")]


BODIES: Mapping[Command, type[CommandBody]] = {
    Command.NOTE: NoteBody,
    Command.ASSIGN: AssignBody,
    Command.SEVERITY: SeverityBody,
    Command.STATUS: StatusBody,
    Command.SNOOZE: SnoozeBody,
    Command.MERGE: RelateBody,
    Command.LINK: RelateBody,
}
"""The bodies of the commands that need a field."""


class CommandAnswer(Struct, frozen=True):
    """The outcome of a command, and the incident after it. `warnings`: names that are unknown."""

    outcome: Reason
    incident: IncidentView
    warnings: list[str] = []


def people(count: int) -> str:
    """Return a number of recipients as text."""
    return f"{count} recipient{'' if count == 1 else 's'}"


def _command(path: str, summary: str, *problems: int) -> Callable[[H], H]:
    """Declare a command to an incident."""
    statuses = (HTTPStatus.OK, HTTPStatus.CONFLICT)
    path = f"/incidents/{{id}}/{path}"
    return operation("POST", path, summary, Role.RESPONDER, statuses=statuses, problems=problems)


class Particulars:
    """Converts the body of a command to its event. `zone` is the company's time zone."""

    def __init__(self, store: Store, clock: Clock, zone: Callable[[], str]) -> None:
        self._store = store
        self._clock = clock
        self._zone = zone

    async def event(
        self, incident: Incident, command: Command, body: CommandBody, by: str
    ) -> Commanded:
        """Raises: InvalidInput, StoreUnavailable."""
        return Commanded(
            self._clock.now(),
            incident.id,
            by,
            command,
            body.text,
            body.severity,
            status=body.status,
            title=body.title,
            until=self._end(body) if isinstance(body, SnoozeBody) else None,
            other=await self._other(body.other) if isinstance(body, RelateBody) else 0,
            role=body.role if isinstance(body, AssignBody) else "",
        )

    def _end(self, body: SnoozeBody) -> float:
        """Return when a snooze ends. Raises: InvalidInput."""
        pointer, now = ("/until" if body.until else "/for"), self._clock.now()
        if bool(body.until) == bool(body.for_):
            raise InvalidInput("give either the end (`until`) or the duration (`for`)", "/until")
        try:
            if body.until:
                end = moment_at(parse_moment(body.until), self._zone())
            else:
                end = now + parse_duration(body.for_)
        except (ValueError, OverflowError) as error:
            raise InvalidInput(str(error), pointer) from None
        if end <= now:
            raise InvalidInput("the end is in the past", pointer)
        check_ahead(end, now, pointer)
        return end

    async def _other(self, name: str) -> int:
        """Return the id of the other incident. Raises: InvalidInput."""
        found = await find_incident(name, self._store)
        if found is None:
            raise InvalidInput(f"there is no incident {name}", "/other")
        return found.id


class CommandApi:
    """The commands below `/api/v1/incidents/{id}/`. A command without effect is not an error."""

    def __init__(  # noqa: PLR0913 - its parts
        self,
        store: Store,
        inbox: Inbox,
        clock: Clock,
        drafts: Drafts,
        *,
        zone: Callable[[], str],
        people: Callable[[], People],
    ) -> None:
        self._store = store
        self._inbox = inbox
        self._drafts = drafts
        self._people = people
        self._particulars = Particulars(store, clock, zone)

    def routes(self) -> list[web.RouteDef]:
        return routes(self)

    @_command("ack", "Acknowledge: somebody is working on it.")
    async def acknowledge(self, call: Call, body: CommandBody) -> Answer[CommandAnswer]:
        return await self._do(call, Command.ACKNOWLEDGE, body)

    @_command("unack", "Withdraw the acknowledgement: the policy starts over.")
    async def unacknowledge(self, call: Call, body: CommandBody) -> Answer[CommandAnswer]:
        return await self._do(call, Command.UNACKNOWLEDGE, body)

    @_command("snooze", "Pause the pages until a time.")
    async def snooze(self, call: Call, body: SnoozeBody) -> Answer[CommandAnswer]:
        return await self._do(call, Command.SNOOZE, body)

    @_command("escalate", "Take the policy's next step now, and void an acknowledgement.")
    async def escalate(self, call: Call, body: CommandBody) -> Answer[CommandAnswer]:
        return await self._do(call, Command.ESCALATE, body)

    @_command("resolve", "Resolve, even while alerts fire.")
    async def resolve(self, call: Call, body: CommandBody) -> Answer[CommandAnswer]:
        return await self._do(call, Command.RESOLVE, body)

    @_command("false-positive", "Close as a false positive, until the alert ends.")
    async def close_as_false_positive(self, call: Call, body: CommandBody) -> Answer[CommandAnswer]:
        return await self._do(call, Command.FALSE_POSITIVE, body)

    @_command("reopen", "Undo a close: the policy goes on from where it stopped.")
    async def reopen(self, call: Call, body: CommandBody) -> Answer[CommandAnswer]:
        return await self._do(call, Command.REOPEN, body)

    @_command("merge", "Close the incident, and let another one take over its alerts.")
    async def merge(self, call: Call, body: RelateBody) -> Answer[CommandAnswer]:
        return await self._do(call, Command.MERGE, body)

    @_command("link", "Link the incident with another one.")
    async def link(self, call: Call, body: RelateBody) -> Answer[CommandAnswer]:
        return await self._do(call, Command.LINK, body)

    @_command("note", "Add a note to the timeline.")
    async def add_note(self, call: Call, body: NoteBody) -> Answer[CommandAnswer]:
        return await self._do(call, Command.NOTE, body)

    @_command("severity", "Set the severity, up or down.")
    async def set_severity(self, call: Call, body: SeverityBody) -> Answer[CommandAnswer]:
        return await self._do(call, Command.SEVERITY, body)

    @_command("assign", "Set the lead or another role: the name in `text`, or the sender.")
    async def assign_lead(self, call: Call, body: AssignBody) -> Answer[CommandAnswer]:
        return await self._do(call, Command.ASSIGN, body)

    @_command("status", "Set the status: investigating, identified or monitoring.")
    async def set_status(self, call: Call, body: StatusBody) -> Answer[CommandAnswer]:
        if body.status not in OPEN:
            expected = ", ".join(OPEN)
            raise InvalidInput(
                f"expected one of: {expected}; other commands close an incident", "/status"
            )
        return await self._do(call, Command.STATUS, body)

    @_command("publish", "Publish an update on the status page.", HTTPStatus.PRECONDITION_REQUIRED)
    async def publish(self, call: Call, body: PublicBody) -> Answer[CommandAnswer]:
        await self._confirmed(call, Command.PUBLISH, body)
        return await self._do(call, Command.PUBLISH, body)

    @_command(
        "announce",
        "Mail customers that the incident is resolved, once.",
        HTTPStatus.PRECONDITION_REQUIRED,
    )
    async def announce(self, call: Call, body: PublicBody) -> Answer[CommandAnswer]:
        await self._confirmed(call, Command.ANNOUNCE, body)
        return await self._do(call, Command.ANNOUNCE, body)

    async def _confirmed(self, call: Call, command: Command, body: PublicBody) -> None:
        """Raises: aiohttp's HTTPPreconditionRequired, if more would be mailed than confirmed."""
        incident = await incident_named(call.request, self._store)
        mailed = await self._drafts.recipients(incident, command)
        if mailed <= body.confirm:
            return
        title, text = await self._drafts.completed(incident, command, body.title, body.text)
        detail = (
            f'this mails {people(mailed)}; to do it, send "confirm": {mailed}\n\n{title}\n\n{text}'
        )
        raise web.HTTPPreconditionRequired(text=detail)

    async def _do(self, call: Call, command: Command, body: CommandBody) -> Answer[CommandAnswer]:
        found = await incident_named(call.request, self._store)
        if command is Command.ANNOUNCE:
            words = await self._drafts.completed(found, command, body.title, body.text)
            body = replace(body, title=words[0], text=words[1])
        event = await self._particulars.event(found, command, body, call.by)
        (reason,) = await self._inbox.submit([event])
        after = await self._store.incident(found.id)
        assert after is not None
        status = HTTPStatus.CONFLICT if reason in REFUSED else HTTPStatus.OK
        named = body.text if command is Command.ASSIGN else ""
        warnings = warnings_about(named, self._people())
        return Answer(CommandAnswer(reason, views.incident(after), warnings), status)
