"""REST API: the answers of each path, permissions and errors."""

import hashlib
import json
import re
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from router.ports.errors import StoreUnavailable
from router.web.api.explain import MOST_EXPLAINED
from router.web.api.openapi import OPERATIONS
from tests.clock import SteppedClock
from tests.daemon import Answer, Daemon, alert, group
from tests.pages import rows
from tests.senders.kit import Peer, Reply
from tests.web.webhooks.test_endpoint import is_problem

Router = Callable[..., Daemon]

BASE = "/api/v1"


async def get(daemon: Daemon, path: str, **query: Any) -> Answer:
    return await daemon.get(BASE + path, params=query)


async def post(daemon: Daemon, path: str, body: object = None, **options: Any) -> Answer:
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return await daemon.ask("POST", BASE + path, data=data, **options)


# --- incidents


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"q": "payment web"}, [2]),
        ({"service": "api"}, [1]),
        ({"unacknowledged": "true"}, [3, 2]),
        ({"person": "ANA", "open": "true"}, [1]),
        ({"drills": "only"}, []),
        ({"drills": "none", "limit": 2}, [3, 2]),
    ],
)
async def test_incidents_are_found_by_words_service_and_person(
    router: Router, query: dict[str, Any], found: list[int]
) -> None:
    """`total` counts all that match, also beyond the page."""
    async with router() as daemon:
        await daemon.alert(alert(), alert(service="web"), alert("DiskFull", service="db"))
        await post(daemon, "/incidents/1/ack", {}, headers={"X-Router-User": "ana"})
        page = (await get(daemon, "/incidents", **query)).json
        assert [incident["id"] for incident in page["incidents"]] == found
        assert page["total"] == (3 if query.get("drills") == "none" else len(found))
        assert page["next"] == (2 if "limit" in query else None)


async def test_an_incident_is_shown_as_people_know_it(router: Router, clock: SteppedClock) -> None:
    """Lookup by number or name; times are RFC 3339; internal fields are left out."""
    async with router(clock=clock) as daemon:
        await daemon.alert(alert())

        async def delivered() -> bool:
            return bool((await get(daemon, "/notifications", state="sent")).json["notifications"])

        await clock.settle(delivered)
        incident = (await get(daemon, "/incidents/1")).json
        assert (
            incident
            == (await get(daemon, "/incidents/INC-1")).json
            == (await get(daemon, "/incidents/inc-1")).json
        )
        shown = {
            "id": 1,
            "name": "INC-1",
            "severity": "P0",
            "status": "investigating",
            "open": True,
            "firing": 1,
        }
        assert shown.items() <= incident.items()
        assert incident["title"] == "Payment failures at 2.3% on api"
        assert incident["opened_at"] == "2026-02-02T02:40:00.000Z"
        assert [incident["closed_at"], incident["acknowledged_by"], incident["lead"]] == [
            None,
            None,
            None,
        ]
        assert not {"version", "step", "policy_since", "notified"} & incident.keys()
        assert incident["timeline"][0]["what"] == "opened"
        assert incident["notifications"][0]["channel"] == "log"
        listed = (await get(daemon, "/incidents")).json["incidents"]
        assert [incident | {"timeline": 0, "notifications": 0}] == [
            entry | {"timeline": 0, "notifications": 0} for entry in listed
        ]


@pytest.mark.parametrize(
    "given", ["2", "INC-2", "INC-", "x", "-1", "1.0", "²", "9" * 15, "9" * 30, "%00"]
)
async def test_an_incident_that_is_not_there_is_a_404(router: Router, given: str) -> None:
    """Any identifier results in a problem document, not a fault."""
    async with router() as daemon:
        await daemon.alert(alert())
        assert is_problem(await get(daemon, f"/incidents/{given}"), 404)
        assert is_problem(await post(daemon, f"/incidents/{given}/ack"), 404)


async def test_incidents_are_listed_newest_first_and_paged(router: Router) -> None:
    """`before` and `limit` return each incident exactly once."""
    async with router() as daemon:
        await daemon.alert(*(alert(service=f"s{i}") for i in range(7)))
        found, before = [], 0
        while page := (await get(daemon, "/incidents", limit=3, before=before)).json["incidents"]:
            assert len(page) <= 3
            found += [row["id"] for row in page]
            before = found[-1]
        assert found == [7, 6, 5, 4, 3, 2, 1]


async def test_incidents_are_found_by_what_they_are(router: Router) -> None:
    """Filters by severity, status and openness; several values of a filter mean any of them."""
    async with router() as daemon:
        await daemon.alert(alert(), alert("DiskFull", instance="a"), alert("Whatever"))
        await post(daemon, "/incidents/2/resolve")

        async def ids(*query: tuple[str, str]) -> list[int]:
            answer = await daemon.get(f"{BASE}/incidents", params=query)
            return [incident["id"] for incident in answer.json["incidents"]]

        assert await ids(("severity", "P0")) == [1]
        assert await ids(("severity", "P0"), ("severity", "P3")) == [2, 1]
        assert await ids(("status", "resolved")) == [2]
        assert await ids(("open", "true")) == [3, 1]
        assert await ids(("open", "true"), ("severity", "P3")) == []


@pytest.mark.parametrize(
    ("path", "query", "pointer"),
    [
        ("/incidents", {"severity": "P9"}, "#/severity"),
        ("/incidents", {"status": "open"}, "#/status"),
        ("/incidents", {"before": "x"}, "#/before"),
        ("/incidents", {"limit": "-1"}, "#/limit"),
        ("/incidents", {"limit": "9" * 40}, "#/limit"),
        ("/incidents", {"limit": "1001"}, "#/limit"),
        ("/alerts", {"incident": "INC"}, "#/incident"),
        ("/alerts", {"status": "broken"}, "#/status"),
        ("/notifications", {"state": "lost"}, "#/state"),
    ],
)
async def test_a_query_that_means_nothing_is_a_400(
    router: Router, path: str, query: dict[str, str], pointer: str
) -> None:
    """It names the parameter, rather than to answer something else than was asked."""
    async with router() as daemon:
        answer = await get(daemon, path, **query)
        assert is_problem(answer, 400)
        assert answer.json["errors"][0]["pointer"] == pointer


# --- commands


async def test_the_life_of_an_incident(router: Router) -> None:
    """Acknowledge, raise, note, resolve: each answer has the result and the incident's state."""
    async with router() as daemon:
        await daemon.alert(alert(value="0.005"))
        steps: list[tuple[str, Any, str, dict[str, Any]]] = [
            ("ack", {"text": "on it"}, "acknowledged", {"acknowledged_by": "ana", "lead": "ana"}),
            ("severity", {"severity": "P1", "text": "worse"}, "severity_set", {"severity": "P1"}),
            ("note", {"text": "rolling back"}, "noted", {"status": "investigating"}),
            (
                "resolve",
                None,
                "resolved_by_person",
                {"status": "resolved", "open": False, "closed_by": "ana"},
            ),
        ]
        for path, body, outcome, shown in steps:
            answer = await post(
                daemon, f"/incidents/1/{path}", body, headers={"X-Router-User": "ana"}
            )
            assert (answer.status, answer.json["outcome"]) == (200, outcome)
            assert shown.items() <= answer.json["incident"].items()
        timeline = (await get(daemon, "/incidents/1")).json["timeline"]
        assert [entry["what"] for entry in timeline if entry["by"] == "ana"] == [
            step[2] for step in steps
        ]


async def test_a_false_positive_is_closed_as_one(router: Router) -> None:
    """The answer says so."""
    async with router() as daemon:
        await daemon.alert(alert())
        answer = await post(daemon, "/incidents/1/false-positive", {"text": "a test"})
        assert answer.json["incident"]["status"] == "false_positive"


async def test_a_second_acknowledgement_changes_nothing(router: Router) -> None:
    """It's no error: the answer says who had already acknowledged."""
    async with router() as daemon:
        await daemon.alert(alert())
        for name in ("ana", "ben"):
            answer = await post(daemon, "/incidents/1/ack", headers={"X-Router-User": name})
        assert (answer.status, answer.json["outcome"]) == (200, "already_done")
        assert answer.json["incident"]["acknowledged_by"] == "ana"


@pytest.mark.parametrize("path", ["ack", "resolve", "false-positive", "severity"])
async def test_a_command_to_a_closed_incident_is_a_409(router: Router, path: str) -> None:
    """The answer contains the incident's current state."""
    async with router() as daemon:
        await daemon.alert(alert())
        await post(daemon, "/incidents/1/resolve", headers={"X-Router-User": "ana"})
        answer = await post(daemon, f"/incidents/1/{path}", {"severity": "P1"})
        assert (answer.status, answer.json["outcome"]) == (409, "already_closed")
        assert answer.json["incident"]["closed_by"] == "ana"
        assert (await post(daemon, "/incidents/1/note", {"text": "afterthought"})).json[
            "outcome"
        ] == "noted"


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        ("note", None, "#/text"),
        ("note", {"text": ""}, "#/text"),
        ("severity", {}, "#/severity"),
        ("severity", {"severity": "P7"}, "#/severity"),
        ("ack", {"text": 7}, "#/text"),
        ("ack", {"txt": "typo"}, "#"),
        ("ack", [], "#"),
        ("ack", b"{", "#"),
        ("ack", b'{"text": "\xff"}', "#"),
        ("ack", b'{"text": "' + b"x" * 20_000 + b'"}', None),
    ],
)
async def test_a_body_that_cannot_be_read_is_refused(
    router: Router, path: str, body: object, pointer: str | None
) -> None:
    """With the field that is wrong, and nothing happens to the incident."""
    async with router(max_body="10KiB") as daemon:
        await daemon.alert(alert())
        answer = await post(daemon, f"/incidents/1/{path}", body)
        if pointer is None:
            assert is_problem(answer, 413)
        else:
            assert is_problem(answer, 400)
            assert answer.json["errors"][0]["pointer"] == pointer
        timeline = (await get(daemon, "/incidents/1")).json["timeline"]
        assert {entry["what"] for entry in timeline} <= {"opened", "steps_ended", "delivered"}


@pytest.mark.parametrize("name", ["ána", "😀", "Ben Okri"])
async def test_a_name_is_kept_as_it_is_written(router: Router, name: str) -> None:
    """People have names beyond ASCII."""
    async with router() as daemon:
        await daemon.alert(alert())
        answer = await post(daemon, "/incidents/1/ack", headers={"X-Router-User": name})
        assert answer.json["incident"]["lead"] == name


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"\xed\xa0\x80"])
async def test_a_name_that_is_no_text_is_no_fault(router: Router, raw: bytes) -> None:
    """Invalid UTF-8 in the header doesn't result in a 500, and nothing unstorable is stored."""
    async with router() as daemon:
        await daemon.alert(alert())
        answer = await post(
            daemon,
            "/incidents/1/ack",
            headers={"X-Router-User": raw.decode("utf-8", "surrogateescape")},
        )
        assert answer.status in (200, 400)


@pytest.mark.parametrize("text", ["\x00", "a\x00b", "\ud800", "<script>", "x" * 100_000])
async def test_a_note_of_any_text_is_taken_or_refused(router: Router, text: str) -> None:
    """Never a 500: what a database can't store is replaced or refused."""
    async with router() as daemon:
        await daemon.alert(alert())
        assert (await post(daemon, "/incidents/1/note", {"text": text})).status in (200, 400)
        assert (await get(daemon, "/incidents/1")).status == 200


async def test_a_command_when_the_store_is_down_is_a_503(router: Router) -> None:
    """Nobody gets a confirmation."""
    async with router() as daemon:
        await daemon.alert(alert())
        await daemon.until_idle()
        daemon.store.plan["save"].append(StoreUnavailable("disk full"))
        assert is_problem(await post(daemon, "/incidents/1/ack"), 503)
        daemon.store.down = True
        for path in (
            "/incidents",
            "/incidents/1",
            "/alerts",
            "/notifications",
            "/explain?fingerprint=x",
        ):
            assert is_problem(await daemon.get(BASE + path), 503)


# --- alerts and notifications


async def test_alerts_with_what_became_of_them(router: Router) -> None:
    """Filters by incident, status and fingerprint, in pages."""
    async with router() as daemon:
        await daemon.alert(
            *(alert(service=f"s{i}") for i in range(5)), alert(value="0.0001", service="low")
        )
        await daemon.alert(alert(service="s0", status="resolved"))

        async def services(**query: Any) -> set[str]:
            return {
                alert["labels"]["service"]
                for alert in (await get(daemon, "/alerts", **query)).json["alerts"]
            }

        assert await services(status="resolved") == {"s0"}
        assert await services(incident=2) == {"s1"}
        (low,) = [
            alert
            for alert in (await get(daemon, "/alerts")).json["alerts"]
            if alert["labels"]["service"] == "low"
        ]
        assert (low["reason"], low["incident"], low["severity"]) == ("below_threshold", None, None)
        assert await services(fingerprint=low["fingerprint"]) == {"low"}
        found, after = [], ""
        while page := (await get(daemon, "/alerts", limit=4, after=after)).json["alerts"]:
            found += [row["fingerprint"] for row in page]
            after = found[-1]
        assert len(found) == len(set(found)) == 6


async def test_a_dead_letter_is_seen_and_sent_again(router: Router) -> None:
    """It's listed with its error; on request it's queued again and arrives."""
    replies = [Reply(400)]
    async with Peer(answer=lambda _: replies.pop() if replies else Reply()) as peer:
        channels = {"hook": {"type": "webhook", "url": peer.url}}
        policies = {"all": {"steps": [{"notify": ["channel:hook"]}]}}
        async with router(channels=channels, policies=policies) as daemon:
            await daemon.alert(alert())

            async def in_state(state: str) -> list[dict[str, Any]]:
                for _ in range(200):
                    if found := (await get(daemon, "/notifications", state=state)).json[
                        "notifications"
                    ]:
                        return found  # type: ignore[no-any-return]
                    await daemon.clock.sleep(0.02)
                raise AssertionError(f"never {state}")

            (dead,) = await in_state("dead")
            assert "400" in dead["error"]
            assert (dead["incident"], dead["channel"]) == (1, "hook")
            answer = await post(daemon, "/notifications/INC-1/hook/resend")
            assert (answer.status, answer.json) == (202, {"outcome": "resent"})
            (sent,) = await in_state("sent")
            assert (sent["sent"], sent["error"]) == (1, None)
            assert len(peer.requests) == 2
            for path in ("/notifications/1/nobody/resend", "/notifications/7/hook/resend"):
                assert is_problem(await post(daemon, path), 404)


# --- why


async def test_explain_a_stored_alert(router: Router) -> None:
    """The reason of the page: current rules, value and threshold, and the decision made then."""
    async with router() as daemon:
        await daemon.alert(alert())
        (stored,) = (await get(daemon, "/alerts")).json["alerts"]
        answer = (await get(daemon, "/explain", fingerprint=stored["fingerprint"])).json
        assert answer["stored"] == [stored]
        (explained,) = answer["explanations"]
        reasons = {rule["rule"]: rule["reason"] for rule in explained["rules"]}
        assert reasons == {
            "payment-failures": "matched",
            "disk-full": "taken_before",
            "default": "taken_before",
        }
        (outcome,) = explained["outcomes"]
        shown = {
            "severity": "P0",
            "read": "0.023",
            "threshold": "> 1%",
            "policy": "all",
            "rule": "payment-failures",
        }
        assert shown.items() <= outcome.items()
        assert outcome["steps"][0]["channels"] == ["log"]
        assert is_problem(await get(daemon, "/explain", fingerprint="unheard-of"), 404)
        assert is_problem(await get(daemon, "/explain"), 404)


async def test_explain_a_payload(router: Router) -> None:
    """The predicted effect; nothing is changed."""
    async with router() as daemon:
        answer = await post(
            daemon, "/explain", group(alert(value="0.0001"), alert() | {"startsAt": "never"})
        )
        assert answer.status == 200
        (explained,) = answer.json["explanations"]
        assert explained["outcomes"][0]["reason"] == "below_threshold"
        assert explained["outcomes"][0]["policy"] is None
        assert len(answer.json["errors"]) == 1
        assert (await get(daemon, "/alerts")).json["alerts"] == []
        assert is_problem(await post(daemon, "/explain", b"{"), 400)
        many = group(*(alert(service=f"s{i}") for i in range(MOST_EXPLAINED + 1)))
        refused = await post(daemon, "/explain", many)
        assert is_problem(refused, 400)
        assert "101 alerts; at most 100" in refused.json["detail"]
        assert is_problem(await post(daemon, "/explain?source=nagios", group()), 404)


# --- who may


def _hashed(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


AUTH = {
    "tokens": {
        role: {"sha256": _hashed(f"token-of-{role}"), "role": role}
        for role in ("viewer", "responder", "admin")
    }
}


def bearer(name: str) -> dict[str, str]:
    return {"Authorization": f"Bearer token-of-{name}"}


@pytest.mark.parametrize(
    ("method", "path"),
    [(operation.method, operation.path) for operation in OPERATIONS if operation.role],
)
async def test_every_path_needs_a_token_where_there_are_any(
    router: Router, method: str, path: str
) -> None:
    """No token, a wrong one, another scheme: 401, and before anything is looked up."""
    async with router(auth=AUTH) as daemon:
        url = BASE + path.format(id=1, channel="log", name="ana", number=1)
        digest = AUTH["tokens"]["admin"]["sha256"]
        for headers in (
            {},
            {"Authorization": "Bearer "},
            {"Authorization": "Bearer wrong"},
            {"Authorization": "token-of-admin"},
            {"Authorization": "Basic token-of-admin"},
            {"Authorization": f"Bearer {digest}"},
            {"X-Router-User": "admin"},
        ):
            answer = await daemon.ask(method, url, headers=headers)
            assert is_problem(answer, 401)
            assert "WWW-Authenticate" in answer.headers


async def test_a_role_may_do_what_it_is_for(router: Router) -> None:
    """A viewer looks, a responder acts, an admin may do all that a responder may."""
    async with router(auth=AUTH) as daemon:
        await daemon.alert(alert())
        for role in ("viewer", "responder", "admin"):
            assert (await daemon.get(f"{BASE}/incidents/1", headers=bearer(role))).status == 200
            assert (
                await post(daemon, "/explain", group(alert()), headers=bearer(role))
            ).status == 200
        for path in ("/incidents/1/ack", "/incidents/1/resolve", "/notifications/1/log/resend"):
            assert is_problem(await post(daemon, path, headers=bearer("viewer")), 403)
        assert (await post(daemon, "/incidents/1/ack", headers=bearer("responder"))).status == 200
        assert (await post(daemon, "/incidents/1/resolve", headers=bearer("admin"))).status == 200


EXCEPT = {
    name: role
    for cells, role in rows("docs/reference/api.md", "Endpoints")
    for name in re.findall(r"`([^`]+)`", cells)
}
"""Role by path, or method and path, of the operations that docs/reference/api.md excepts."""


def documented_role(method: str, path: str) -> str:
    """Return the role that an operation needs according to docs/reference/api.md."""
    by_rule = "viewer" if method == "GET" else "responder"
    return EXCEPT.get(f"{method} {path}") or EXCEPT.get(f"/{path.split('/')[1]}", by_rule)


@pytest.mark.parametrize(
    ("method", "path"),
    [(operation.method, operation.path) for operation in OPERATIONS if operation.role],
)
async def test_each_path_takes_the_role_that_the_docs_say_and_no_lower_one(
    router: Router, method: str, path: str
) -> None:
    """The needed role is allowed; the next lower one is refused before anything is looked up."""
    needed = documented_role(method, path)
    levels = ("viewer", "responder", "admin")
    async with router(auth=AUTH) as daemon:
        url = BASE + path.format(id=1, channel="log", name="ana", number=1)
        for role in levels:
            status = await answered(daemon, method, url, role)
            assert status != 401
            assert (status == 403) == (levels.index(role) < levels.index(needed))


async def answered(daemon: Daemon, method: str, url: str, role: str) -> int:
    """The status of an answer, of which a stream may never end."""
    async with (
        aiohttp.ClientSession() as session,
        session.request(method, daemon.url + url, headers=bearer(role)) as answer,
    ):
        return answer.status


async def test_a_token_says_who_it_is(router: Router) -> None:
    """The timeline names the token, and not what a header claims."""
    async with router(auth=AUTH) as daemon:
        await daemon.alert(alert())
        headers = bearer("responder") | {"X-Router-User": "somebody-else"}
        answer = await post(daemon, "/incidents/1/ack", headers=headers)
        assert answer.json["incident"]["acknowledged_by"] == "responder"


@pytest.mark.parametrize(
    "path", ["/api/v1", "/api/v1/", "/api/v1/nothing", "/api/v3/alerts", "/api/v1/incidents/"]
)
async def test_what_is_not_there_is_a_404_problem(router: Router, path: str) -> None:
    """Errors are RFC 9457 on every path."""
    async with router() as daemon:
        assert is_problem(await daemon.get(path), 404)


async def test_an_incident_opened_by_hand(router: Router) -> None:
    """201 with what was opened; the same title joins it; a body that says nothing is a 400 that
    names the field.
    """
    async with router() as daemon:
        ana = {"X-Router-User": "ana"}
        body = {
            "title": "Checkout is down",
            "severity": "P1",
            "description": "since noon",
            "labels": {"team": "web"},
        }
        opened = await daemon.ask("POST", "/api/v1/incidents", json=body, headers=ana)
        assert (opened.status, opened.json["outcome"]) == (201, "opened")
        incident = opened.json["incident"]
        assert (incident["title"], incident["severity"], incident["source"]) == (
            "Checkout is down",
            "P1",
            "person",
        )
        assert incident["labels"] == {"alertname": "Checkout is down", "team": "web"}
        again = await daemon.ask("POST", "/api/v1/incidents", json=body, headers=ana)
        assert (again.status, again.json["outcome"], again.json["incident"]["id"]) == (
            200,
            "changed",
            incident["id"],
        )
        shown = (await daemon.get("/api/v1/incidents/1")).json
        assert shown["timeline"][0]["by"] == "ana"
        assert [row["channel"] for row in shown["notifications"]] == ["log"]
        for wrong, pointer in (
            ({"title": " "}, "#/title"),
            ({"title": "x", "severity": "P9"}, "#/severity"),
        ):
            refused = await daemon.ask("POST", "/api/v1/incidents", json=wrong)
            assert (refused.status, refused.json["errors"][0]["pointer"]) == (400, pointer)
        assert len(await daemon.store.incidents()) == 1


async def test_lists_state_their_total(router: Router) -> None:
    """The total counts all pages, with the filters."""
    async with router() as daemon:
        await daemon.alert(alert(), alert("DiskFull", instance="a"))
        for path, total in (
            ("alerts", 2),
            ("alerts?incident=1", 1),
            ("notifications", 2),
            ("notifications?incident=2", 1),
        ):
            found = (await daemon.get(f"/api/v1/{path}", params={"limit": 1})).json
            assert (path, found["total"]) == (path, total)
            assert (found["next"] is None) == (total == 1)
