"""The forms of an incident's page: each submits a command, and redirects to the page.

A command that closes an incident, pages or mails people asks for confirmation first.
"""

from collections.abc import Callable, Mapping
from urllib.parse import quote, unquote

import msgspec
from aiohttp import web
from msgspec import Struct
from msgspec.structs import replace

from router.core.incident.outlook import outlook
from router.core.incident.settings import Settings
from router.model.event import Command, Resent
from router.model.incident import Incident
from router.model.reason import Reason
from router.ports.clock import Clock
from router.ports.errors import InvalidInput
from router.ports.services import Inbox
from router.ports.store import Store
from router.web.api.actions import Actions, AnswerBody, RequestBody
from router.web.api.commands import BODIES, COMMANDS, CommandBody, Particulars, people
from router.web.api.content import form, incident_named
from router.web.api.operation import Call
from router.web.api.previews import Drafts
from router.web.auth import Credential, Role, identify, named
from router.web.pages import notices
from router.web.pages.frame import inside

NAME = "name"
"""The cookie with the name that a reader without credentials gave."""

KEPT = 365 * 86_400
"""Seconds for which a name is kept."""

FIELDS: Mapping[Command, Mapping[str, str]] = {
    Command.ASSIGN: {"text": "lead", "role": "role"},
    Command.PUBLISH: {"title": "title", "text": "text"},
    Command.ANNOUNCE: {"title": "title", "text": "text"},
    Command.SNOOZE: {"for": "for"},
    Command.MERGE: {"other": "other", "text": "text"},
    Command.LINK: {"other": "other"},
}
"""The fields of a command, and those of its form."""

PATHS = {command: path for path, command in COMMANDS.items()}
MAILS = (Command.PUBLISH, Command.ANNOUNCE)


class Question(Struct, frozen=True):
    """A question before a command, its effect, the button, and the label of the note."""

    question: str
    effect: str
    button: str
    note: str = "Note"
    danger: bool = True


class IncidentForms:
    """Submits commands; decides nothing."""

    def __init__(  # noqa: PLR0913 - its parts
        self,
        store: Store,
        inbox: Inbox,
        clock: Clock,
        drafts: Drafts,
        actions: Actions,
        *,
        zone: Callable[[], str],
        settings: Callable[[], Settings],
    ) -> None:
        self._store = store
        self._inbox = inbox
        self._clock = clock
        self._drafts = drafts
        self._actions = actions
        self._settings = settings
        self._arguments = Particulars(store, clock, zone)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/incidents/{id}/resend", self.resend),
            web.post("/incidents/{id}/actions", self.request_action),
            web.post("/incidents/{id}/actions/{number}", self.answer_action),
            web.post("/incidents/{id}/{command}", self.do),
        ]

    async def do(self, request: web.Request) -> web.Response:
        """Submit the form's command, after confirmation if it needs one, and redirect.

        Raises: InvalidInput; aiohttp's 403, 404 and 413.
        """
        identify(request, Role.RESPONDER, in_browser=True)
        incident = await incident_named(request, self._store)
        command = COMMANDS.get(request.match_info["command"])
        if command is None:
            raise web.HTTPNotFound(text="there is no such command")
        filled = await form(request)
        typed = named(filled.get("by", "")) if asks_name(request) else ""
        body = await self._said(filled, command, incident)
        event = await self._arguments.event(incident, command, body, sender_name(request))
        if not filled.get("confirm"):
            question = await self._question(incident, command, filled.get("other", ""))
            if question is not None:
                return _ask(request, incident, command, body, question, filled, typed)
        (reason,) = await self._inbox.submit([replace(event, by=typed or event.by)])
        raise _back(incident, command, reason, typed)

    async def resend(self, request: web.Request) -> web.Response:
        """Send a message again. Raises: InvalidInput; aiohttp's 403, 404 and 413."""
        identify(request, Role.RESPONDER, in_browser=True)
        incident = await incident_named(request, self._store)
        channel = (await form(request)).get("channel", "")
        if not await self._store.notifications(incident_id=incident.id, channel=channel):
            raise InvalidInput(
                f"{incident.name} has no message for the channel '{channel}'", "/channel"
            )
        await self._inbox.submit(
            [Resent(self._clock.now(), incident.id, channel, sender_name(request))]
        )
        raise web.HTTPSeeOther(f"/incidents/{incident.id}#messages")

    async def request_action(self, request: web.Request) -> web.Response:
        """Request an action, or to undo one. Raises: InvalidInput; aiohttp's 403, 404 and 413."""
        identify(request, Role.RESPONDER, in_browser=True)
        filled = await form(request)
        given: dict[str, str | int] = {
            name.removeprefix("parameter-"): value
            for name, value in filled.items()
            if name.startswith("parameter-") and value
        }
        undo = filled.get("undo", "")
        body = RequestBody(
            action=filled.get("action", ""),
            parameters=given,
            undo=int(undo) if undo.isascii() and undo.isdigit() else 0,
        )
        incident = await incident_named(request, self._store)
        key = filled.get("key", "")[:100]
        result = await self._actions.request(incident, body, sender_name(request), key)
        return self._after_action(request, result.value.why)

    async def answer_action(self, request: web.Request) -> web.Response:
        """Approve, decline or confirm. Raises: InvalidInput; aiohttp's 403, 404 and 413."""
        identify(request, Role.RESPONDER, in_browser=True)
        filled = await form(request)
        answers = {
            "approve": self._actions.approve_action,
            "decline": self._actions.decline_action,
            "confirm": self._actions.confirm_action_step,
        }
        answer = answers.get(filled.get("do", ""))
        if answer is None:
            raise InvalidInput("approve, decline or confirm", "/do")
        body = AnswerBody(filled.get("text", ""))
        result = await answer(Call(request, sender_name(request)), body)
        return self._after_action(request, result.value.why)

    def _after_action(self, request: web.Request, refused: str | None) -> web.Response:
        if refused:
            raise web.HTTPConflict(text=refused)
        raise web.HTTPSeeOther(f"/incidents/{request.match_info['id']}")

    async def _said(
        self, filled: Mapping[str, str], command: Command, incident: Incident
    ) -> CommandBody:
        """Return the arguments of the command. Raises: InvalidInput."""
        arguments = _arguments(filled, command)
        if command not in MAILS:
            return arguments
        title, text = await self._drafts.completed(
            incident, command, arguments.title, arguments.text
        )
        return replace(arguments, title=title, text=text)

    async def _question(self, incident: Incident, command: Command, other: str) -> Question | None:
        """Return the question that a command asks first; None if it needs no confirmation."""
        match command:
            case Command.RESOLVE if incident.is_open:
                ends = f"{_firing(incident)} Escalation ends.{_public_end(incident)}"
                effect = f"{ends} You can reopen it."
                return Question(f"Resolve {incident.name}?", effect, "Resolve", "What fixed it")
            case Command.FALSE_POSITIVE if incident.is_open:
                return Question(
                    f"Mark {incident.name} as a false positive?",
                    f"It is closed. Its firing alerts ({incident.firing}) notify nobody until they "
                    "end or become worse than now. You can reopen it.",
                    "Mark as a false positive",
                )
            case Command.ESCALATE if incident.is_open:
                return Question(
                    f"Escalate {incident.name}?",
                    await self._escalation(incident),
                    "Escalate",
                    danger=False,
                )
            case Command.MERGE if incident.is_open:
                effect = f"{incident.name} is closed, and {other} takes over its alerts."
                return Question(f"Merge {incident.name} into {other}?", effect, "Merge")
        recipients = await self._drafts.recipients(incident, command) if command in MAILS else 0
        if not recipients:
            return None
        button = "Publish and mail" if command is Command.PUBLISH else "Mail customers"
        return Question(f"This mails {people(recipients)}.", "Mail cannot be taken back.", button)

    async def _escalation(self, incident: Incident) -> str:
        """Describe the next step: escalating undoes an acknowledgement, a mute and a snooze."""
        unheard = replace(incident, acknowledged_at=None, muted=None, snoozed_until=None)
        timeline = await self._store.timeline(incident.id)
        upcoming = outlook(unheard, timeline, self._settings(), self._clock.now()).upcoming
        step = next((found for found in upcoming if found.targets), None)
        if step is None:
            return "The policy has no further step: nobody else is notified."
        reached = ", ".join(step.addresses or step.targets)
        return f"{step.what.capitalize()} runs now and notifies {reached}."


def _public_end(incident: Incident) -> str:
    return " The status page shows that it is over." if incident.public_title else ""


def _firing(incident: Incident) -> str:
    if not incident.firing:
        return "No alert fires."
    return (
        "1 alert still fires." if incident.firing == 1 else f"{incident.firing} alerts still fire."
    )


def _ask(  # noqa: PLR0913, PLR0917 - the parts of the page
    request: web.Request,
    incident: Incident,
    command: Command,
    body: CommandBody,
    question: Question,
    filled: Mapping[str, str],
    name: str,
) -> web.Response:
    """Return the page that asks for confirmation, with everything that was typed."""
    return inside(
        request,
        "confirm.html",
        incident=incident,
        path=PATHS[command],
        mails=command in MAILS,
        title=body.title,
        text=body.text,
        other=filled.get("other", ""),
        name=name,
        **msgspec.structs.asdict(question),
    )


def sender_name(request: web.Request) -> str:
    """Return the reader's name; without credentials, the name that they gave before."""
    name = identify(request, Role.VIEWER, in_browser=True).name
    return (reader_name(request) or name) if asks_name(request) else name


def asks_name(request: web.Request) -> bool:
    """Report whether neither credentials nor a proxy identify the person."""
    reader = identify(request, Role.VIEWER, in_browser=True)
    return reader.credential is Credential.NONE and "X-Router-User" not in request.headers


def reader_name(request: web.Request) -> str:
    """Return the name that the reader gave before; "" without one."""
    return named(unquote(request.cookies.get(NAME, "")))


def _arguments(filled: Mapping[str, str], command: Command) -> CommandBody:
    """Return the fields of the form that belong to the command. Raises: InvalidInput."""
    names = FIELDS.get(command, {"text": "text", command.value: command.value})
    given = {name: filled[field] for name, field in names.items() if filled.get(field)}
    try:
        return msgspec.convert(given, BODIES.get(command, CommandBody))
    except msgspec.ValidationError as error:
        raise InvalidInput(str(error)) from None


def _back(incident: Incident, command: Command, reason: Reason, name: str) -> web.HTTPSeeOther:
    """Return the redirect to the incident, with the outcome as a notice, and the name kept."""
    response = notices.after(f"/incidents/{incident.id}", command, {incident.id: reason})
    if name:
        response.set_cookie(NAME, quote(name), path="/", max_age=KEPT, **notices.STRICT)
    return response
