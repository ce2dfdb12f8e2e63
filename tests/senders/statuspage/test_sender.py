"""Atlassian Statuspage's sender, against a double that checks every field."""

import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.config.fields import Duration
from router.config.secret import Secret
from router.model.decision import Entry
from router.model.incident import Severity
from router.model.notification import Message, Rejected, Result, Retry, Sent, Uncertain
from router.model.reason import Reason
from router.senders.statuspage.sender import StatuspageConfig, StatuspageSender, build, content
from tests.core.statuspage.published import published, said
from tests.senders.kit import (
    NOW,
    Answer,
    Disconnect,
    Hang,
    Peer,
    Reply,
    Request,
    check_broken_connections,
    check_leaks_no_secret,
    check_retry_after,
    check_statuses,
    make_message,
)

KEY = "0f8a-secret-api-key"
COMPONENTS = {"payments": "8kbf7d35c070", "search": "9xyz7d35c071"}
STATUSES = {"investigating", "identified", "monitoring", "resolved"}
STATES = {
    "operational",
    "degraded_performance",
    "partial_outage",
    "major_outage",
    "under_maintenance",
}


class Statuspage:
    """Keeps the incidents and components of the page y2j98763l56x.

    `lost`: of so many writes the answer gets lost.
    """

    def __init__(self) -> None:
        self.incidents: list[dict[str, Any]] = []
        self.components = dict.fromkeys(COMPONENTS.values(), "operational")
        self.lost = 0

    def __call__(self, request: Request) -> Answer:
        assert request.headers["authorization"] == f"OAuth {KEY}"
        assert request.headers["content-type"] == "application/json"
        url = urlsplit(request.path)
        match = re.fullmatch(r"/v1/pages/y2j98763l56x/incidents(?:/(\w+))?", url.path)
        assert match, request.path
        if request.method == "GET":
            return self._read(match[1], dict(parse_qsl(url.query)))
        assert not url.query
        reply = self._write(request, match[1])
        if self.lost:
            self.lost -= 1
            return Disconnect()
        return reply

    def _read(self, number: str | None, query: dict[str, str]) -> Reply:
        if number is None:
            assert query == {"limit": "100"}
            return Reply(json=self.incidents[::-1][:100])
        found = [incident for incident in self.incidents if incident["id"] == number]
        return Reply(json=found[0]) if found else Reply(404, json={"error": "not found"})

    def _write(self, request: Request, number: str | None) -> Reply:
        assert set(request.json) == {"incident"}
        given = request.json["incident"]
        assert set(given) == {
            "name",
            "status",
            "impact_override",
            "body",
            "component_ids",
            "components",
            "deliver_notifications",
            "metadata",
        }
        assert 0 < len(given["name"]) <= 255
        assert len(given["body"]) <= 25_000
        assert given["status"] in STATUSES
        assert given["impact_override"] in {"none", "minor", "major", "critical"}
        assert set(given["components"]) == set(given["component_ids"]) <= set(self.components)
        assert set(given["components"].values()) <= STATES
        assert all(isinstance(value, dict) for value in given["metadata"].values())
        self.components |= given["components"]
        if number is None:
            assert request.method == "POST"
            one: dict[str, Any] = {"id": f"p{len(self.incidents)}", "incident_updates": []}
            self.incidents.append(one)
        else:
            assert request.method == "PATCH"
            one = next(incident for incident in self.incidents if incident["id"] == number)
        one |= {
            "name": given["name"],
            "status": given["status"],
            "impact": given["impact_override"],
            "metadata": given["metadata"],
            "components": [{"id": each} for each in given["component_ids"]],
        }
        one["incident_updates"].insert(0, {"status": given["status"], "body": given["body"]})
        return Reply(201 if number is None else 200, json=one)


def sender(
    session: aiohttp.ClientSession, peer: Peer, timeout: float = 5.0, **changes: Any
) -> StatuspageSender:
    options: dict[str, Any] = {"components": COMPONENTS} | changes
    config = StatuspageConfig(
        api_key=Secret(KEY),
        page="y2j98763l56x",
        api_url=f"{peer.url}/v1",
        timeout=Duration(timeout),
        **options,
    )
    return build("public", config, session)


def message(*updates: Entry, **changes: Any) -> Message:
    """With what was published among what wasn't."""
    noise = (Entry(142, NOW - 900, Reason.NOTED, "ana", {"text": "internal-note"}, id=1),)
    return make_message(title="internal-title", timeline=(*noise, *updates), **changes)


FIRST = message(said(2, NOW - 60))
SECOND = (said(2, NOW - 60), said(5, NOW, "resolved", "It works again."))


async def deliver(
    page: Statuspage, *messages: Message, **changes: Any
) -> tuple[list[Result], list[str]]:
    """The results, and the methods of the calls."""
    async with Peer(answer=page) as peer, aiohttp.ClientSession() as session:
        one = sender(session, peer, **changes)
        return [await one.send(each) for each in messages], [
            request.method for request in peer.requests
        ]


async def test_what_is_published_is_an_incident_there_with_its_component() -> None:
    page = Statuspage()
    results, methods = await deliver(page, FIRST)
    assert (results, methods) == ([Sent("p0")], ["GET", "POST"])
    (one,) = page.incidents
    assert (one["name"], one["status"], one["impact"]) == (
        "Payment problems",
        "investigating",
        "critical",
    )
    assert one["incident_updates"] == [
        {"status": "investigating", "body": "We are looking into it."}
    ]
    assert page.components == {"8kbf7d35c070": "major_outage", "9xyz7d35c071": "operational"}


async def test_nothing_but_what_was_published_leaves_the_house() -> None:
    async with Peer(answer=Statuspage()) as peer, aiohttp.ClientSession() as session:
        await sender(session, peer).send(FIRST)
    for request in peer.requests:
        for internal in (
            b"internal",
            b"ana",
            b"PaymentFailures",
            b"prometheus",
            b"runbooks",
            b'api"',
        ):
            assert internal not in request.body


@pytest.mark.parametrize("change", [{"timeline": ()}, {"drill": True}])
async def test_without_anything_public_nothing_is_asked(change: dict[str, Any]) -> None:
    """A drill isn't public either."""
    given = make_message(**({"timeline": FIRST.timeline} | change))
    assert await deliver(Statuspage(), given) == ([Sent(silent=True)], [])


async def test_an_update_is_added_and_a_resolve_restores_the_component() -> None:
    """Statuspage doesn't restore it automatically."""
    page = Statuspage()
    results, methods = await deliver(page, FIRST, message(*SECOND, ref="p0", seen_entry=2))
    assert (results, methods) == ([Sent("p0"), Sent("p0")], ["GET", "POST", "GET", "PATCH"])
    assert [
        incident_update["body"] for incident_update in page.incidents[0]["incident_updates"]
    ] == [
        "It works again.",
        "We are looking into it.",
    ]
    assert page.incidents[0]["status"] == "resolved"
    assert page.components["8kbf7d35c070"] == "operational"


async def test_a_component_that_another_incident_has_isnt_restored() -> None:
    page = Statuspage()
    other = message(said(1, NOW), id=7, severity=Severity.P2)
    await deliver(page, FIRST, other, message(*SECOND, ref="p0"))
    assert page.components["8kbf7d35c070"] == "degraded_performance"


async def test_the_worst_of_two_incidents_is_the_state_of_their_component() -> None:
    page = Statuspage()
    await deliver(page, FIRST, message(said(1, NOW), id=7, severity=Severity.P2))
    assert page.components["8kbf7d35c070"] == "major_outage"


async def test_what_it_knows_already_isnt_told_again() -> None:
    """The same message after a crash, whose first outcome was never written down."""
    page = Statuspage()
    results, methods = await deliver(page, FIRST, FIRST)
    assert (results[1], methods) == (Sent("p0"), ["GET", "POST", "GET"])


@pytest.mark.parametrize("before", [(), (FIRST,)], ids=["opening", "update"])
async def test_an_answer_that_was_lost_makes_no_double(before: tuple[Message, ...]) -> None:
    """It may have arrived, and the next attempt sees that it did."""
    page = Statuspage()
    await deliver(page, *before)
    page.lost = 1
    (result, again), _ = await deliver(page, message(*SECOND), message(*SECOND))
    assert isinstance(result, Uncertain)
    assert again == Sent("p0")
    assert len(page.incidents) == 1
    assert len(page.incidents[0]["incident_updates"]) == 1 + len(before)


async def test_updates_that_waited_are_told_together_oldest_first() -> None:
    """A page that couldn't be reached for an hour gets the present, with the words on the way to
    it.
    """
    page = Statuspage()
    await deliver(page, message(*SECOND))
    assert page.incidents[0]["incident_updates"] == [
        {"status": "resolved", "body": "We are looking into it.\n\nIt works again."}
    ]


async def test_an_incident_of_before_the_list_is_found_by_its_id() -> None:
    page = Statuspage()
    await deliver(page, FIRST)
    page.incidents += [
        {"id": f"x{n}", "status": "resolved", "impact": "none", "metadata": None}
        for n in range(100)
    ]
    results, methods = await deliver(page, message(*SECOND, ref="p0"))
    assert (results, methods) == ([Sent("p0")], ["GET", "GET", "PATCH"])


async def test_one_that_was_deleted_there_is_made_again() -> None:
    page = Statuspage()
    results, methods = await deliver(page, message(*SECOND, ref="gone"))
    assert (results, methods) == ([Sent("p0")], ["GET", "GET", "POST"])


async def test_incidents_of_other_people_and_their_notes_are_left_alone() -> None:
    """Also where they keep something else under our name."""
    page = Statuspage()
    await deliver(page, FIRST)
    page.incidents[0]["metadata"]["jira"] = {"key": "OPS-1"}
    page.incidents.append(
        {
            "id": "x",
            "status": "identified",
            "impact": "minor",
            "metadata": {"router": {"told": "?"}},
        }
    )
    await deliver(page, message(*SECOND, ref="p0"))
    assert page.incidents[0]["metadata"]["jira"] == {"key": "OPS-1"}
    assert page.incidents[1]["metadata"] == {"router": {"told": "?"}}


async def test_the_same_number_of_another_database_is_another_incident() -> None:
    page = Statuspage()
    await deliver(page, FIRST, message(said(2, NOW - 60), opened_at=NOW - 90))
    assert len(page.incidents) == 2


async def test_a_component_that_statuspage_doesnt_have_is_left_out() -> None:
    page = Statuspage()
    await deliver(page, FIRST, components={})
    assert page.incidents[0]["components"] == []


@given(st.text(), st.text(), st.sampled_from(sorted(STATUSES)))
def test_whatever_is_said_fits(title: str, text: str, status: str) -> None:
    """Within the limits, and with a name."""
    from router.core.communication.notice import notice

    public = notice(published(said(1, NOW, status, text * 100, title=title * 20)))
    assert public is not None
    made = content(public, 0, StatuspageConfig(api_key=Secret(KEY), page="x"), [])
    assert 0 < len(made["name"]) <= 255
    assert len(made["body"]) <= 25_000
    assert "\n" not in made["name"]


# --- outcomes


async def test_the_router_reads_outcomes_as_all_senders_do(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Status table, Retry-After, broken connections, and the key's secrecy."""
    async with Peer() as peer, aiohttp.ClientSession() as session:
        one, hasty = sender(session, peer), sender(session, peer, 0.3)
        await check_statuses(peer, lambda: one.send(FIRST), idempotent=True, lowest=300)
        await check_retry_after(peer, lambda: one.send(FIRST))
        await check_broken_connections(peer, lambda: hasty.send(FIRST), idempotent=True)
        assert KEY not in repr(one._config)
        await check_leaks_no_secret(KEY, peer, lambda: hasty.send(FIRST), caplog)
        await one.close()
        assert not session.closed


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Reply(420), Retry),
        (Reply(429), Retry),
        (Reply(503), Retry),
        (Reply(504), Uncertain),
        (Reply(422, json={"error": ["Name is too long"]}), Rejected),
        (Reply(401, json={"error": "Could not authenticate"}), Rejected),
        (Reply(201, body=b"<html>"), Uncertain),
        (Hang(), Uncertain),
        (Disconnect(), Uncertain),
    ],
    ids=repr,
)
async def test_a_write_may_have_arrived(answer: Answer, expected: type[Result]) -> None:
    """After the look, which did no harm."""
    async with Peer(Reply(json=[]), answer) as peer, aiohttp.ClientSession() as session:
        result = await sender(session, peer, 0.5).send(FIRST)
    assert type(result) is expected


async def test_a_refusal_says_why() -> None:
    refusal = Reply(422, json={"error": ["Name is too long", KEY]})
    async with Peer(Reply(json=[]), refusal) as peer, aiohttp.ClientSession() as session:
        result = await sender(session, peer).send(FIRST)
    assert result == Rejected("HTTP 422: Name is too long; ***")


async def test_too_many_requests_are_told_by_either_status() -> None:
    """Statuspage says 420 or 429."""
    async with (
        Peer(Reply(420, headers={"Retry-After": "30"})) as peer,
        aiohttp.ClientSession() as session,
    ):
        assert await sender(session, peer).send(FIRST) == Retry("HTTP 429", 30.0)


def test_by_default_no_more_than_a_request_a_second_is_made() -> None:
    """A message takes three requests at most, and the limit is per minute."""
    rate = StatuspageConfig(api_key=Secret(KEY), page="x").rate
    assert rate is not None
    assert 3 * rate.count <= rate.per
