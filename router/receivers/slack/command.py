"""Parses the command `/incident`."""

import re
from collections.abc import Iterable, Mapping

from router.core.oncall.schedule import on_call
from router.core.rules.manual_alert import reported
from router.core.text.units import Dimension, read_value
from router.model.event import Command
from router.model.incident import Severity
from router.ports.webhooks import CommandRequest, Received
from router.receivers.context import ReceiverContext
from router.receivers.slack.text import written

WORDS: Mapping[str, Command | None] = {
    "ack": Command.ACKNOWLEDGE,
    "escalate": Command.ESCALATE,
    "lead": Command.ASSIGN,
    "resolve": Command.RESOLVE,
    "note": Command.NOTE,
    "severity": Command.SEVERITY,
    "unack": Command.UNACKNOWLEDGE,
    "snooze": Command.SNOOZE,
    "reopen": Command.REOPEN,
    "merge": Command.MERGE,
    "link": Command.LINK,
    "show": None,
    "list": None,
}
HELP = (
    'Try `/incident list`, `/incident open "TITLE" P1`, `/incident ack 142`, `/incident lead 142`, '
    "`/incident escalate 142`, `/incident resolve 142`, `/incident note 142 TEXT`, "
    "`/incident severity 142 P2`, `/incident unack 142`, `/incident snooze 142 2h`, "
    "`/incident reopen 142`, `/incident merge 142 150`, `/incident link 142 150`, "
    "`/incident show 142` or `/incident on-call`."
)

MAX_SNOOZE = 7 * 86_400.0
"""Seconds."""

_NUMBER = re.compile(r"(?:INC-)?([0-9]{1,15})(?:\s+(.*))?", re.IGNORECASE | re.ASCII | re.DOTALL)
_OTHER = re.compile(r"(?:into\s+|with\s+)?(?:INC-)?([0-9]{1,15})", re.IGNORECASE | re.ASCII)
_SEVERITY = re.compile(r"(P[0-3])(?:\s+(.*))?", re.IGNORECASE | re.DOTALL)
_OPEN = re.compile(r"[\"“”](?P<quoted>[^\"“”]+)[\"“”](?:\s+(?P<severity>P[0-3]))?", re.IGNORECASE)
_OPEN_BARE = re.compile(r"(?P<bare>[^\"“”]+?)(?:\s+(?P<severity>P[0-3]))?", re.IGNORECASE)


def parse_command(
    typed: str, by: str, receipt: str, now: float, context: ReceiverContext
) -> Received:
    """The request of `by`, or help. Without a number it's about the only open incident."""
    word, _, rest = written(typed, context.slack).partition(" ")
    word, rest = word.lower(), rest.strip()
    if word in {"on-call", "oncall"} and not rest:
        return Received(words=" ".join(_on_call(context, now)) or "No schedule is configured.")
    if word == "open":
        return _open(rest, by, now)
    request = _request(word, rest, by, receipt) if word in WORDS else None
    return Received(commands=[request]) if request else Received(words=HELP)


def _request(word: str, rest: str, by: str, receipt: str) -> CommandRequest | None:
    """None if the text cannot be understood."""
    command = WORDS[word]
    numbered = _NUMBER.fullmatch(rest)
    incident_id, text = (
        (int(numbered[1]), (numbered[2] or "").strip()) if numbered else (None, rest)
    )
    severity = None
    if command is Command.SEVERITY:
        given = _SEVERITY.fullmatch(text)
        if not given:
            return None
        severity, text = Severity(given[1].upper()), (given[2] or "").strip()
    elif text and incident_id is None:
        return None  # a mistyped number must not become a note on another incident
    if command is Command.NOTE and not text:
        return None
    if command is Command.ASSIGN:
        text = text.removeprefix("@").strip()
    seconds, other = None, 0
    if command is Command.SNOOZE:
        seconds, text = _seconds(text)
        if not seconds:
            return None
    if command in {Command.MERGE, Command.LINK}:
        named = _OTHER.fullmatch(text)
        if not named:
            return None
        other, text = int(named[1]), ""
    return CommandRequest(
        incident_id,
        command,
        by,
        text,
        receipt,
        severity=severity,
        seconds=seconds,
        other=other,
    )


def _seconds(text: str) -> tuple[float | None, str]:
    """The duration at the beginning, such as `2h` or `90m`, and the rest."""
    word, _, rest = text.partition(" ")
    if word[-1:].isdigit():
        return None, text  # a number alone could mean minutes or hours
    try:
        seconds = read_value(word, Dimension.TIME)
    except ValueError:
        return None, text
    return (seconds if 0 < seconds <= MAX_SNOOZE else None), rest.strip()


def _open(rest: str, by: str, now: float) -> Received:
    """Declare an incident. The title may have no quotes, or a phone's typographic quotes."""
    rest = " ".join(rest.split())  # the patterns would be slow on many blanks
    found = _OPEN.fullmatch(rest) or _OPEN_BARE.fullmatch(rest)
    if not found:
        return Received(words='Give it a title: `/incident open "Checkout is down" P1`.')
    severity = Severity(found["severity"].upper()) if found["severity"] else None
    try:
        return Received(alerts=[reported(found[1], by, now, severity=severity)])
    except ValueError as error:
        return Received(words=f"Nothing was opened: {error}.")


def _on_call(context: ReceiverContext, now: float) -> Iterable[str]:
    for name, schedule in context.schedules().items():
        people = [context.names.get(contact, contact) for contact in on_call(schedule, now)]
        yield f"{name}: {', '.join(people) or 'nobody'}."
