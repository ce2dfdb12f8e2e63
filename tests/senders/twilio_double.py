"""A loopback Twilio that refuses what the real one would: credentials, fields, lengths, TwiML."""

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl
from xml.etree import ElementTree as ET

from tests.senders.kit import Reply, Request

ACCOUNT = "AC" + "0" * 32
TOKEN = "s3cret-t0ken"
NUMBER = "+442079460123"
OTHER = "+442079460456"
SENDER = "+442079460999"

MESSAGE_FIELDS = {"To", "From", "MessagingServiceSid", "Body", "StatusCallback", "ValidityPeriod"}
CALL_FIELDS = {"To", "From", "Twiml", "Timeout", "TimeLimit", "StatusCallback"}
TWIML = {"Response": {"Gather", "Say"}, "Gather": {"Say"}, "Say": set()}


@dataclass
class Twilio:
    """`forms` are the requests taken; `refusals` are the answers for some numbers instead."""

    user: str = ACCOUNT
    password: str = TOKEN
    refusals: dict[str, Reply] = field(default_factory=dict)
    forms: list[dict[str, str]] = field(default_factory=list)

    def __call__(self, request: Request) -> Reply:
        assert request.method == "POST"
        assert request.headers["content-type"] == "application/x-www-form-urlencoded"
        credentials = base64.b64decode(
            request.headers["authorization"].removeprefix("Basic ")
        ).decode()
        if credentials != f"{self.user}:{self.password}":
            return refusal(20003, 401)
        pairs = parse_qsl(request.body.decode(), keep_blank_values=True, strict_parsing=True)
        form = dict(pairs)
        assert len(form) == len(pairs)
        assert all(form.values())
        assert re.fullmatch(r"\+[1-9][0-9]{6,14}", form["To"])
        path = f"/2010-04-01/Accounts/{ACCOUNT}"
        if request.path == f"{path}/Messages.json":
            check_message(form)
        else:
            assert request.path == f"{path}/Calls.json"
            check_call(form)
        if form["To"] in self.refusals:
            return self.refusals[form["To"]]
        self.forms.append(form)
        kind = "SM" if "Body" in form else "CA"
        sid = f"{kind}{len(self.forms):032x}"
        return Reply(
            201, json={"sid": sid, "status": "queued", "error_code": None, "to": form["To"]}
        )


def refusal(code: int, status: int = 400) -> Reply:
    """An error in the format of the 2010 API, with a text that quotes the request."""
    message = f"The 'To' number {NUMBER} is not valid; {TOKEN}"
    body = {
        "code": code,
        "message": message,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
    }
    return Reply(status, json={**body, "status": status})


def problem(code: int, status: int = 400) -> Reply:
    """The same error in the format of the newer services (RFC 9457)."""
    body = {
        "type": f"https://www.twilio.com/docs/errors/{code}",
        "title": "Invalid",
        "status": status,
        "code": code,
    }
    return Reply(status, json={**body, "detail": TOKEN})


def check_message(form: Mapping[str, str]) -> None:
    assert set(form) <= MESSAGE_FIELDS
    assert ("From" in form) != ("MessagingServiceSid" in form)
    assert 0 < len(form["Body"]) <= 1600
    assert 1 <= int(form["ValidityPeriod"]) <= 36000


def check_call(form: Mapping[str, str]) -> None:
    assert set(form) <= CALL_FIELDS
    assert re.fullmatch(r"\+[1-9][0-9]{6,14}", form["From"])
    assert 1 <= int(form["Timeout"]) <= 600
    assert 1 <= int(form["TimeLimit"]) <= 14400
    assert len(form["Twiml"]) <= 4000
    response = ET.fromstring(form["Twiml"])
    assert response.tag == "Response"
    for element in response.iter():
        assert {child.tag for child in element} <= TWIML[element.tag]
