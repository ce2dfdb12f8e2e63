"""A channel of type statuspage in a whole router: it gets published updates and nothing else."""

from collections.abc import Callable

from tests.clock import SteppedClock
from tests.daemon import Daemon, alert
from tests.senders.kit import Peer
from tests.senders.statuspage.test_sender import COMPONENTS, KEY, Statuspage
from tests.web.statuspage.site import opened

Router = Callable[..., Daemon]


async def test_it_is_told_what_is_published_and_when_it_is_over(
    router: Router, clock: SteppedClock
) -> None:
    """No policy names it; opening, acknowledging and notes don't reach it."""
    page = Statuspage()
    async with Peer(answer=page) as peer:
        channel = {
            "type": "statuspage",
            "api_key": KEY,
            "page": "y2j98763l56x",
            "components": COMPONENTS,
        }
        channels = {"log": {"type": "console"}, "public": channel | {"api_url": f"{peer.url}/v1"}}
        async with router(clock=clock, channels=channels) as daemon:
            base = f"/api/v1/incidents/{await opened(daemon)}"
            await daemon.ask("POST", f"{base}/ack")
            await daemon.ask("POST", f"{base}/note", json={"text": "internal-note"})
            await clock.advance(120)
            assert peer.requests == []
            await daemon.ask(
                "POST", f"{base}/publish", json={"title": "Payment problems", "text": "We look."}
            )
            await clock.settle(lambda: page.incidents, "the incident there", step=1.0)
            await daemon.alert(alert(status="resolved"))
            await clock.settle(
                lambda: page.incidents[0]["status"] == "resolved", "the end there", step=1.0
            )
    (one,) = page.incidents
    assert one["name"] == "Payment problems"
    assert [update["body"] for update in one["incident_updates"]][1] == "We look."
    assert b"internal" not in b"".join(request.body for request in peer.requests)
