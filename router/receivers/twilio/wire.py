"""Twilio's webhooks: answers to a message, keys pressed in a call, and what became of either. All
of it is pure.

https://www.twilio.com/docs/messaging/guides/webhook-request and /docs/voice/twiml/gather. A
signature has no time in it, so what is taken from a webhook must do no harm when it comes twice.
The number that an answer comes from can be
forged: it's good for what anybody on call may do, and no more.
"""

import re
from collections.abc import Mapping, Sequence
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
from router.core.outbox.digest import MOST
from router.core.text.gsm7 import TWO_SEGMENTS, fit, gsm7
from router.core.text.plain import plain
from router.ports.errors import InvalidInput, Unauthorized

CONTENT_TYPE = "text/xml"
"""Of the answers below. Twilio refuses JSON."""

MAX_FIELDS = 500
"""Of a form. Twilio sends some dozens, and ten files at the most."""

HELP = "Reply ACK 142, RES 142 or ESC 142, with the number of the incident."


class Said(StrEnum):
    """What a person asks for.

    Nothing of it is a word that Twilio keeps for itself, such as STOP or END.
    """

    ACKNOWLEDGE = "ack"
    RESOLVE = "resolve"
    ESCALATE = "escalate"
    REPEAT = "repeat"
    HELP = "help"
    NOTHING = "nothing"


class Reply(Struct, frozen=True):
    """A text message from a person.

    `incident_id` is None where none was named: of those open for this person it's the only one, if
    it is. `text` is what followed. `number` is who it came from, `sid` the message, by which a
    repeated one is known. NOTHING is not to be answered.
    """

    command: Said
    number: str
    sid: str
    incident_id: int | None = None
    text: str = ""


class Receipt(Struct, frozen=True):
    """What became of a message or a call.

    The last three say what it was about, as the sender put them into the URL.
    """

    sid: str
    status: str
    error_code: int | None
    incident_id: int = 0
    channel: str = ""
    also: tuple[int, ...] = ()

    @property
    def failed(self) -> bool:
        """Is it certain that it didn't arrive?"""
        return self.status in FAILURES


KEYS: Mapping[str, Said] = MappingProxyType(
    {"1": Said.ACKNOWLEDGE, "2": Said.ESCALATE, "3": Said.REPEAT}
)

WORDS: Mapping[str, Said] = MappingProxyType(
    {
        **dict.fromkeys(("ack", "acked", "acknowledge", "acknowledged"), Said.ACKNOWLEDGE),
        **dict.fromkeys(("res", "resolve", "resolved"), Said.RESOLVE),
        **dict.fromkeys(("esc", "escalate", "escalated"), Said.ESCALATE),
    }
)

# https://help.twilio.com/articles/223134027: Twilio acts on these itself, and whoever opted out
# can't be answered.
RESERVED = frozenset(
    "stop stopall unsubscribe cancel end quit optout revoke start yes unstop help info".split()  # noqa: SIM905
)

FAILURES = frozenset({"undelivered", "failed", "canceled", "busy", "no-answer"})
"""The statuses that end a message or a call without its having arrived. A call that was `completed`
may have been
answered by voice mail: only a key says that somebody heard it.

https://www.twilio.com/docs/messaging/guides/outbound-message-status-in-status-callbacks
https://www.twilio.com/docs/voice/api/call-resource#call-status-values
"""

_COMMAND = re.compile(
    r"([a-z]+)\s*(?:(?:inc)?[\s#:-]*([0-9]{1,9}))?(?![0-9a-z])[\s.,:;!-]*(.*)", re.IGNORECASE
)


def public_url(external_url: str, raw_path: str) -> str:
    """The URL that Twilio signed: the public address in front of the path and query, as the request
    line has them.
    """
    return external_url.rstrip("/") + raw_path


def parse_form(body: bytes) -> MultiDict[str]:
    """All fields of a form, empty ones, too, since the signature is over all of them. Raises: Bad,
    if they're too many.

    It's read before it's known who sent it.
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
    """Check that Twilio sent it: https://www.twilio.com/docs/usage/webhooks/webhooks-security.

    Args:
        headers: with names in lower case.
        urls: by `public_url`, any of which Twilio may have called; right with and without the
        scheme's own port.
        form: the whole of it.
        secrets: any of which may have signed: the primary auth token, the next one while it's
        changed, a shared key.

    Raises: Unauthorized.
    """
    signature = headers.get("x-twilio-signature", "")
    if not signature:
        raise Unauthorized("X-Twilio-Signature is missing")
    algorithm = get_signature_algorithm(headers.get("x-twilio-webhooks-signature-settings")).upper()
    if algorithm not in {HMAC_SHA1, HMAC_SHA256}:
        raise Unauthorized("X-Twilio-Webhooks-Signature-Settings names an unknown algorithm")
    validators = [RequestValidator(secret.reveal()) for secret in secrets]
    if not any(one.validate(url, form, signature, algorithm) for one in validators for url in urls):
        raise Unauthorized(
            "X-Twilio-Signature is wrong, or external_url isn't the address that Twilio calls"
        )


def parse_reply(form: Mapping[str, str]) -> Reply:
    """What an inbound text message asks for. Raises: Bad, if it doesn't say who it is from."""
    number, sid, body = (
        _field(form, "From"),
        _field(form, "MessageSid"),
        plain(form.get("Body", "")),
    )
    if not body or form.get("OptOutType") or body.rstrip(".!").lower() in RESERVED:
        return Reply(Said.NOTHING, number, sid)
    found = _COMMAND.fullmatch(body)
    command = WORDS.get(found[1].lower()) if found else None
    if not found or not command or (found[3] and not found[2]):
        # "Resolve the DNS first" isn't about every incident that its sender has.
        return Reply(Said.HELP, number, sid, text=body)
    return Reply(command, number, sid, int(found[2]) if found[2] else None, found[3])


def parse_key(form: Mapping[str, str]) -> Said:
    """What a key pressed in a call asks for; any that has no meaning gets the question again."""
    return KEYS.get(form.get("Digits", ""), Said.REPEAT)


def parse_receipt(url: str, form: Mapping[str, str]) -> Receipt:
    """A status callback, to the URL that the sender gave.

    Raises: Bad, if it doesn't say about what.
    """
    kind = "Call" if "CallSid" in form else "Message"
    status, code = _field(form, f"{kind}Status"), form.get("ErrorCode", "")
    about = dict(parse_qsl(urlsplit(url).query))
    return Receipt(
        sid=_field(form, f"{kind}Sid"),
        status=status,
        error_code=_number(code) or None,
        incident_id=_number(about.get("incident", "")),
        channel=about.get("channel", ""),
        also=tuple(filter(None, map(_number, about.get("also", "").split(".")[:MOST]))),
    )


def answer(text: str = "") -> bytes:
    """TwiML that answers a message with `text`, in two segments at most; or not at all."""
    response = MessagingResponse()
    if text:
        response.message(fit(gsm7(text), TWO_SEGMENTS))
    return str(response).encode()


def _field(form: Mapping[str, str], name: str) -> str:
    if not (value := form.get(name, "")):
        raise InvalidInput("Missing or empty", f"/{name}")
    return value


def _number(text: str) -> int:
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else 0
