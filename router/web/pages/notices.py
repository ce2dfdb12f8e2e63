"""The outcome of the last form, for the page that follows: in a cookie, never in the URL.

The cookie contains only names, from which the text is made: the name of one of the page's notices,
or of a command and its results.
"""

from collections.abc import Mapping
from typing import Any

from aiohttp import web
from msgspec import Struct

from router.core.messages.replies import reply
from router.core.oncall.recipients import People
from router.model.event import Command
from router.model.incident import Incident
from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reasons import having
from router.web.api.names import warnings_about

STRICT: Mapping[str, Any] = {"httponly": True, "samesite": "Strict"}
SECONDS = 60
MOST = 100
"""Maximum incidents in one notice."""

DONE_NOTHING = having(Trait.NOTHING_DONE) | having(Trait.REFUSED)

UNDO: Mapping[Command, str] = {
    Command.ACKNOWLEDGE: "unack",
    Command.RESOLVE: "reopen",
    Command.FALSE_POSITIVE: "reopen",
    Command.MERGE: "reopen",
}
"""For each command, the path of the command that undoes it."""

DID: Mapping[Command, str] = {
    Command.ACKNOWLEDGE: "Acknowledged",
    Command.UNACKNOWLEDGE: "Withdrew the acknowledgement of",
    Command.RESOLVE: "Resolved",
    Command.REOPEN: "Reopened",
}
"""Commands to several incidents."""


class Notice(Struct, frozen=True):
    """A message about a change to the incidents `ids`. `undo`: the path of the undoing command."""

    text: str
    kind: str = "good"
    undo: str = ""
    ids: tuple[int, ...] = ()


def after(
    path: str, command: Command, reasons: Mapping[int, Reason], *, to: str = ""
) -> web.HTTPSeeOther:
    """Return the redirect to `path`, where the outcome for each incident is shown."""
    known = ".".join(f"{number}-{reason.value}" for number, reason in [*reasons.items()][:MOST])
    return done(f"{command.value}.{known}", path, to=to)


def done(notice: str, path: str, *, to: str = "") -> web.HTTPSeeOther:
    """Return the redirect to `path`, where the notice is shown; `to` may have a query."""
    response = web.HTTPSeeOther(to or path)
    response.set_cookie(_cookie(path), notice, path=path, max_age=SECONDS, **STRICT)
    return response


def last(request: web.Request) -> str:
    """Return the notice for this page; "" without one."""
    return request.cookies.get(_cookie(request.path), "")


def of_incident(request: web.Request, incident: Incident, people: People) -> Notice | None:
    """Return the outcome of the last form on the page of an incident.

    `people` are the contacts of the config: a lead who is not a contact is not notified.
    """
    command, reasons = _read(request)
    reason = reasons.get(incident.id)
    if command is None or reason is None:
        return None
    text = reply(reason, command, incident)
    if reason in DONE_NOTHING:
        return Notice(text, "warn")
    warnings = _unknown(reason, incident, people)
    if warnings:
        return Notice(f"{text} But {'; '.join(warnings)}.", "warn")
    return Notice(text, undo=UNDO.get(command, ""), ids=(incident.id,))


def _unknown(reason: Reason, incident: Incident, people: People) -> list[str]:
    """Return warnings about assigned people who are not contacts."""
    assigned = {Reason.ASSIGNED: [incident.lead], Reason.ROLE_SET: [*incident.roles.values()]}
    return [
        warning for name in assigned.get(reason, ()) for warning in warnings_about(name, people)
    ]


def of_several(request: web.Request) -> Notice | None:
    """Return the outcome of the last form on the list."""
    command, reasons = _read(request)
    if command is None or command not in DID or not reasons:
        return None
    done = tuple(number for number, reason in reasons.items() if reason not in DONE_NOTHING)
    names = ", ".join(f"INC-{number}" for number in done[:5])
    more = f" and {len(done) - 5} more" if len(done) > 5 else ""
    rest = len(reasons) - len(done)
    text = f"{DID[command]} {names}{more}." if done else "Nothing changed."
    if rest:
        text += f" {rest} {'was' if rest == 1 else 'were'} already in that state, or closed."
    return Notice(text, "good" if done else "warn", UNDO.get(command, "") if done else "", done)


def forget(request: web.Request, response: web.Response) -> web.Response:
    """Remove the cookie: a notice is shown once."""
    if _cookie(request.path) in request.cookies:
        response.del_cookie(_cookie(request.path), path=request.path)
    return response


def _read(request: web.Request) -> tuple[Command | None, dict[int, Reason]]:
    name, *known = last(request).split(".")
    pairs = [part.partition("-") for part in known]
    try:
        return Command(name), {int(pair): Reason(reason) for pair, _, reason in pairs}
    except ValueError:
        return None, {}


def _cookie(path: str) -> str:
    """Return the name of a page's cookie, since pages also get cookies of the paths above them."""
    return f"notice-{path.count('/')}"
