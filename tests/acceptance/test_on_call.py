"""Somebody is woken: from an alert to the telephone of who is on call, over a hand-over."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from tests.clock import SteppedClock
from tests.daemon import Daemon, alert
from tests.senders.kit import Peer
from tests.senders.twilio_double import ACCOUNT, SENDER, Twilio
from tests.senders.twilio_double import TOKEN as TWILIO

Router = Callable[..., Daemon]

ANA, BEN = "+442079460123", "+442079460456"
BEFORE_NINE = datetime(2026, 3, 30, 7, 58, tzinfo=UTC).timestamp()
"""Two minutes before the hand-over in London, on the first Monday of summer time."""


def config(url: str) -> dict[str, Any]:
    """Ana's week ends on that Monday, and Ben's begins.

    Both want a text first, and a call two minutes later.
    """
    twilio = {"account_sid": ACCOUNT, "auth_token": TWILIO, "from": SENDER, "api_url": url}
    ways = [{"via": "text"}, {"via": "call", "after": "2m"}]
    steps = [
        {"notify": ["schedule:primary"]},
        {"after": "5m", "notify": ["schedule:primary"], "unless": "acknowledged"},
    ]
    return {
        "company": {"time_zone": "Europe/London"},
        "channels": {"text": {"type": "sms", **twilio}, "call": {"type": "voice", **twilio}},
        "contacts": {"ana": {"phone": ANA, "reach": ways}, "ben": {"phone": BEN, "reach": ways}},
        "schedules": {
            "primary": {
                "layers": [
                    {
                        "rotate": "weekly",
                        "handover": "Mon 09:00",
                        "contacts": ["ana", "ben"],
                        "start": "2026-03-23",
                    }
                ]
            }
        },
        "policies": {"all": {"steps": steps}},
    }


async def test_who_is_on_call_gets_the_text_and_then_the_call_and_after_the_hand_over_it_is_another(
    router: Router,
) -> None:
    """Ana gets a text, then a call when she doesn't answer; Ben, on call from nine, gets the next
    step.

    He acknowledges and isn't called. Ana was notified, so she receives his acknowledgement.
    """
    twilio, clock = Twilio(), SteppedClock(BEFORE_NINE)
    async with Peer(answer=twilio) as peer, router(clock=clock, **config(peer.url)) as daemon:

        async def notified(messages: int) -> list[tuple[str, str]]:
            """Recipient and way of each message, once there are so many."""
            await clock.settle(
                lambda: len(twilio.forms) >= messages, f"{messages} messages", step=1
            )
            return [("text" if "Body" in form else "call", form["To"]) for form in twilio.forms]

        await daemon.alert(alert())
        assert await notified(1) == [("text", ANA)]
        assert await notified(2) == [("text", ANA), ("call", ANA)]
        assert 120 <= clock.now() - BEFORE_NINE < 150
        assert (await notified(3))[2:] == [("text", BEN)]
        assert 300 <= clock.now() - BEFORE_NINE < 330
        assert (
            await daemon.ask("POST", "/api/v1/incidents/1/ack", headers={"X-Router-User": "ben"})
        ).status == 200
        assert sorted((await notified(5))[3:]) == [("text", ANA), ("text", BEN)]
        await clock.advance(600)
        assert len(await notified(5)) == 5, "an acknowledged incident calls nobody"

        async def settled() -> bool:
            """A message is seen a moment before it's on record."""
            rows = (await daemon.get("/api/v1/notifications?state=sent")).json["notifications"]
            return len(rows) == 3

        await clock.settle(settled, "three messages on record")
        shown = (await daemon.get("/api/v1/incidents/1")).json
        assert shown["channels"] == ["text/ana", "call/ana", "text/ben"]
        assert {row["channel"] for row in shown["notifications"]} == {
            "text/ana",
            "call/ana",
            "text/ben",
        }
        assert (await daemon.ask("POST", "/api/v1/notifications/1/text%2Fben/resend")).status == 202
        assert (await notified(6))[5:] == [("text", BEN)]
