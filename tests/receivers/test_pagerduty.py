"""PagerDuty's receiver: what people do there is done here, once, and nothing that is signed is
refused.
"""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from router.config.secret import Secret
from router.model.event import Command
from router.model.incident import Severity
from router.model.reason import Reason
from router.ports.errors import Unauthorized
from router.ports.webhooks import (
    CommandRequest,
    CommandResult,
    ExternalIncident,
    Incoming,
    Received,
)
from router.receivers import RECEIVERS
from router.receivers.context import ReceiverContext
from router.receivers.pagerduty import PagerDutyConfig
from router.senders.pagerduty.sender import events
from tests.receivers import signed
from tests.receivers.signed import (
    merged_into,
    pagerduty_event,
    pagerduty_incident,
    pagerduty_note,
    prioritised,
)
from tests.senders.kit import NOW, make_incident, make_message

OLD, NEW = Secret("0ld-s3cret"), Secret("n3w-s3cret")

EVENT = "5ac64822-4adc-4fda-ade0-410becf0de4f"

PRIORITIES = {"P1": Severity.P0, "Sev 2": Severity.P1}
AT = 1601664322.169
"""Time of the PagerDuty events: 2020-10-02T18:45:22.169Z."""

receiver = RECEIVERS["pagerduty"].build(
    "pagerduty", PagerDutyConfig(secrets=(OLD, NEW), priorities=PRIORITIES), ReceiverContext()
)


def decode(body: bytes, webhook: str = "W1") -> Received:
    return receiver.decode(Incoming({"x-webhook-id": webhook} if webhook else {}, body), NOW)


# --- who sends it


@pytest.mark.parametrize("secrets", [[OLD], [NEW], [OLD, NEW], [Secret("other"), NEW]])
def test_any_secret_of_ours_will_do(secrets: list[Secret]) -> None:
    """While it's rotated PagerDuty signs by both, and either may be known here alone."""
    body = pagerduty_event()
    receiver.verify(Incoming(signed.pagerduty(body, *secrets), body), NOW)


def test_a_signature_as_pagerduty_makes_it() -> None:
    """HMAC-SHA256 in hex: RFC 4231, test case 2.

    Items of other versions beside it are nothing to us.
    """
    sender = RECEIVERS["pagerduty"].build(
        "pagerduty", PagerDutyConfig(secrets=(Secret("Jefe"),)), ReceiverContext()
    )
    digest = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    body = b"what do ya want for nothing?"
    for header in (f"v1={digest}", f"v0=x,v1={digest}", f"v1=00, v1={digest} ,v2=x"):
        sender.verify(Incoming({"x-pagerduty-signature": header}, body), NOW)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-pagerduty-signature": ""},
        {"x-pagerduty-signature": "v1="},
        {"x-pagerduty-signature": "é\udcff"},
        signed.pagerduty(pagerduty_event(), Secret("other")),
        signed.pagerduty(b"another body", OLD),
        {
            "x-pagerduty-signature": signed.pagerduty(pagerduty_event(), OLD)[
                "x-pagerduty-signature"
            ].replace("v1", "v0")
        },
    ],
)
def test_what_pagerduty_did_not_sign_is_refused(headers: dict[str, str]) -> None:
    """The answer contains no secret."""
    with pytest.raises(Unauthorized) as refused:
        receiver.verify(Incoming(headers, pagerduty_event()), NOW)
    assert "s3cret" not in str(refused.value)


def test_a_config_without_a_secret_is_refused() -> None:
    """It would let nobody in."""
    with pytest.raises(ValueError, match="empty"):
        PagerDutyConfig(secrets=())


# --- what it says


@pytest.mark.parametrize(
    ("kind", "command", "text"),
    [
        ("incident.acknowledged", Command.ACKNOWLEDGE, ""),
        ("incident.resolved", Command.RESOLVE, ""),
        ("incident.reopened", Command.NOTE, "Reopened in PagerDuty"),
    ],
)
def test_what_a_person_did_is_asked_for(kind: str, command: Command, text: str) -> None:
    """In their name, for the life of the incident that the alert there was made for."""
    asked = CommandRequest(
        142, command, "Ben Okri", text, f"pagerduty:{EVENT}", 3, dated=("pagerduty:status", AT)
    )
    assert decode(pagerduty_event(kind, "alert-router:INC-142:3"), "W7") == Received(
        commands=[asked], external_incidents={"pagerduty:PGR0VU2": ExternalIncident(142, 3)}
    )


def test_a_note_is_for_the_incident_that_pagerduty_calls_so() -> None:
    """Its webhook doesn't contain our key.

    It's the same note by its id, whichever webhook brings it; a shortened note says so.
    """
    asked = CommandRequest(
        None,
        Command.NOTE,
        "Ben Okri",
        "rolling back",
        "pagerduty:note:PNOTE1",
        external="pagerduty:PGR0VU2",
    )
    for webhook in ("W1", "W2"):
        assert decode(pagerduty_note(), webhook) == Received(commands=[asked])
    assert decode(pagerduty_note(trimmed=True)).commands == [replace(asked, text="rolling back…")]
    assert decode(pagerduty_note(" ")).ignored


@pytest.mark.parametrize("name", [None, "P1", "Sev 2", "P3", "p1"])
def test_a_priority_is_the_severity_that_the_config_says(name: str | None) -> None:
    """The exact name counts; an unknown or missing priority changes nothing."""
    received = decode(pagerduty_event("incident.priority_updated", data=prioritised(name)))
    severity = PRIORITIES.get(name or "")
    assert [
        (command.command, command.severity, command.dated) for command in received.commands
    ] == ([(Command.SEVERITY, severity, ("pagerduty:priority", AT))] if severity else [])
    assert bool(received.ignored) is (severity is None)


def test_merged_is_not_resolved() -> None:
    """The incident continues in another one there, and the note names it."""
    (asked,) = decode(pagerduty_event("incident.resolved", data=merged_into())).commands
    assert (asked.incident_id, asked.command) == (1, Command.NOTE)
    assert asked.text == (
        "Merged in PagerDuty into [#7] Checkout is down "
        "(https://acme.pagerduty.com/incidents/PINTO)"
    )


@pytest.mark.parametrize("into", [None, {}, {"id": 7}, "PINTO"])
def test_merged_into_whatever_is_not_resolved(into: object) -> None:
    """However little PagerDuty says of it."""
    data = pagerduty_incident(resolve_reason={"type": "merge_resolve_reason", "incident": into})
    (asked,) = decode(pagerduty_event("incident.resolved", data=data)).commands
    assert asked.command is Command.NOTE
    assert asked.text.startswith("Merged in PagerDuty into ")


@pytest.mark.parametrize("agent", [None, {"type": "inbound_integration_reference"}])
@pytest.mark.parametrize(
    "kind", ["incident.triggered", "incident.escalated", "incident.acknowledged"]
)
def test_any_event_tells_what_pagerduty_calls_ours(kind: str, agent: object) -> None:
    """Also those that ask for nothing, such as the echo of our own trigger, which is the first of
    all.
    """
    received = decode(pagerduty_event(kind, "alert-router:INC-142:3", agent=agent))
    assert received.external_incidents == {"pagerduty:PGR0VU2": ExternalIncident(142, 3)}
    assert received.ignored


def test_without_a_key_of_ours_its_name_there_is_all_there_is() -> None:
    """PagerDuty may have grouped or merged it: if it's known from before it's found."""
    for key in (
        None,
        "d3640fbd41094207a1c11e58e46b1662",
        "alert-router:INC-1:0:0",
        "alert-router:INC-٣:0",
    ):
        received = decode(pagerduty_event(key=key))
        assert not received.external_incidents
        (asked,) = received.commands
        assert (asked.incident_id, asked.reopened, asked.external) == (
            None,
            None,
            "pagerduty:PGR0VU2",
        )
        assert (
            receiver.reply(Incoming({}, b""), received, (), NOW).body
            == b"Ignored: Not an incident of the router."
        )


@pytest.mark.parametrize("at", [None, "", "yesterday", 0, []])
def test_what_says_no_time_is_taken_as_it_comes(at: object) -> None:
    """It's in no order, and no less true."""
    (asked,) = decode(pagerduty_event(occurred_at=at)).commands
    assert asked.dated is None


def test_the_key_is_the_one_that_the_sender_makes() -> None:
    """Sent keys are recognised."""
    *_, event = events(make_message(reopened=2, acknowledged_at=None))
    (asked,) = decode(pagerduty_event(key=event.dedup_key)).commands
    assert (asked.incident_id, asked.reopened) == (142, 2)


def test_an_event_is_known_by_signed_content() -> None:
    """Anybody can change X-Webhook-Id: it isn't signed.

    Without an id the body identifies the event.
    """
    for webhook in ("", "W1", "W2"):
        (asked,) = decode(pagerduty_event(), webhook).commands
        assert asked.receipt == f"pagerduty:{EVENT}"
    bodies = [
        pagerduty_event(id=None, occurred_at=at)
        for at in ("2020-10-02T18:45:22Z", "2020-10-02T18:45:23Z")
    ]
    receipts = [decode(body).commands[0].receipt for body in (*bodies, bodies[0])]
    assert receipts[0] == receipts[2] != receipts[1]


@pytest.mark.parametrize(
    "body",
    [
        # our own action, or nobody's
        pagerduty_event(agent=None),
        pagerduty_event(
            agent={"id": "P1", "type": "inbound_integration_reference", "summary": "Events API v2"}
        ),
        pagerduty_event(agent={"id": "P1", "type": "service_reference"}),
        # no incident
        pagerduty_event(data=None),
        pagerduty_event(data={"id": "", "incident_key": "another's"}),
        # nothing to us
        pagerduty_event("incident.triggered"),
        pagerduty_event("incident.annotated", data={"type": "incident_note", "content": "on it"}),
        pagerduty_event(
            "incident.annotated", agent=None, data={"type": "incident_note", "content": "on it"}
        ),
        pagerduty_event("service.updated"),
        pagerduty_event(
            "pagey.ping", data={"message": "Hello from your friend Pagey!", "type": "ping"}
        ),
        pagerduty_event("incident.invented_tomorrow"),
        b'{"event": []}',
        b'{"event": {"event_type": ["incident.acknowledged"]}}',
        b"[]",
        b"",
        b"\xff",
        b"[" * 100_000,
    ],
)
def test_anything_else_is_ignored_and_never_refused(body: bytes) -> None:
    """Three refusals would switch the subscription off for a day."""
    received = decode(body)
    assert received.ignored
    assert not received.commands
    answer = receiver.reply(Incoming({}, body), received, (), NOW)
    assert (answer.status, answer.body[:7]) == (202, b"Ignored")


@given(
    st.recursive(
        st.none() | st.integers() | st.text(),
        lambda inner: st.dictionaries(st.text(), inner),
        max_leaves=5,
    )
)
def test_any_event_can_be_read(event: Any) -> None:
    """Also events that PagerDuty adds later."""
    assert decode(json.dumps({"event": event}).encode()).ignored


def test_it_is_answered_202_with_what_was_decided() -> None:
    """For readers of PagerDuty's delivery log."""
    body = pagerduty_event(key="alert-router:INC-142:0")
    received = decode(body)
    incident = make_incident(acknowledged_at=NOW, acknowledged_by="ana")
    results = [CommandResult(received.commands[0], Reason.ALREADY_DONE, incident)]
    answer = receiver.reply(Incoming({}, body), received, results, NOW)
    assert (answer.status, answer.body) == (202, b"INC-142 is already acknowledged by ana.")
