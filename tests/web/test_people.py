"""Commands from all channels through the running router: one outcome, and truthful replies."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from hashlib import blake2b
from typing import Any
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import pytest

from router.config.secret import Secret
from router.model.incident import Status
from router.model.reason import Reason
from router.ports.errors import StoreUnavailable
from tests.acceptance.slack_double import CHANNEL, Slack
from tests.acceptance.slack_double import TOKEN as BOT
from tests.daemon import TOKEN, Answer, Daemon, alert
from tests.receivers import signed
from tests.receivers.signed import CA1, SM1, SM2, SM3
from tests.senders.kit import Peer
from tests.senders.twilio_double import ACCOUNT, Twilio
from tests.senders.twilio_double import TOKEN as TWILIO
from tests.test_app import until

Router = Callable[..., Daemon]

SLACK, PAGERDUTY = Secret("slack-s1gning"), Secret("pd-s3cret")

PUBLIC = "https://router.example.com"
ANA, BEN, STRANGER = "+442079460123", "+442079460456", "+442079460666"
SECRET = Secret(TWILIO)
SMS = "/webhooks/twilio/sms"


def by_phone(peer: Peer) -> dict[str, Any]:
    """Config keys with Ana's and Ben's telephones, which get no pages."""
    options = {
        "account_sid": ACCOUNT,
        "auth_token": TWILIO,
        "from": "+442079460999",
        "api_url": peer.url,
    }
    called = {"type": "voice", "to": [ANA], "callback_url": PUBLIC}
    return {
        "external_url": PUBLIC,
        "sources": {"alertmanager": {"bearer_token": TOKEN}, "twilio": {"auth_token": TWILIO}},
        "channels": {
            "text": {"type": "sms", "to": [ANA, BEN], **options},
            "phone": {**called, **options},
        },
        "policies": {
            "all": {
                "steps": [
                    {"notify": ["channel:phone"]},
                    {"after": "1h", "notify": ["channel:phone"]},
                ]
            }
        },
    }


async def twilio(daemon: Daemon, path: str, **form: str) -> Answer:
    headers = signed.twilio(PUBLIC + path, form, SECRET)
    return await daemon.ask("POST", path, data=urlencode(form).encode(), headers=headers)


def message_id(body: str) -> str:
    """An id for each text."""
    return f"SM{blake2b(body.encode(), digest_size=16).hexdigest()}"


async def text(daemon: Daemon, body: str, number: str = ANA, sid: str = "") -> str:
    """Send a text message: what is answered."""
    answer = await twilio(
        daemon, SMS, From=number, To="+442079460999", MessageSid=sid or message_id(body), Body=body
    )
    assert (answer.status, answer.headers["Content-Type"].partition(";")[0]) == (200, "text/xml")
    return "".join(ET.fromstring(answer.body).itertext())


async def story(daemon: Daemon) -> list[tuple[Reason, str]]:
    """Commands on the first incident, with their authors."""
    return [
        (entry.what, entry.by)
        for entry in await daemon.store.timeline(1)
        if entry.by[:6] != "source" and entry.by
    ]


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    """Twilio's API."""
    async with Peer(answer=Twilio()) as peer:
        yield peer


@pytest.fixture
async def slack() -> AsyncIterator[Slack]:
    """Slack's API, with the channel."""
    async with Slack() as slack:
        yield slack


def elsewhere(slack: Slack) -> dict[str, Any]:
    """Config keys with a Slack channel that has buttons, and PagerDuty's webhooks."""
    incidents = {
        "type": "slack",
        "token": BOT,
        "channel": CHANNEL,
        "api_url": slack.api,
        "buttons": True,
    }
    return {
        "sources": {
            "alertmanager": {"bearer_token": TOKEN},
            "pagerduty": {
                "secrets": ["0ld-s3cret", PAGERDUTY.reveal()],
                "priorities": {"Sev 1": "P0", "Sev 2": "P1", "Sev 3": "P2"},
            },
            "slack": {"signing_secret": SLACK.reveal()},
        },
        "channels": {"incidents": incidents},
        "policies": {"all": {"steps": [{"notify": ["channel:incidents"]}]}},
    }


async def ref_of_message(daemon: Daemon) -> str:
    """Slack's id of the only message, which is stored a moment after the sending."""
    for _ in range(500):
        if refs := [row.ref for row in await daemon.store.notifications() if row.ref]:
            return str(refs[0])
        await asyncio.sleep(0.02)
    raise AssertionError("no message was ever on record")


async def click(daemon: Daemon, action: str, **who: str) -> Answer:
    body = signed.press(action, **who)
    return await daemon.ask(
        "POST", "/webhooks/slack", data=body, headers=signed.slack(body, SLACK, time.time())
    )


async def page(daemon: Daemon, kind: str, webhook: str = "W1", **changes: Any) -> Answer:
    return await send(daemon, signed.pagerduty_event(kind, **{"id": webhook, **changes}), webhook)


async def send(daemon: Daemon, body: bytes, webhook: str) -> Answer:
    """A webhook of PagerDuty's."""
    headers = signed.pagerduty(body, Secret("next"), PAGERDUTY, webhook=webhook)
    return await daemon.ask("POST", "/webhooks/pagerduty", data=body, headers=headers)


# --- text messages


async def test_acknowledge_and_resolve_by_text_message(router: Router, peer: Peer) -> None:
    """The incident is theirs, and each reply states the decision."""
    async with router(**by_phone(peer)) as daemon:
        await daemon.alert(alert())
        assert await text(daemon, "ACK 1") == "Acknowledged INC-1."
        assert await text(daemon, "ack inc-1", BEN) == "INC-1 is already acknowledged by +44...123."
        assert (
            await text(daemon, "ESC 1", BEN) == "Escalated INC-1: the next step is being notified."
        )
        again = await text(daemon, "esc 1", BEN)
        assert again == "INC-1 was escalated a moment ago by +44...456."
        assert await text(daemon, "RES 1 restarted it", BEN) == "Resolved INC-1."
        assert await text(daemon, "Ack 1") == "INC-1 is already resolved by +44...456."
        assert await text(daemon, "ACK 7") == "INC-7 doesn't exist."
        assert await story(daemon) == [
            (Reason.ACKNOWLEDGED, "+44…123"),
            (Reason.ALREADY_DONE, "+44…456"),
            (Reason.ESCALATED, "+44…456"),
            (Reason.JUST_ESCALATED, "+44…456"),
            (Reason.RESOLVED_BY_PERSON, "+44…456"),
            (Reason.ALREADY_CLOSED, "+44…123"),
        ]


async def test_a_text_message_that_comes_twice_has_one_effect(router: Router, peer: Peer) -> None:
    """And is answered truly both times."""
    async with router(**by_phone(peer)) as daemon:
        await daemon.alert(alert())
        assert await text(daemon, "ACK 1", sid=SM1) == "Acknowledged INC-1."
        assert await text(daemon, "ACK 1", sid=SM1) == "INC-1 is acknowledged by +44...123."
        assert await story(daemon) == [(Reason.ACKNOWLEDGED, "+44…123")]


async def test_who_names_no_incident_means_the_only_open_one(router: Router, peer: Peer) -> None:
    """With several, the reply lists them; nothing is done until they name one."""
    async with router(**by_phone(peer)) as daemon:
        assert await text(daemon, "ACK", sid=SM1) == "No incident is open."
        await daemon.alert(alert(), alert(service="web"))
        assert (await text(daemon, "ACK", sid=SM2)).startswith(
            "Which incident? Open: INC-2 (P0, Payment"
        )
        assert await story(daemon) == []
        await text(daemon, "RES 2")
        assert await text(daemon, "ACK", sid=SM3) == "Acknowledged INC-1."


async def test_a_contact_goes_by_their_name(router: Router, peer: Peer) -> None:
    """The name appears for phone commands as everywhere."""
    async with router(
        **by_phone(peer), contacts={"ana": {"name": "Ana Cruz", "phone": ANA}}
    ) as daemon:
        await daemon.alert(alert())
        await text(daemon, "ACK 1")
        assert await story(daemon) == [(Reason.ACKNOWLEDGED, "Ana Cruz")]


async def test_a_stranger_changes_nothing(router: Router, peer: Peer) -> None:
    """They get a reply, it's counted, and the log has no complete number."""
    async with router(**by_phone(peer)) as daemon:
        await daemon.alert(alert())
        assert "isn't configured" in await text(daemon, "ACK 1", STRANGER)
        assert await story(daemon) == []
        labels = {"source": "twilio", "reason": "forbidden"}
        assert (
            daemon.app.metrics.registry.get_sample_value(
                "alert_router_webhooks_rejected_total", labels
            )
            == 1
        )


async def test_a_forged_text_message_is_a_401(router: Router, peer: Peer) -> None:
    """A number alone is useless without the token."""
    async with router(**by_phone(peer)) as daemon:
        await daemon.alert(alert())
        form = {"From": ANA, "MessageSid": SM1, "Body": "RES 1"}
        headers = signed.twilio(PUBLIC + SMS, form, Secret("guess"))
        assert (
            await daemon.ask("POST", SMS, data=urlencode(form).encode(), headers=headers)
        ).status == 401
        assert await story(daemon) == []


async def test_nobody_hears_that_it_is_done_while_the_store_is_down(
    router: Router, peer: Peer
) -> None:
    """503: Twilio turns to its fallback URL."""
    async with router(**by_phone(peer)) as daemon:
        await daemon.alert(alert())
        await daemon.until_idle()
        daemon.store.plan["save"].append(StoreUnavailable("disk full"))
        form = {"From": ANA, "MessageSid": SM1, "Body": "RES 1"}
        assert (await twilio(daemon, SMS, **form)).status == 503
        assert (await daemon.store.incident(1)).is_open


# --- calls


async def test_a_key_pressed_in_a_call_acknowledges(router: Router, peer: Peer) -> None:
    """From the call that the router made, by the URL in it, to the words in the ear."""
    async with router(**by_phone(peer)) as daemon:
        await daemon.alert(alert())
        await until(lambda: peer.requests)
        gather = ET.fromstring(peer.answer.forms[0]["Twiml"]).find("Gather")  # type: ignore[attr-defined]
        assert gather is not None
        path = gather.attrib["action"].removeprefix(PUBLIC)
        again = await twilio(daemon, path, CallSid=CA1, To=ANA, Digits="3")
        assert ET.fromstring(again.body).find("Gather").attrib == gather.attrib  # type: ignore[union-attr]
        done = await twilio(daemon, path, CallSid=CA1, To=ANA, Digits="1")
        assert "".join(ET.fromstring(done.body).itertext()) == "Acknowledged INC-1."
        assert await story(daemon) == [(Reason.ACKNOWLEDGED, "+44…123")]


# --- what became of a message


async def test_a_call_that_nobody_took_calls_the_fallback(router: Router, peer: Peer) -> None:
    """Twilio reports it to the URL in the call; it's on the timeline, and the fallback is
    notified.
    """
    policies = {"all": {"steps": [{"notify": ["channel:phone"]}], "fallback": ["channel:text"]}}
    async with router(**by_phone(peer) | {"policies": policies}) as daemon:
        await daemon.alert(alert())
        await until(lambda: peer.requests)
        path = peer.answer.forms[0]["StatusCallback"].removeprefix(PUBLIC)  # type: ignore[attr-defined]
        for _ in range(2):
            answer = await twilio(daemon, path, CallSid=CA1, CallStatus="no-answer", To=ANA)
            assert (answer.status, list(ET.fromstring(answer.body))) == (200, [])
        await until(lambda: len(peer.answer.forms) == 3)  # type: ignore[attr-defined]
        assert {form["To"] for form in peer.answer.forms[1:]} == {ANA, BEN}  # type: ignore[attr-defined]
        whats = [entry.what for entry in await daemon.store.timeline(1)]
        assert whats.count(Reason.DELIVERY_FAILED) == whats.count(Reason.FALLBACK) == 1


# --- PagerDuty


async def test_acknowledge_and_resolve_in_pagerduty(router: Router, slack: Slack) -> None:
    """Commands there take effect here, in the person's name, and the channel's message shows
    them.
    """
    async with router(**elsewhere(slack)) as daemon:
        await daemon.alert(alert())
        acknowledged = await page(daemon, "incident.acknowledged")
        assert (acknowledged.status, acknowledged.body) == (202, b"Acknowledged INC-1.")
        resolved = await page(daemon, "incident.resolved", "W2")
        assert (resolved.status, resolved.body) == (202, b"Resolved INC-1.")
        assert await story(daemon) == [
            (Reason.ACKNOWLEDGED, "Ben Okri"),
            (Reason.RESOLVED_BY_PERSON, "Ben Okri"),
        ]
        await until(lambda: slack.messages and "RESOLVED" in slack.about("INC-1")[0].text)


async def test_pagerduty_is_never_refused_what_it_signed(router: Router, slack: Slack) -> None:
    """A replay, an echo of our own, another's incident, one unknown here, an event of tomorrow:
    202, and no effect.
    """
    async with router(**elsewhere(slack)) as daemon:
        await daemon.alert(alert())
        await page(daemon, "incident.acknowledged")
        echo = {"agent": {"type": "inbound_integration_reference"}}
        answers = [
            await page(daemon, "incident.acknowledged"),
            await page(daemon, "incident.resolved", "W2", **echo),
            await page(
                daemon,
                "incident.resolved",
                "W3",
                data=signed.pagerduty_incident("theirs", id="PTHEIRS"),
            ),
            await page(daemon, "incident.resolved", "W4", key="alert-router:INC-99:0"),
            await page(daemon, "incident.resolved", "W5", key="alert-router:INC-1:7"),
            await page(daemon, "incident.invented", "W6"),
        ]
        assert {answer.status for answer in answers} == {202}
        assert await story(daemon) == [
            (Reason.ACKNOWLEDGED, "Ben Okri"),
            (Reason.COMMAND_OUTDATED, "Ben Okri"),
        ]
        assert (await daemon.store.incident(1)).is_open


async def test_a_note_in_pagerduty_is_on_the_timeline(router: Router, slack: Slack) -> None:
    """It's found by what PagerDuty called the incident before, in the echo of our own trigger.

    Once.
    """
    async with router(**elsewhere(slack)) as daemon:
        await daemon.alert(alert())
        early = await send(daemon, signed.pagerduty_note(note="PNOTE0"), "W0")
        assert (early.status, early.body) == (202, b"Ignored: Not an incident of the router.")
        await page(
            daemon, "incident.triggered", "W1", agent={"type": "inbound_integration_reference"}
        )
        for webhook in ("W2", "W2", "W3"):
            assert (await send(daemon, signed.pagerduty_note(), webhook)).status == 202
        timeline = await daemon.store.timeline(1)
        noted = [(entry.data["text"], entry.by) for entry in timeline if entry.what is Reason.NOTED]
        assert noted == [("rolling back", "Ben Okri")]
        await until(
            lambda: slack.messages and "rolling back (Ben Okri)" in slack.about("INC-1")[0].text
        )


async def test_a_priority_of_pagerdutys_is_a_severity_here(router: Router, slack: Slack) -> None:
    """The config maps it; only a person's priority counts, and a late, older one is ignored."""
    async with router(**elsewhere(slack)) as daemon:
        await daemon.alert(alert())
        kind, automation = "incident.priority_updated", {"type": "service_reference"}
        at = [f"2026-02-02T02:30:{second:02}Z" for second in range(60)]
        entries = [
            await page(daemon, kind, "W1", data=signed.prioritised("Sev 3"), occurred_at=at[10]),
            await page(daemon, kind, "W2", data=signed.prioritised("Sev 2"), occurred_at=at[5]),
            await page(daemon, kind, "W3", data=signed.prioritised("Sev 3"), occurred_at=at[11]),
            await page(
                daemon,
                kind,
                "W4",
                data=signed.prioritised("Sev 2"),
                occurred_at=at[12],
                agent=automation,
            ),
            await page(daemon, kind, "W5", data=signed.prioritised("Sev 9"), occurred_at=at[13]),
        ]
        assert [answer.body for answer in entries] == [
            b"INC-1 is P2 now.",
            b"INC-1 has a newer change: nothing done.",
            b"INC-1 is already P2.",
            b"Ignored: Not done by a person.",
            b"Ignored: Not an event that changes anything here.",
        ]
        assert await story(daemon) == [
            (Reason.SEVERITY_SET, "Ben Okri"),
            (Reason.COMMAND_OVERTAKEN, "Ben Okri"),
            (Reason.ALREADY_DONE, "Ben Okri"),
        ]


async def test_merged_in_pagerduty_is_still_open(router: Router, slack: Slack) -> None:
    """A note names the target; it can be answered elsewhere, and a note on it there is still
    found.
    """
    async with router(**elsewhere(slack)) as daemon:
        await daemon.alert(alert())
        merged = await page(daemon, "incident.resolved", data=signed.merged_into())
        assert merged.body == b"Noted on INC-1."
        assert (await daemon.store.incident(1)).is_open
        assert (await send(daemon, signed.pagerduty_note(), "W2")).body == b"Noted on INC-1."
        texts = [
            entry.data["text"]
            for entry in await daemon.store.timeline(1)
            if entry.what is Reason.NOTED
        ]
        assert texts[0].startswith("Merged in PagerDuty into [#7] Checkout is down (https://")
        assert texts[1:] == ["rolling back"]


async def test_a_resolve_of_pagerdutys_that_comes_after_the_reopening_does_nothing(
    router: Router, slack: Slack
) -> None:
    """It was made first and arrived last: PagerDuty repeats unanswered webhooks for two days."""
    async with router(**elsewhere(slack)) as daemon:
        await daemon.alert(alert())
        await page(daemon, "incident.reopened", "W1", occurred_at="2026-02-02T02:40:00.500Z")
        late = await page(daemon, "incident.resolved", "W2", occurred_at="2026-02-02T02:40:00.400Z")
        assert (late.status, late.body) == (202, b"INC-1 has a newer change: nothing done.")
        assert (await daemon.store.incident(1)).is_open
        assert await story(daemon) == [
            (Reason.NOTED, "Ben Okri"),
            (Reason.COMMAND_OVERTAKEN, "Ben Okri"),
        ]


# --- Slack


async def test_acknowledge_and_resolve_by_slacks_buttons(router: Router, slack: Slack) -> None:
    """The buttons are under the message; pressed, they're answered with nothing, and the message
    changes.
    """

    def shown() -> list[str]:
        return [button["action_id"] for block in slack.about("INC-1")[0].content["blocks"]
                for button in block.get("elements", ()) if "value" in button]  # fmt: skip

    async with router(**elsewhere(slack)) as daemon:
        await daemon.alert(alert())
        await until(lambda: slack.messages)
        assert shown() == ["ack", "assign", "escalate", "note", "resolve", "false_positive"]
        answer = await click(daemon, "ack")
        assert (answer.status, answer.body) == (200, b"")
        await until(lambda: shown() == ["assign", "escalate", "note", "resolve", "false_positive"])
        assert "Acknowledged by ana" in slack.about("INC-1")[0].text
        await click(daemon, "false_positive", user="U2", name="ben")
        await until(lambda: shown() == ["reopen"])
        assert await story(daemon) == [(Reason.ACKNOWLEDGED, "ana"), (Reason.FALSE_POSITIVE, "ben")]
        assert len(slack.messages) == 1


async def test_a_click_that_comes_twice_has_one_effect(router: Router, slack: Slack) -> None:
    """But one on the same button by somebody else, or at another time, is another."""
    async with router(**elsewhere(slack)) as daemon:
        await daemon.alert(alert())
        for who in ({}, {}, {"user": "U2", "name": "ben"}, {"action_ts": "1548426999.000001"}):
            assert (await click(daemon, "ack", **who)).status == 200
        words = "INC-1 is already acknowledged by ana."
        assert slack.asides == [("U2", words), ("U1", words)], (
            "nobody but them sees that nothing came of it"
        )
        assert await story(daemon) == [
            (Reason.ACKNOWLEDGED, "ana"),
            (Reason.ALREADY_DONE, "ben"),
            (Reason.ALREADY_DONE, "ana"),
        ]


async def test_a_click_stands_whether_its_answer_arrives_or_not(
    router: Router, slack: Slack
) -> None:
    """Slack refuses replies to people outside the channel; the decision stands and is answered."""
    slack.absent.add("U2")
    async with router(**elsewhere(slack)) as daemon:
        await daemon.alert(alert())
        for user, name in (("U1", "ana"), ("U2", "ben")):
            assert (await click(daemon, "ack", user=user, name=name)).status == 200
        assert await story(daemon) == [(Reason.ACKNOWLEDGED, "ana"), (Reason.ALREADY_DONE, "ben")]
        assert slack.asides == []


async def test_slacks_command_acknowledges(router: Router, slack: Slack) -> None:
    """The person gets a reply."""
    async with router(**elsewhere(slack)) as daemon:
        await daemon.alert(alert())
        body = urlencode(
            {"user_id": "U1", "user_name": "ana", "text": "ack 1", "trigger_id": "1.2"}
        ).encode()
        headers = signed.slack(body, SLACK, time.time())
        answer = await daemon.ask("POST", "/webhooks/slack/command", data=body, headers=headers)
        assert answer.json == {"response_type": "ephemeral", "text": "Acknowledged INC-1."}
        assert await story(daemon) == [(Reason.ACKNOWLEDGED, "ana")]


async def test_a_click_of_old_is_a_401(router: Router, slack: Slack) -> None:
    """A recorded click can't be replayed."""
    async with router(**elsewhere(slack)) as daemon:
        await daemon.alert(alert())
        body = signed.press("resolve")
        headers = signed.slack(body, SLACK, time.time() - 301)
        assert (
            await daemon.ask("POST", "/webhooks/slack", data=body, headers=headers)
        ).status == 401
        assert await story(daemon) == []


async def command(daemon: Daemon, text: str, trigger: str = "1.2", **who: str) -> str:
    """Type it in Slack: what is answered."""
    form = {"user_id": "U1", "user_name": "ana", "text": text, "trigger_id": trigger} | who
    body = urlencode(form).encode()
    headers = signed.slack(body, SLACK, time.time())
    return str(
        (await daemon.ask("POST", "/webhooks/slack/command", data=body, headers=headers)).json[
            "text"
        ]
    )


async def happen(daemon: Daemon, body: bytes, **headers: str) -> Answer:
    """An event of Slack's."""
    headers |= signed.slack(body, SLACK, time.time()) | {"content-type": "application/json"}
    return await daemon.ask("POST", "/webhooks/slack/events", data=body, headers=headers)


async def test_a_note_is_written_in_a_form(router: Router, slack: Slack) -> None:
    """The button opens it, sending it off closes it, and the note is on the timeline and in the
    message. Once.
    """
    async with router(**elsewhere(slack)) as daemon:
        await daemon.alert(alert())
        assert (await click(daemon, "note")).status == 200
        (form,) = slack.forms
        assert form["title"]["text"] == "Note on INC-1"
        body = signed.fill_in("rolled back", form["private_metadata"])
        for _ in range(2):
            answer = await daemon.ask(
                "POST", "/webhooks/slack", data=body, headers=signed.slack(body, SLACK, time.time())
            )
            assert (answer.status, answer.body) == (200, b"")
        assert await story(daemon) == [(Reason.NOTED, "ana")]
        await until(lambda: "rolled back (ana)" in slack.about("INC-1")[0].text)


async def test_who_presses_for_a_form_that_does_not_open_sees_so(
    router: Router, slack: Slack
) -> None:
    """Slack shows a warning at anything but 200: here the trigger was used up."""
    async with router(**elsewhere(slack)) as daemon:
        await daemon.alert(alert())
        assert (await click(daemon, "note")).status == 200
        assert (await click(daemon, "note")).status == 502
        assert await story(daemon) == []


async def test_what_is_said_in_the_thread_is_on_the_timeline(router: Router, slack: Slack) -> None:
    """Once, however often Slack sends it; and it isn't said in that thread again, while other news
    are.
    """
    async with router(**elsewhere(slack)) as daemon:
        await daemon.alert(alert())
        await until(lambda: slack.messages)
        (message,) = slack.about("INC-1")

        channel, _, ts = (await ref_of_message(daemon)).partition(":")
        body = signed.said_in_thread("is it the &lt;deploy&gt;?", channel, ts)
        assert (await happen(daemon, body)).status == 200
        assert (await happen(daemon, body, **{"X-Slack-Retry-Num": "1"})).status == 200
        await happen(
            daemon, signed.said_in_thread("elsewhere", channel, "1111111111.000001", ts="2.2")
        )
        timeline = await daemon.store.timeline(1)
        assert [entry.data["text"] for entry in timeline if entry.what is Reason.NOTED] == [
            "is it the <deploy>?"
        ]
        await daemon.ask(
            "POST",
            "/api/v1/incidents/1/note",
            json={"text": "it was"},
            headers={"X-Router-User": "ben"},
        )
        await until(lambda: "it was (ben)" in message.text)
        await until(lambda: message.thread)
        assert "is it the &lt;deploy&gt;? (U1)" in message.text
        assert "is it the" not in "".join(message.thread)
        assert "it was (ben)" in message.thread[-1]


async def test_slack_verifies_the_url_of_events(router: Router, slack: Slack) -> None:
    """Signed like the rest; what isn't is a 401."""
    async with router(**elsewhere(slack)) as daemon:
        body = b'{"type": "url_verification", "challenge": "3eZbrw1aB"}'
        assert (await happen(daemon, body)).body == b"3eZbrw1aB"
        assert (await daemon.ask("POST", "/webhooks/slack/events", data=body)).status == 401


async def test_an_incident_is_opened_from_slack(router: Router, slack: Slack) -> None:
    """The rules apply, with the given severity; it's announced as usual, and a repeated title joins
    it.
    """
    async with router(**elsewhere(slack)) as daemon:
        assert await command(daemon, 'open "Checkout is down" P1') == "Opened INC-1 (P1)."
        await until(lambda: slack.messages)
        assert slack.about("INC-1")[0].line("Impact") == "Checkout is down"
        assert (await command(daemon, "open Checkout is down", "1.3")).startswith(
            "Already open: INC-1 is open"
        )
        assert await command(daemon, "severity 1 P3 only staging", "1.4") == "INC-1 is P3 now."
        assert await command(daemon, "lead 1 @ben", "1.7") == "ben leads INC-1 now."
        assert await command(daemon, "severity 1 P3", "1.5") == "INC-1 is already P3."
        assert [what for what, _ in await story(daemon)] == [
            Reason.OPENED,
            Reason.SEVERITY_SET,
            Reason.ASSIGNED,
            Reason.ALREADY_DONE,
        ]
        assert "Nothing was opened" in await command(daemon, f"open {'x' * 201}", "1.6")


# --- concurrent commands


async def test_acknowledged_in_two_places_at_once(router: Router, slack: Slack) -> None:
    """From PagerDuty and Slack together: one acknowledges, the other is informed, both are
    recorded.
    """
    async with router(**elsewhere(slack)) as daemon:
        await daemon.alert(alert())
        paged, _ = await asyncio.gather(page(daemon, "incident.acknowledged"), click(daemon, "ack"))
        (first, one), (second, other) = await story(daemon)
        assert (first, second) == (Reason.ACKNOWLEDGED, Reason.ALREADY_DONE)
        assert {one, other} == {"ana", "Ben Okri"}
        entries = (
            b"Acknowledged INC-1."
            if one == "Ben Okri"
            else b"INC-1 is already acknowledged by ana."
        )
        assert paged.body == entries
        assert (await daemon.store.incident(1)).acknowledged_by == one


async def test_acknowledged_and_resolved_at_once(router: Router, slack: Slack) -> None:
    """In either order, the incident ends resolved and the late person is informed."""
    async with router(**elsewhere(slack)) as daemon:
        await daemon.alert(alert())
        paged, _ = await asyncio.gather(
            page(daemon, "incident.acknowledged"), click(daemon, "resolve")
        )
        incident = await daemon.store.incident(1)
        assert (incident.status, incident.closed_by) == (Status.RESOLVED, "ana")
        first = (await story(daemon))[0][0]
        late = first is Reason.RESOLVED_BY_PERSON
        assert paged.body == (
            b"INC-1 is already resolved by ana." if late else b"Acknowledged INC-1."
        )
