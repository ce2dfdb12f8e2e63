"""Commands that undo, pause and relate, over the API and by the page's forms."""

from collections.abc import Callable

import pytest

from tests.clock import SteppedClock
from tests.daemon import Daemon, alert
from tests.web.api.test_incidents import get, post
from tests.web.pages.test_incident import send, text
from tests.web.webhooks.test_endpoint import is_problem

Router = Callable[..., Daemon]


async def test_a_close_by_hand_is_undone(router: Router) -> None:
    """The answer and the page say that the alert still fires."""
    async with router() as daemon:
        await daemon.alert(alert())
        closed = (await post(daemon, "/incidents/1/resolve")).json["incident"]
        assert (closed["open"], closed["firing"]) == (False, 1)
        page = text(await daemon.get("/incidents/1"))
        assert "1 alert still fires" in page
        assert ">Reopen</button>" in page
        answer = await post(daemon, "/incidents/1/reopen", {"text": "too early"})
        assert (answer.status, answer.json["outcome"]) == (200, "reopened_by_person")
        assert answer.json["incident"]["open"]
        again = await post(daemon, "/incidents/1/reopen")
        assert (again.status, again.json["outcome"]) == (200, "already_done")


async def test_an_acknowledgement_is_withdrawn(router: Router) -> None:
    async with router() as daemon:
        await daemon.alert(alert())
        await post(daemon, "/incidents/1/ack")
        assert "Withdraw acknowledgement" in text(await daemon.get("/incidents/1"))
        answer = await post(daemon, "/incidents/1/unack")
        assert answer.json["outcome"] == "unacknowledged"
        assert answer.json["incident"]["acknowledged_at"] is None


async def test_a_snooze_has_an_end(router: Router, clock: SteppedClock) -> None:
    """A duration, or a time by the company's clock."""
    async with router(clock=clock, company={"time_zone": "Europe/Berlin"}) as daemon:
        await daemon.alert(alert())
        answer = await post(daemon, "/incidents/1/snooze", {"for": "2h"})
        assert answer.json["incident"]["snoozed_until"] == "2026-02-02T04:40:00.000Z"
        assert "snooze ends" in text(await daemon.get("/incidents/1"))
        answer = await post(daemon, "/incidents/1/snooze", {"until": "2026-02-02 09:00"})
        assert answer.json["incident"]["snoozed_until"] == "2026-02-02T08:00:00.000Z"
        assert (await send(daemon, "/incidents/1/snooze", **{"for": "30m"})).status == 303
        shown = (await get(daemon, "/incidents/1")).json["snoozed_until"]
        assert shown == "2026-02-02T03:10:00.000Z"


@pytest.mark.parametrize(
    ("command", "body", "pointer"),
    [
        ("snooze", {}, "#/until"),
        ("snooze", {"for": "2h", "until": "2026-02-02 09:00"}, "#/until"),
        ("snooze", {"until": "2026-02-02 01:00"}, "#/until"),
        ("snooze", {"for": "soon"}, "#/for"),
        ("snooze", {"for": "400d"}, "#/for"),
        ("merge", {}, "#/other"),
        ("merge", {"other": "INC-9"}, "#/other"),
        ("link", {"other": "x"}, "#/other"),
    ],
)
async def test_particulars_that_mean_nothing_are_refused(
    router: Router, clock: SteppedClock, command: str, body: dict[str, str], pointer: str
) -> None:
    async with router(clock=clock) as daemon:
        await daemon.alert(alert())
        answer = await post(daemon, f"/incidents/1/{command}", body)
        assert is_problem(answer, 400)
        assert answer.json["errors"][0]["pointer"] == pointer


async def test_incidents_are_linked_and_merged(router: Router) -> None:
    """A merged incident is closed, and leads to the other one."""
    async with router() as daemon:
        await daemon.alert(alert(), alert(service="web"))
        answer = await post(daemon, "/incidents/1/link", {"other": "INC-2"})
        assert answer.json["incident"]["related"] == [2]
        assert 'href="/incidents/2">INC-2' in text(await daemon.get("/incidents/1"))
        answer = await post(daemon, "/incidents/1/merge", {"other": "2"})
        assert (answer.json["outcome"], answer.json["incident"]["merged_into"]) == ("merged", 2)
        assert "Merged into" in text(await daemon.get("/incidents/1"))
        assert (await get(daemon, "/incidents/2")).json["firing"] == 2
        assert (await post(daemon, "/incidents/2/merge", {"other": "2"})).status == 409
