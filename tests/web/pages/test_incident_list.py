"""The list of incidents: order, filters, pages, and commands to several incidents."""

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.daemon import Daemon, alert
from tests.web.pages.test_incident import send, text

Router = Callable[..., Daemon]


def numbers(page: str) -> list[int]:
    """The incidents of a list, in its order."""
    return [int(one) for one in re.findall(r'name="id" value="(\d+)" aria-label', page)]


async def five(daemon: Daemon) -> None:
    """Payments: 1 of api, 2 of web, acknowledged by ana. Disks: 3 to 5, of which 5 is over."""
    await daemon.alert(
        alert(),
        alert(service="web"),
        *(alert("DiskFull", service="db", instance=f"db-{number}") for number in range(3)),
    )
    by = {"X-Router-User": "ana"}
    await daemon.ask("POST", "/api/v1/incidents/2/ack", json={}, headers=by)
    await daemon.ask("POST", "/api/v1/incidents/5/resolve", json={})


async def test_open_incidents_are_listed_the_most_urgent_first(router: Router) -> None:
    """The worst, then those that nobody acknowledged, then the newest; `/` leads there."""
    async with router() as daemon:
        await five(daemon)
        page = text(await daemon.get("/"))
        assert numbers(page) == [1, 2, 4, 3]
        assert "4 open, 3 not acknowledged" in page
        assert ">acknowledged by ana<" in page
        assert ">not acknowledged<" in page
        assert numbers(text(await daemon.get("/incidents?view=past"))) == [5]


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ("severity=P0", [1, 2]),
        ("severity=P0&unanswered=1", [1]),
        ("severity=&status=&service=web", [2]),
        ("mine=1", [2]),
        ("q=payment+api", [1]),
        ("q=INC-4", [4]),
        ("q=db-1+nothing", []),
        ("drill=1", []),
        ("status=investigating", [1, 2, 4, 3]),
        ("ids=5,1-3", [1, 2, 5, 3]),
        ("ids=5,1-3&q=db", [5, 3]),
        ("view=past&q=db-2", [5]),
        ("view=past&q=db-1", []),
    ],
)
async def test_filters_narrow_the_list(router: Router, filters: str, found: list[int]) -> None:
    """They are in the address, so that it can be kept and shared."""
    async with router() as daemon:
        await five(daemon)
        answer = await daemon.get(f"/incidents?{filters}", headers={"X-Router-User": "Ana"})
        assert numbers(text(answer)) == found
        assert ("No incident matches." in text(answer)) == (not found)


@pytest.mark.parametrize("view", ["open", "past"])
async def test_all_incidents_are_reached_page_by_page(router: Router, view: str) -> None:
    """Each is on one page, whatever their number."""
    async with router() as daemon:
        await daemon.alert(*(alert(service=f"s{number}") for number in range(120)))
        if view == "past":
            over: dict[str, Any] = {"status": "resolved"}
            await daemon.alert(*(alert(service=f"s{number}", **over) for number in range(120)))
        path, found = f"/incidents?view={view}", []
        while path:
            page = text(await daemon.get(path))
            found += numbers(page)
            more = re.search(r'rel="next" href="([^"]+)"', page)
            path = more[1].replace("&amp;", "&") if more else ""
        assert sorted(found) == [*range(1, 121)]


async def chosen(daemon: Daemon, what: str, *ids: int, **form: str) -> str:
    """Press a button for some incidents; the page after it."""
    fields = [("do", what), *(("id", str(number)) for number in ids), *form.items()]
    return text(await daemon.ask("POST", "/incidents", data=fields))


async def status(daemon: Daemon, number: int) -> tuple[str, str | None]:
    found = (await daemon.get(f"/api/v1/incidents/{number}")).json
    return found["status"], found["acknowledged_by"]


async def test_several_incidents_are_acknowledged_and_it_can_be_undone(router: Router) -> None:
    """The notice counts the incidents that changed; its button takes it back for these."""
    async with router() as daemon:
        await five(daemon)
        page = await chosen(daemon, "ack", 1, 2, 3)
        assert "Acknowledged INC-1, INC-3. 1 was already in that state, or closed." in page
        assert await status(daemon, 3) == ("investigating", "somebody")
        assert "Acknowledged" not in text(await daemon.get("/incidents"))
        assert "Acknowledged INC-1" not in text(await daemon.get("/incidents/1"))
        undone = await chosen(daemon, "unack", 1, 3)
        assert "Withdrew the acknowledgement of INC-1, INC-3." in undone
        assert await status(daemon, 3) == ("investigating", None)


async def test_several_incidents_are_resolved_after_confirmation(router: Router) -> None:
    """With one note on each timeline; they can be reopened."""
    async with router() as daemon:
        await five(daemon)
        asked = await chosen(daemon, "resolve", 1, 4)
        assert "Resolve 2 incidents?" in asked
        assert await status(daemon, 1) == ("investigating", None)
        done = await chosen(daemon, "resolve", 1, 4, confirm="yes", text="rolled back")
        assert "Resolved INC-1, INC-4." in done
        last = (await daemon.get("/api/v1/incidents/4")).json["timeline"]
        assert "rolled back" in {entry["data"].get("text") for entry in last}
        assert "Reopened INC-1, INC-4." in await chosen(daemon, "reopen", 1, 4)


async def test_alerts_of_several_incidents_are_silenced(router: Router) -> None:
    """The page proposes matchers and shows the open incidents that they hide."""
    async with router() as daemon:
        await five(daemon)
        asked = await chosen(daemon, "silence", 1, 3)
        assert "alertname=&#34;PaymentFailures&#34;" in asked
        assert "Hides 1 open incident:" in asked
        form = {"match": 'alertname="PaymentFailures"\nservice="api"', "for": "2h"}
        answer = await send(daemon, "/incidents/silence", comment="upgrade", **form)
        assert answer.headers["Location"] == "/silences"
        (made,) = (await daemon.get("/api/v1/silences")).json["silences"]
        assert made["match"] == ['alertname="PaymentFailures"', 'service="api"']
        assert (made["by"], made["comment"]) == ("somebody", "upgrade")


async def test_a_name_that_was_given_is_used_for_several(router: Router) -> None:
    """Where no credentials name the reader; the filter *Mine* knows it, too."""
    async with router() as daemon:
        await five(daemon)
        await send(daemon, "/incidents/1/note", text="looking", by="Zoe")
        await chosen(daemon, "ack", 3, 4)
        assert await status(daemon, 4) == ("investigating", "Zoe")
        assert numbers(text(await daemon.get("/incidents?mine=1"))) == [4, 3]


@pytest.mark.parametrize("form", [{"do": "ack"}, {"do": "ack", "id": "x"}, {"id": "1"}, {}])
async def test_a_form_without_a_choice_is_refused(router: Router, form: dict[str, str]) -> None:
    """The page says so and leads back."""
    async with router() as daemon:
        await five(daemon)
        html = {"Accept": "text/html"}
        answer = await daemon.ask("POST", "/incidents", data=form, headers=html)
        assert answer.status == 400
        assert b"choose " in answer.body
        assert b'href="/incidents">Back' in answer.body
