"""A whole P0, from the first alert to the post-mortem that everybody reads, without leaving the
tool.

The plan's six steps in one router, against doubles of Slack, a mail server and Twilio that check
what they get.
"""

import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.acceptance.slack_double import CHANNEL, Slack
from tests.acceptance.slack_double import TOKEN as SLACK
from tests.clock import START, SteppedClock
from tests.daemon import Daemon, alert, write_config
from tests.senders.kit import Peer
from tests.senders.test_mail import Relay, running
from tests.senders.twilio_double import ACCOUNT, SENDER, Twilio
from tests.senders.twilio_double import TOKEN as TWILIO
from tests.web.api.test_drills import pass_by

ANA, CLEO = "+442079460123", "+442079460789"
MINUTE = 60.0

RULES = [
    {
        "name": "payment-failures",
        "match": ['alertname="PaymentFailures"'],
        "thresholds": {"P0": "> 1%"},
        "group_by": ["service"],
        "summary": "Payment failures at {{ value | percent }} on {{ labels.service }}",
        "component": "payments",
        "actions": ["rollback"],
    }
]


def config(slack: Slack, twilio: str, smtp: int) -> dict[str, Any]:
    """On-call by phone, the CTO five minutes later, the board by mail, the channel in Slack, a page
    for customers.
    """
    phone = {"account_sid": ACCOUNT, "auth_token": TWILIO, "from": SENDER, "api_url": twilio}
    relay = {"host": "127.0.0.1", "port": smtp, "starttls": False}
    program = "import sys; print('traffic to', sys.argv[1])"
    return {
        "company": {"name": "VintStreet", "support_email": "support@example.com"},
        "channels": {
            "incidents": {
                "type": "slack",
                "token": SLACK,
                "channel": CHANNEL,
                "api_url": slack.api,
            },
            "call": {"type": "voice", **phone},
            "mail": {
                "type": "email",
                "from": "router@example.com",
                "to": ["board@example.com"],
                "smtp": relay,
            },
            "list": {
                "type": "email",
                "from": "us@example.com",
                "to": ["customers@example.com"],
                "smtp": relay,
            },
        },
        "communication": {"customers": "channel:list"},
        "postmortems": {"share": ["channel:incidents"]},
        "contacts": {
            "ana": {"name": "Ana Lima", "phone": ANA, "reach": [{"via": "call"}]},
            "cleo": {
                "name": "Cleo Marsh",
                "phone": CLEO,
                "email": "cleo@example.com",
                "reach": [
                    {"via": "call", "for": ["P0", "P1"]},
                    {"via": "mail", "for": ["P2", "P3"]},
                ],
            },
        },
        "schedules": {
            "primary": {"layers": [{"rotate": "daily", "handover": "00:00", "contacts": ["ana"]}]}
        },
        "severities": {
            "P0": {
                "policy": "critical",
                "respond_within": "5m",
                "update_every": "15m",
                "stakeholders": ["channel:mail"],
            }
        }
        | {name: {"policy": "critical"} for name in ("P1", "P2", "P3")},
        "policies": {
            "critical": {
                "steps": [
                    {"notify": ["channel:incidents", "schedule:primary"]},
                    {"after": "5m", "notify": ["contact:cleo"], "unless": "acknowledged"},
                ]
            }
        },
        "reconcile": {"every": "0s"},  # a day passes in which the services answer nothing else
        "status_page": {"components": [{"name": "payments", "title": "Payments"}]},
        "actions": {
            "rollback": {
                "argv": [sys.executable, "-c", program, "{revision}"],
                "dry_run": [sys.executable, "-c", program, "{revision}"],
                "parameters": {"revision": {"pattern": "[a-z0-9-]+"}},
            }
        },
    }


class Room:
    """The people of the incident, and what they see."""

    def __init__(self, daemon: Daemon, clock: SteppedClock) -> None:
        self.daemon = daemon
        self.clock = clock

    async def say(
        self, command: str, by: str = "cleo", path: str = "/api/v1/incidents/1", **body: Any
    ) -> Any:
        """Send a person's command, which must succeed, and return the router's answer."""
        answer = await self.daemon.ask(
            "POST", f"{path}/{command}", json=body, headers={"X-Router-User": by}
        )
        assert answer.status in {200, 201, 202}, answer.body
        return answer.json

    async def see(self, path: str) -> str:
        answer = await self.daemon.get(path)
        assert answer.status == 200, answer.body
        return answer.body.decode()

    async def until(self, condition: Callable[[], object], what: str) -> None:
        """Let it come about, with no more time passing than the couriers need to look again."""
        await self.clock.settle(condition, what, step=0.01)

    async def alert(self, **changes: Any) -> None:
        assert (await self.daemon.alert(alert(**changes))).status == 200


@pytest.fixture
def relay() -> Relay:
    return Relay()


async def test_a_p0_from_the_first_alert_to_the_shared_post_mortem(
    tmp_path: Any, relay: Relay
) -> None:
    """Each step of the plan, in its order, by the people whose it is."""
    twilio, clock = Twilio(), SteppedClock(START)
    async with running(relay) as smtp, Slack() as slack, Peer(answer=twilio) as phone:
        path = write_config(tmp_path, RULES, **config(slack, phone.url, smtp))
        async with Daemon(path, clock) as daemon:
            room = Room(daemon, clock)
            await detection(room, slack, twilio)
            await response(room, slack, relay)
            await investigation(room)
            await mitigation(room)
            await resolution(room, slack)
            await announcement(room, relay)
            await post_mortem(room, slack, relay)


async def detection(room: Room, slack: Slack, twilio: Twilio) -> None:
    """A deployment, then failures: one message, a call to who is on call, and to the next when they
    don't answer.
    """
    await room.say(
        "deployments",
        "ben",
        "/api/v1",
        service="api",
        version="v1.4.2",
        commit="abc1234def",
        author="ben",
    )
    await room.clock.advance(7 * MINUTE)
    await room.alert(startsAt="2026-02-02T02:47:00Z")
    await room.until(lambda: slack.messages and len(twilio.forms) == 1, "the page")
    (message,) = slack.messages.values()
    assert message.headline == "🚨 [P0] VintStreet Incident"
    assert (message.line("Status"), message.line("Impact")) == (
        "INVESTIGATING",
        "Payment failures at 2.3% on api",
    )
    assert "deploy v1.4.2 by ben, 7 min before onset" in str(message.content)
    assert twilio.forms[0]["To"] == ANA
    await room.clock.advance(5 * MINUTE)
    await room.until(lambda: len(twilio.forms) == 2, "the call to the next in line")
    assert twilio.forms[1]["To"] == CLEO


async def response(room: Room, slack: Slack, relay: Relay) -> None:
    """Somebody acknowledges, stakeholders are notified, and the public gets approved text only."""
    await room.until(lambda: relay.mails, "the board's mail")
    assert relay.mails[0][0] == "board@example.com"
    assert (await room.say("ack", text="on it"))["incident"]["lead"] == "cleo"
    (message,) = slack.messages.values()
    await room.until(lambda: message.line("Incident Lead") == "@cleo", "the lead in the message")
    assert "All systems operational" in await room.see("/status")
    await room.say(
        "publish", title="Payment issues", text="We are looking into failing card payments."
    )
    page = await room.see("/status")
    assert "Payment issues" in page
    assert "looking into failing card payments" in page
    assert "2.3%" not in page
    assert "cleo" not in page.lower()


async def investigation(room: Room) -> None:
    """Show what changed before the incident, and its cause."""
    shown = (await room.daemon.get("/api/v1/incidents/1/context")).json
    assert [deployment["version"] for deployment in shown["deployments"]] == ["v1.4.2"]
    assert (await room.daemon.get("/api/v1/incidents/1")).json["suspect"]["commit"] == "abc1234def"
    await room.say("status", status="identified", text="the deploy of this morning")
    await room.say("publish", text="We have found the cause and are rolling back.")


async def mitigation(room: Room) -> None:
    """The rollback is shown by its dry run, approved by somebody, and run once."""

    async def state(wanted: str) -> bool:
        shown = (await room.daemon.get("/api/v1/incidents/1/actions/1")).json
        return bool(shown["state"] == wanted)

    await room.say("actions", "ana", action="rollback", parameters={"revision": "api-41"})
    await room.clock.settle(lambda: state("ready"), "the dry run")
    await room.say("actions/1/approve")
    await room.clock.settle(lambda: state("done"), "the rollback")
    await room.say("status", status="monitoring", text="rolled back to api-41")


async def resolution(room: Room, slack: Slack) -> None:
    """The alert resolves; the channel and the public page report the end."""
    await room.clock.advance(10 * MINUTE)
    await room.alert(
        status="resolved", startsAt="2026-02-02T02:47:00Z", endsAt="2026-02-02T03:05:00Z"
    )
    (message,) = slack.messages.values()
    await room.until(lambda: message.line("Status") == "RESOLVED", "the end in the channel")
    page = await room.see("/status")
    assert "All systems operational" in page
    assert "have been resolved" in page


async def announcement(room: Room, relay: Relay) -> None:
    """Customers are mailed once somebody approves it, and once only: when it was, and nothing that
    isn't theirs.
    """

    def mailed() -> bool:
        return any(to == "customers@example.com" for to, _ in relay.mails)

    assert not mailed()
    for _ in range(2):
        await room.say("announce", confirm=1)
    await room.until(mailed, "the mail to customers")
    await room.clock.advance(2 * MINUTE)
    (mail,) = [mail for to, mail in relay.mails if to == "customers@example.com"]
    text = (
        mail.get_content() if not mail.is_multipart() else mail.get_body(("plain",)).get_content()
    )  # type: ignore[union-attr]
    assert mail["Subject"] == "Service Update - VintStreet"
    assert "Issue started: 2:47 AM UTC" in text
    assert "support@example.com" in text
    assert "cleo" not in text.lower()


async def post_mortem(room: Room, slack: Slack, relay: Relay) -> None:
    """A day later its lead is reminded; it's made from all that happened, completed by people, and
    shared.
    """
    await pass_by(room.clock, 24 * 60 * MINUTE)
    await room.until(lambda: relay.mails[-1][0] == "cleo@example.com", "the reminder")
    path = "/api/v1/incidents/1/postmortem"
    written = {"summary": "A bad deploy declined cards.", "root_cause": "A pool of one connection."}
    answer = await room.daemon.ask(
        "PUT", path, json=written, headers={"If-Match": '"0"', "X-Router-User": "cleo"}
    )
    assert answer.status == 200, answer.body
    await room.say("items", text="Test the pool under load", owner="ana", due="2026-03-01")
    shown = (await room.daemon.get(path, headers={"Accept": "text/markdown"})).body.decode()
    for part in (
        "# Post-Mortem: Payment failures at 2.3% on api",
        "**Severity:** P0",
        "v1.4.2",
        "api-41",
        *written.values(),
    ):
        assert part in shown
    assert "Test the pool under load" in shown
    await room.say("postmortem/share")
    (message,) = slack.messages.values()
    await room.until(
        lambda: "A bad deploy declined cards." in f"{message.content} {message.thread}",
        "the sharing",
    )
