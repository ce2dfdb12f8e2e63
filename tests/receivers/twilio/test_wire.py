"""Twilio's webhooks: signatures by Twilio's own vectors, what people answer, and receipts that
never go back.
"""

from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from router.config.fields import HttpUrl
from router.config.secret import Secret
from router.ports.errors import InvalidInput, Unauthorized
from router.receivers.twilio.wire import (
    HELP,
    RESERVED,
    WORDS,
    Keyword,
    Receipt,
    Reply,
    answer,
    parse_form,
    parse_key,
    parse_receipt,
    parse_reply,
    public_url,
    verify,
)
from router.senders.twilio.client import callback
from tests.core.text.test_gsm7 import segments
from tests.receivers.signed import CA1, SM1
from tests.senders.kit import make_message

# https://www.twilio.com/docs/usage/security: the example, and the same by HMAC-SHA256 from the
# package
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FIELDS = {
    "CallSid": "CA1234567890ABCDE",
    "Caller": "+14158675309",
    "Digits": "1234",
    "From": "+14158675309",
    "To": "+18005551212",
}
BODY = urlencode(FIELDS).encode()
SHA1 = "RSOYDt4T1cUTdK1PDd93/VVr8B8="
SHA256 = "033hgUJA9M/hXIZsYjwkerEP/DBm35nEri5FhCYjA5s="
TOKEN, OTHER = Secret("12345"), Secret("54321")
SETTINGS = "x-twilio-webhooks-signature-settings"


def check(
    signature: str | None,
    url: str = URL,
    body: bytes = BODY,
    *,
    settings: str = "",
    secrets: Any = (TOKEN,),
) -> None:
    headers = {} if signature is None else {"x-twilio-signature": signature}
    verify(
        {**headers, **({SETTINGS: settings} if settings else {})},
        ["https://elsewhere.example.com", url],
        parse_form(body),
        secrets,
    )


@pytest.mark.parametrize(
    "options",
    [
        {"signature": SHA1},
        {"signature": SHA1, "url": URL.replace(".com/", ".com:443/")},
        {"signature": SHA1, "secrets": (OTHER, TOKEN)},
        {"signature": SHA1, "settings": "key=webhooks_sharedkey_1,algorithm=HMAC_SHA1"},
        {"signature": SHA256, "settings": "key=webhooks_sharedkey_1,algorithm=HMAC_SHA256"},
    ],
)
def test_what_twilio_signed_is_taken(options: dict[str, Any]) -> None:
    """Either hash, with and without the port, with any of the secrets during a change."""
    check(**options)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"signature": None}, "missing"),
        ({"signature": ""}, "missing"),
        ({"signature": "RSOYDt4T1cUTdK1PDd93/VVr8B9="}, "wrong"),
        ({"signature": "é\udcff"}, "wrong"),
        ({"signature": SHA1, "secrets": (OTHER,)}, "wrong"),
        ({"signature": SHA1, "secrets": ()}, "wrong"),
        ({"signature": SHA1, "url": "http://mycompany.com/myapp.php?foo=1&bar=2"}, "wrong"),
        ({"signature": SHA1, "url": "https://mycompany.com/myapp.php?foo=1"}, "wrong"),
        ({"signature": SHA1, "body": BODY.replace(b"Digits=1234", b"Digits=1")}, "wrong"),
        ({"signature": SHA1, "body": BODY + b"&Extra="}, "wrong"),
        ({"signature": SHA256}, "wrong"),
        ({"signature": SHA1, "settings": "key=1,algorithm=HMAC_SHA256"}, "wrong"),
        ({"signature": SHA1, "settings": "key=1,algorithm=NONE"}, "unknown algorithm"),
        ({"signature": SHA1, "body": b'{"a": 1}'}, "wrong"),
    ],
)
def test_what_twilio_did_not_sign_is_refused(options: dict[str, Any], why: str) -> None:
    """Missing, wrong or additional data is refused; the answer contains no secret."""
    with pytest.raises(Unauthorized, match=why) as refused:
        check(**options)
    assert "12345" not in str(refused.value)


@given(st.dictionaries(st.sampled_from(["From", "Body", "MediaUrl0", "SipHeader_X-Id"]), st.text()))
def test_any_form_that_is_signed_is_taken(form: dict[str, str]) -> None:
    """Empty, with blanks or in any script: the signature is over what arrived."""
    body = urlencode(form, errors="surrogatepass").encode()
    signature = RequestValidator("12345").compute_signature(URL, parse_form(body))
    check(signature, body=body)


SIGNED = {
    "AccountSid": "AC" + "0" * 32,
    "Body": "ACK 142",
    "From": "+442079460123",
    "MessageSid": "SM" + "1" * 32,
}


@pytest.mark.parametrize(
    "split",
    [
        # Each joins to the same text as SIGNED: the boundary between a name and its value has
        # moved.
        {
            "AccountSid": "AC" + "0" * 32,
            "Body": "ACK 142From+442079460123",
            "MessageSid": "SM" + "1" * 32,
        },
        {
            "AccountSid": "AC" + "0" * 32,
            "Body": "ACK 142",
            "From": "+442079460123MessageSidSM" + "1" * 32,
        },
        {
            "AccountSidAC" + "0" * 32: "",
            "Body": "ACK 142",
            "From": "+442079460123",
            "MessageSidSM": "1" * 32,
        },
        {
            "AccountSid": "AC" + "0" * 32,
            "Body": "ACK 142",
            "From": "+442079460123",
            "MessageSi": "dSM" + "1" * 32,
        },
    ],
)
def test_another_split_of_a_signed_form_is_no_other_message(split: dict[str, str]) -> None:
    """Twilio joins names and values without a separator: what isn't the same message is refused or
    unreadable.
    """
    signature = RequestValidator("12345").compute_signature(URL, SIGNED)
    assert RequestValidator("12345").compute_signature(URL, split) == signature
    form = parse_form(urlencode(split).encode())
    try:
        check(signature, body=urlencode(split).encode())
        reply = parse_reply(form)
    except (Unauthorized, InvalidInput):
        return
    assert (reply.sid, reply.number) == (SIGNED["MessageSid"], SIGNED["From"])


def test_a_field_that_comes_twice_is_refused() -> None:
    """Twilio never sends one, and only the first of them would be read."""
    body = b"Body=a&Body=b"
    signature = RequestValidator("12345").compute_signature(URL, parse_form(body))
    with pytest.raises(Unauthorized, match="twice"):
        check(signature, body=body)


@pytest.mark.parametrize(
    "sid", ["SM1", "SM" + "1" * 32 + "NumMedia0", "SM" + "g" * 32, "CA" + "1" * 31, "XX" + "1" * 32]
)
def test_what_is_no_id_of_twilio_is_refused(sid: str) -> None:
    """A longer id would make a repeated message another one."""
    with pytest.raises(InvalidInput) as refused:
        parse_reply(sms("ACK 142", MessageSid=sid))
    assert refused.value.pointer == "/MessageSid"


def test_a_form_without_end_is_not_read() -> None:
    """Megabytes of it would occupy the router for seconds before the sender is authenticated."""
    with pytest.raises(InvalidInput) as refused:
        parse_form(b"a=b&" * 501)
    assert refused.value.detail == "more than 500 fields"
    assert len(parse_form(b"&".join([b"a=b"] * 500))) == 500


def test_the_signed_url_is_the_public_one() -> None:
    """A proxy's own address in front of the router isn't what Twilio called."""
    path = "/webhooks/twilio/sms?x=%20"
    assert (
        public_url("https://router.example.com/", path)
        == "https://router.example.com/webhooks/twilio/sms?x=%20"
    )


# --- answers by message


def sms(body: str, **more: str) -> dict[str, str]:
    return {"From": "+442079460123", "To": "+442079460999", "MessageSid": SM1, "Body": body, **more}


def reply(command: Keyword, incident_id: int | None = None, text: str = "") -> Reply:
    return Reply(command, "+442079460123", SM1, incident_id, text)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("ACK 142", reply(Keyword.ACKNOWLEDGE, 142)),
        ("ack INC-142", reply(Keyword.ACKNOWLEDGE, 142)),
        (" Ack  inc 142. ", reply(Keyword.ACKNOWLEDGE, 142)),
        ("ack142", reply(Keyword.ACKNOWLEDGE, 142)),
        ("Ack #142!", reply(Keyword.ACKNOWLEDGE, 142)),
        ("ACK: 142, on it\nsoon", reply(Keyword.ACKNOWLEDGE, 142, "on it soon")),
        ("ACK", reply(Keyword.ACKNOWLEDGE)),
        ("Ack.", reply(Keyword.ACKNOWLEDGE)),
        ("RES 142", reply(Keyword.RESOLVE, 142)),
        ("Resolved INC-142 - restarted 3 pods", reply(Keyword.RESOLVE, 142, "restarted 3 pods")),
        ("ESC 142", reply(Keyword.ESCALATE, 142)),
        ("escalate", reply(Keyword.ESCALATE)),
        # not a command, or not surely one: help, and nothing done
        ("hello", reply(Keyword.HELP, text="hello")),
        ("142", reply(Keyword.HELP, text="142")),
        ("resolve the DNS first", reply(Keyword.HELP, text="resolve the DNS first")),
        ("ack 142x", reply(Keyword.HELP, text="ack 142x")),
        ("acknowledging 142", reply(Keyword.HELP, text="acknowledging 142")),
        ("ack 12345678901", reply(Keyword.HELP, text="ack 12345678901")),
        ("ack ١٤٢", reply(Keyword.HELP, text="ack ١٤٢")),
        ("nack 142", reply(Keyword.HELP, text="nack 142")),
        # Twilio's
        ("STOP", reply(Keyword.NOTHING)),
        ("End.", reply(Keyword.NOTHING)),
        ("help", reply(Keyword.NOTHING)),
        ("", reply(Keyword.NOTHING)),
        ("\x00", reply(Keyword.NOTHING)),
    ],
)
def test_an_answer_is_a_command_help_or_nothing(body: str, expected: Reply) -> None:
    """In any case and spelling of the number; what isn't clear does nothing but ask."""
    assert parse_reply(sms(body)) == expected


def test_an_opt_out_is_not_answered() -> None:
    """Twilio has done so, and refuses any further message."""
    assert parse_reply(sms("arret", OptOutType="STOP")).command is Keyword.NOTHING


def test_no_command_is_a_word_that_twilio_keeps() -> None:
    """STOP or END from a responder would cut them off from all pages."""
    assert not WORDS.keys() & RESERVED
    assert not set(HELP.lower().replace(",", "").split()) & RESERVED


@pytest.mark.parametrize("missing", ["From", "MessageSid"])
def test_an_answer_from_nobody_is_bad(missing: str) -> None:
    """The field is named."""
    with pytest.raises(InvalidInput) as bad:
        parse_reply({**sms("ACK"), missing: ""})
    assert bad.value.pointer == f"/{missing}"


@given(st.text())
def test_any_text_can_be_read(body: str) -> None:
    """And nothing but a command of ours makes one."""
    said = parse_reply(sms(body))
    assert isinstance(said.command, Keyword)
    assert said.incident_id is None or 0 <= said.incident_id < 10**9


@pytest.mark.parametrize(
    ("digits", "said"),
    [
        ("1", Keyword.ACKNOWLEDGE),
        ("2", Keyword.ESCALATE),
        ("3", Keyword.REPEAT),
        ("9", Keyword.REPEAT),
        ("", Keyword.REPEAT),
    ],
)
def test_a_key_is_a_command(digits: str, said: Keyword) -> None:
    """One without a meaning gets the question again."""
    assert parse_key({"Digits": digits}) is said


# --- receipts


@pytest.mark.parametrize(
    ("form", "expected", "failed"),
    [
        (
            {"MessageSid": SM1, "MessageStatus": "undelivered", "ErrorCode": "30006"},
            Receipt(SM1, "undelivered", 30006),
            True,
        ),
        ({"MessageSid": SM1, "MessageStatus": "sent"}, Receipt(SM1, "sent", None), False),
        (
            {"MessageSid": SM1, "MessageStatus": "delivered", "ErrorCode": ""},
            Receipt(SM1, "delivered", None),
            False,
        ),
        ({"CallSid": CA1, "CallStatus": "no-answer"}, Receipt(CA1, "no-answer", None), True),
        ({"CallSid": CA1, "CallStatus": "completed"}, Receipt(CA1, "completed", None), False),
        ({"CallSid": CA1, "CallStatus": "new"}, Receipt(CA1, "new", None), False),
    ],
)
def test_a_receipt_says_whether_it_failed(
    form: dict[str, str], expected: Receipt, failed: bool
) -> None:
    """For sure: a status that Twilio adds one day settles nothing."""
    assert parse_receipt(URL, form) == expected
    assert parse_receipt(URL, form).failed is failed


def test_a_receipt_is_about_the_message_that_asked_for_it() -> None:
    """The sender's URL comes back and is understood."""
    url = callback(
        HttpUrl("https://example.com"), "status", make_message(channel="on call & more", seq=3)
    )
    receipt = parse_receipt(url, {"MessageSid": SM1, "MessageStatus": "sent"})
    assert (receipt.incident_id, receipt.channel) == (142, "on call & more")


@pytest.mark.parametrize(
    "form", [{}, {"MessageStatus": "sent"}, {"MessageSid": SM1}, {"CallSid": CA1}]
)
def test_a_receipt_about_nothing_is_bad(form: dict[str, str]) -> None:
    """The field is named."""
    with pytest.raises(InvalidInput, match="Missing"):
        parse_receipt(URL, form)


# --- answers to Twilio


def test_an_answer_is_twiml_in_two_segments_or_none() -> None:
    """Escaped by the library."""
    assert ET.fromstring(answer()).findall("*") == []
    (message,) = ET.fromstring(answer("Acknowledged: <INC-142> & “co”"))
    assert (message.tag, message.text) == ("Message", 'Acknowledged: <INC-142> & "co"')
    (message,) = ET.fromstring(answer("€" * 999))
    assert message.text is not None
    assert segments(message.text) == 2
