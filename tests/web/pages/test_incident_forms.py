"""The forms of an incident's page: questions first, approvals, and messages sent again."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.actions.room import RULES, over, program
from tests.clock import SteppedClock
from tests.daemon import Daemon, alert, write_config
from tests.web.pages.test_incident import send, text

Router = Callable[..., Daemon]


@pytest.mark.parametrize(
    ("command", "question", "effect", "what"),
    [
        ("resolve", "Resolve INC-1?", "1 alert still fires.", "resolved_by_person"),
        ("escalate", "Escalate INC-1?", "Step 2 runs now and notifies log.", "escalated"),
        ("merge", "Merge INC-1 into INC-2?", "takes over its alerts", "merged"),
    ],
)
async def test_a_command_with_consequences_asks_first(
    router: Router, command: str, question: str, effect: str, what: str
) -> None:
    """The question names the consequence; the second press does it, with what was typed."""
    steps = [{"notify": ["channel:log"]}, {"after": "1h", "notify": ["channel:log"]}]
    async with router(policies={"all": {"steps": steps}}) as daemon:
        await daemon.alert(alert(), alert(service="web"))
        await daemon.ask("POST", "/api/v1/incidents/1/ack", json={})
        form = {"other": "INC-2"}
        asked = text(await send(daemon, f"/incidents/1/{command}", **form, text="as agreed"))
        assert question in asked
        assert effect in asked
        assert ">\nas agreed</textarea>" in asked
        entries = (await daemon.get("/api/v1/incidents/1")).json["timeline"]
        assert what not in [entry["what"] for entry in entries]
        sent = await send(daemon, f"/incidents/1/{command}", **form, text="x", confirm="yes")
        assert sent.status == 303
        entries = (await daemon.get("/api/v1/incidents/1")).json["timeline"]
        assert what in [entry["what"] for entry in entries]


async def test_resolving_a_public_incident_says_that_customers_see_it(router: Router) -> None:
    public = "The status page shows that it is over."
    async with router() as daemon:
        await daemon.alert(alert())
        assert public not in text(await send(daemon, "/incidents/1/resolve"))
        await send(daemon, "/incidents/1/publish", title="Outage", text="We look into it.")
        assert public in text(await send(daemon, "/incidents/1/resolve"))


async def test_the_outcome_can_be_taken_back(router: Router) -> None:
    """The notice of a resolve has a button that reopens."""
    async with router() as daemon:
        await daemon.alert(alert())
        await send(daemon, "/incidents/1/resolve", confirm="yes")
        page = text(await daemon.get("/incidents/1"))
        assert 'action="/incidents/1/reopen"><button>Undo</button>' in page
        await send(daemon, "/incidents/1/reopen")
        assert (await daemon.get("/api/v1/incidents/1")).json["open"]


async def test_a_lead_who_is_no_contact_is_a_warning(router: Router) -> None:
    """Also with another role. It is set all the same; the page says that nobody was notified."""
    async with router(contacts={"ana": {}}) as daemon:
        await daemon.alert(alert())
        for lead, warns in (("anna", True), ("ana", False)):
            await send(daemon, "/incidents/1/assign", lead=lead)
            page = text(await daemon.get("/incidents/1"))
            assert f"{lead} leads INC-1 now." in page
            assert ("is not a contact of the config" in page) is warns
        await send(daemon, "/incidents/1/assign", lead="ban", role="scribe")
        page = text(await daemon.get("/incidents/1"))
        assert "Assigned in INC-1: lead ana, scribe ban. But " in page
        assert "<dt>ban</dt><dd>scribe</dd>" in page


async def test_a_message_is_sent_again(router: Router, clock: SteppedClock) -> None:
    """An address without a message is an error."""
    async with router(clock=clock) as daemon:
        await daemon.alert(alert())

        async def delivered() -> bool:
            return b"Send again" in (await daemon.get("/incidents/1")).body

        await clock.settle(delivered)
        answer = await send(daemon, "/incidents/1/resend", channel="log")
        assert answer.headers["Location"] == "/incidents/1#messages"

        async def twice() -> bool:
            (notification,) = (await daemon.get("/api/v1/notifications")).json["notifications"]
            return bool(notification["sent"] == 2)

        await clock.settle(twice)
        assert (await send(daemon, "/incidents/1/resend", channel="mail")).status == 400


async def test_an_action_is_requested_approved_and_shown(tmp_path: Path) -> None:
    """The page shows the dry run with the buttons, and then the result."""
    act = {
        "argv": program("print('rolled back')", "{what}"),
        "dry_run": program("print('would roll back')", "{what}"),
        "parameters": {"what": {"choices": ["api", "web"]}},
    }
    async with Daemon(write_config(tmp_path, RULES, actions={"act": act})) as daemon:
        await daemon.alert(alert())
        page = text(await daemon.get("/incidents/1"))
        key = re.search(r'name="key" value="([^"]+)"', page)
        assert key is not None
        form = {"action": "act", "key": key[1], "parameter-what": "api"}
        assert (await send(daemon, "/incidents/1/actions", **form)).status == 303
        assert (await send(daemon, "/incidents/1/actions", **form)).status == 303
        assert (await over(daemon))["state"] == "ready"
        waiting = text(await daemon.get("/incidents/1"))
        assert "would roll back" in waiting
        assert "Approve: run it now" in waiting
        assert (await send(daemon, "/incidents/1/actions/1", do="approve")).status == 303
        await over(daemon, states=())
        shown = text(await daemon.get("/incidents/1"))
        assert "rolled back" in shown
        assert "Approve: run it now" not in shown
        assert (await send(daemon, "/incidents/1/actions/1", do="approve")).status == 409
        assert (await send(daemon, "/incidents/1/actions/1", do="dance")).status == 400
        assert (await send(daemon, "/incidents/1/actions", action="none")).status == 400
