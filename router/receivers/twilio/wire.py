"""Twilio's webhooks: replies to a message, keys pressed in a call, and delivery statuses of both.

https://www.twilio.com/docs/messaging/guides/webhook-request and /docs/voice/twiml/gather. A
signature contains no time, so a webhook can be replayed. Its id makes sure that this has no effect.

The signature covers the names and values of all fields, joined without a separator. So other fields
may result in the same signature. Names and ids are checked for their format, so that no other split
of the signed text results in another id. The sender's number can be forged, so a reply can do no
more than anybody on call may do.
"""

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from enum import StrEnum
from types import MappingProxyType
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct
from multidict import MultiDict
from twilio.request_validator import (
    HMAC_SHA1,
    HMAC_SHA256,
    RequestValidator,
    get_signature_algorithm,
)
from twilio.twiml.messaging_response import MessagingResponse

from router.config.secret import Secret
from router.core.messages.summary import numbers
from router.core.outbox.digest import MOST
from router.core.text.gsm7 import TWO_SEGMENTS, fit, gsm7
from router.core.text.plain import plain
from router.ports.errors import InvalidInput, Unauthorized

CONTENT_TYPE = "text/xml"
"""Content type of the answers. Twilio rejects JSON."""

MAX_FIELDS = 500
"""Maximum fields of a form. Twilio sends a few dozen, with at most ten files."""

HELP = "Reply ACK 142, RES 142 or ESC 142, with the number of the incident."


class Keyword(StrEnum):
    """A person's request. It can't be a word that Twilio handles itself, such as STOP or END."""

    ACKNOWLEDGE = "ack"
    RESOLVE = "resolve"
    ESCALATE = "escalate"
    REPEAT = "repeat"
    HELP = "help"
    NOTHING = "nothing"


class Reply(Struct, frozen=True):
    """A text message from a person.

    `incident_id` is None if the message names no incident. `text` is the text after the command.
    `number` is the sender's. `sid` is the message's id, by which repeated webhooks are recognized.
    The keyword NOTHING needs no answer.
    """

    command: Keyword
    number: str
    sid: str
    incident_id: int | None = None
    text: str = ""


class Receipt(Struct, frozen=True):
    """Delivery status of a message or a call.

    The sender put the incident, the channel and `also` into the URL.
    """

    sid: str
    status: str
    error_code: int | None
    incident_id: int = 0
    channel: str = ""
    also: tuple[int, ...] = ()

    @property
    def failed(self) -> bool:
        """True if the message or call certainly did not arrive."""
        return self.status in FAILURES


KEYS: Mapping[str, Keyword] = MappingProxyType(
    {"1": Keyword.ACKNOWLEDGE, "2": Keyword.ESCALATE, "3": Keyword.REPEAT}
)

WORDS: Mapping[str, Keyword] = MappingProxyType(
    {
        **dict.fromkeys(("ack", "acked", "acknowledge", "acknowledged"), Keyword.ACKNOWLEDGE),
        **dict.fromkeys(("res", "resolve", "resolved"), Keyword.RESOLVE),
        **dict.fromkeys(("esc", "escalate", "escalated"), Keyword.ESCALATE),
    }
)

# Twilio handles these words itself (https://help.twilio.com/articles/223134027), and sends no
# messages to a person who opted out.
RESERVED = frozenset(
    "stop stopall unsubscribe cancel end quit optout revoke start yes unstop help info".split()  # noqa: SIM905
)

FAILURES = frozenset({"undelivered", "failed", "canceled", "busy", "no-answer"})
"""Final statuses of a message or a call that did not arrive.

Voice mail may have answered a `completed` call: only a key proves that a person received it.
https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks
https://www.twilio.com/docs/voice/api/call-resource#call-status-values
"""

_SID = re.compile(r"(?:SM|MM|CA)[0-9a-f]{32}")
_NAME = re.compile(r"[A-Z][A-Za-z0-9_-]{1,60}")

_COMMAND = re.compile(
    r"([a-z]+)\s*(?:(?:inc)?[\s#:-]*([0-9]{1,9}))?(?![0-9a-z])[\s.,:;!-]*(.*)", re.IGNORECASE
)


def public_url(external_url: str, raw_path: str) -> str:
    """The URL that Twilio signed: the public address, then path and query as in the request."""
    return external_url.rstrip("/") + raw_path


def parse_form(body: bytes) -> MultiDict[str]:
    """All fields of a form, including empty fields, because the signature covers them.

    The sender isn't verified yet. Raises: InvalidInput, if there are too many fields.
    """
    try:
        fields = parse_qsl(
            body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=MAX_FIELDS
        )
    except ValueError:
        raise InvalidInput(f"more than {MAX_FIELDS} fields") from None
    return MultiDict(fields)


def verify(
    headers: Mapping[str, str], urls: Sequence[str], form: MultiDict[str], secrets: Sequence[Secret]
) -> None:
    """Check that Twilio signed the form.

    https://www.twilio.com/docs/usage/webhooks/webhooks-security

    Args:
        headers: names in lower case.
        urls: candidates for the URL that Twilio called. The port may be missing if it's the
        default.
        form: all fields.
        secrets: the primary auth token, and the next one during a rotation.

    Raises: Unauthorized.
    """
    signature = headers.get("x-twilio-signature", "")
    if not signature:
        raise Unauthorized("X-Twilio-Signature is missing")
    algorithm = get_signature_algorithm(headers.get("x-twilio-webhooks-signature-settings")).upper()
    if algorithm not in {HMAC_SHA1, HMAC_SHA256}:
        raise Unauthorized("X-Twilio-Webhooks-Signature-Settings names an unknown algorithm")
    validators = [RequestValidator(secret.reveal()) for secret in secrets]
    if not any(
        validator.validate(url, form, signature, algorithm)
        for validator in validators
        for url in urls
    ):
        raise Unauthorized(
            "X-Twilio-Signature is wrong, or external_url isn't the address that Twilio calls"
        )
    _check_names(form)


def _check_names(form: MultiDict[str]) -> None:
    """Reject names that Twilio never sends: another split of the signed text would have them.

    Raises: Unauthorized.
    """
    if len(set(form)) != len(form):
        raise Unauthorized("a field occurs twice, which Twilio never sends")
    if not all(map(_NAME.fullmatch, form)):
        raise Unauthorized("a field has a name that Twilio never sends")


def parse_reply(form: Mapping[str, str]) -> Reply:
    """The request in an inbound text message.

    Raises: InvalidInput, if the sender or the id is missing.
    """
    number, sid, body = (
        _field(form, "From"),
        parse_sid(form, "MessageSid"),
        plain(form.get("Body", "")),
    )
    if not body or form.get("OptOutType") or body.rstrip(".!").lower() in RESERVED:
        return Reply(Keyword.NOTHING, number, sid)
    found = _COMMAND.fullmatch(body)
    command = WORDS.get(found[1].lower()) if found else None
    if not found or not command or (found[3] and not found[2]):
        # "Resolve the DNS first" must not resolve an incident.
        return Reply(Keyword.HELP, number, sid, text=body)
    return Reply(command, number, sid, int(found[2]) if found[2] else None, found[3])


def parse_key(form: Mapping[str, str]) -> Keyword:
    """The request for a key pressed in a call. A key without a meaning repeats the question."""
    return KEYS.get(form.get("Digits", ""), Keyword.REPEAT)


def parse_receipt(url: str, form: Mapping[str, str]) -> Receipt:
    """Read a status callback. Raises: InvalidInput, if the id or the status is missing."""
    kind = "Call" if "CallSid" in form else "Message"
    status, code = _field(form, f"{kind}Status"), form.get("ErrorCode", "")
    about = dict(parse_qsl(urlsplit(url).query))
    return Receipt(
        sid=parse_sid(form, f"{kind}Sid"),
        status=status,
        error_code=_number(code) or None,
        incident_id=_number(about.get("incident", "")),
        channel=about.get("channel", ""),
        also=_others(about.get("also", "")),
    )


def _others(text: str) -> tuple[int, ...]:
    """The ids of further incidents. Parts that aren't numbers are ignored."""
    found: list[int] = []
    for part in re.split("[,.]", text):
        with suppress(ValueError):
            found += numbers(part)
    return tuple(found[: MOST + 1])


def answer(text: str = "") -> bytes:
    """TwiML that replies with `text`, in at most two segments, or with nothing if it's empty."""
    response = MessagingResponse()
    if text:
        response.message(fit(gsm7(text), TWO_SEGMENTS))
    return str(response).encode()


def parse_sid(form: Mapping[str, str], name: str) -> str:
    """The id of a message or a call: https://www.twilio.com/docs/glossary/what-is-a-sid.

    Raises: InvalidInput.
    """
    sid = _field(form, name)
    if not _SID.fullmatch(sid):
        raise InvalidInput("Not a Twilio id", f"/{name}")
    return sid


def _field(form: Mapping[str, str], name: str) -> str:
    if not (value := form.get(name, "")):
        raise InvalidInput("Missing or empty", f"/{name}")
    return value


def _number(text: str) -> int:
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0
