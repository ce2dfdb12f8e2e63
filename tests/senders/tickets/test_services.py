"""GitLab, Jira and Linear: what is particular to each."""

import json
from typing import Any

import aiohttp
import pytest

from router.config.secret import Secret
from router.model.incident import Status
from router.model.notification import Rejected, Result, Retry, Sent, Uncertain
from router.senders import KINDS
from tests.senders.kit import NOW, Answer, Peer, Reply, Request, deliver, make_message
from tests.senders.tickets import doubles
from tests.senders.tickets.doubles import GitLab, Jira, Linear
from tests.senders.tickets.test_keep import CASES, FIRST, resolved

SERVICES: dict[str, tuple[Any, Any]] = {
    "gitlab": (doubles.gitlab, GitLab),
    "jira": (doubles.jira, Jira),
    "linear": (doubles.linear, Linear),
}


async def refused(kind: str, reply: Reply) -> Result:
    options, service = SERVICES[kind]
    return (await deliver(kind, options, service(), FIRST, script=[reply]))[0][0]


async def verified(kind: str, **more: Any) -> Any:
    options, service = SERVICES[kind]
    async with Peer(answer=service()) as peer, aiohttp.ClientSession() as session:
        sender: Any = KINDS[kind].build("tickets", options(peer.url, **more), session)
        return await sender.verify()


@pytest.mark.parametrize(
    ("kind", "body", "reason"),
    [
        ("gitlab", {"message": {"title": ["can't be blank"]}}, "title: can't be blank"),
        ("gitlab", {"error": "insufficient_scope", "error_description": "needs api"}, "needs api"),
        ("jira", {"errorMessages": ["No project"], "errors": {}}, "No project"),
        (
            "jira",
            {"errorMessages": [], "errors": {"labels": "not on screen"}},
            "labels: not on screen",
        ),
    ],
)
async def test_a_refusal_has_the_services_reason(kind: str, body: Any, reason: str) -> None:
    assert await refused(kind, Reply(400, json=body)) == Rejected(f"HTTP 400: {reason}")


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ("gitlab", "token accepted for acme/ops"),
        ("jira", "token accepted for the project 'Operations'"),
        ("linear", "key accepted for the team 'Operations'"),
    ],
)
async def test_the_credentials_are_verified_without_a_ticket(kind: str, found: str) -> None:
    assert await verified(kind) == found


# --- GitLab


async def test_a_mark_in_somebody_elses_comment_does_not_count() -> None:
    gitlab = GitLab()
    await deliver("gitlab", doubles.gitlab, gitlab, FIRST)
    gitlab.say("1", "mine\n<!-- alert-router:told:99 -->", doubles.SOMEBODY)
    await deliver("gitlab", doubles.gitlab, gitlab, resolved(CASES["gitlab"]))
    assert len(gitlab.notes["1"]) == 2


async def test_a_drill_is_labelled() -> None:
    gitlab = GitLab()
    await deliver("gitlab", doubles.gitlab, gitlab, make_message(drill=True, title="[DRILL] x"))
    assert gitlab.issues["1"]["labels"] == "incident,drill"


async def test_an_issue_may_be_confidential() -> None:
    gitlab = GitLab()

    def options(url: str, seconds: float) -> Any:
        return doubles.gitlab(url, seconds, confidential=True)

    await deliver("gitlab", options, gitlab, FIRST)
    assert gitlab.issues["1"]["confidential"] is True


async def test_a_create_that_may_have_been_made_is_uncertain() -> None:
    (result,), _ = await deliver(
        "gitlab", doubles.gitlab, GitLab(), FIRST, script=[Reply(json=[]), Reply(502)]
    )
    assert isinstance(result, Uncertain)


# --- Jira


async def test_a_workflow_without_a_way_to_the_end_is_named() -> None:
    jira = Jira()
    await deliver("jira", doubles.jira, jira, FIRST)

    def stuck(request: Request) -> Answer:
        return Reply(json={"transitions": []}) if "transitions" in request.path else jira(request)

    ended = make_message(ref="OPS-1", seq=2, seen_entry=2, status=Status.RESOLVED, closed_at=NOW)
    (result,), _ = await deliver("jira", doubles.jira, stuck, ended)
    assert result == Rejected("the workflow has no transition from OPS-1's status to a done status")


async def test_a_reader_of_jira_sees_no_mark() -> None:
    jira = Jira()
    await deliver("jira", doubles.jira, jira, FIRST)
    assert "alert-router" not in json.dumps(jira.issues["OPS-1"]["fields"]["description"])
    assert jira.issues["OPS-1"]["properties"] == {"alert-router": {"told": 2}}


async def test_an_unknown_issue_type_is_found_before_the_first_incident() -> None:
    assert await verified("jira", issue_type="Bug") == Rejected(
        "the project has no issue type 'Bug'"
    )


# --- Linear


async def test_linear_says_in_a_header_when_its_limit_ends() -> None:
    limited = {
        "errors": [{"message": "Rate limit exceeded", "extensions": {"code": "RATELIMITED"}}]
    }
    headers = {"X-RateLimit-Requests-Reset": str(int(NOW + 90) * 1000)}
    assert await refused("linear", Reply(400, json=limited, headers=headers)) == Retry(
        "rate limit", 90.0
    )
    assert await refused("linear", Reply(400, json=limited)) == Retry("rate limit", 60.0)


async def test_an_error_with_status_200_is_a_refusal() -> None:
    error = Reply(
        json={"errors": [{"message": f"Entity not found: {doubles.LINEAR_TOKEN}"}], "data": None}
    )
    assert await refused("linear", error) == Rejected("Entity not found: ***")


@pytest.mark.parametrize(
    ("status", "state"), [(Status.RESOLVED, "s4"), (Status.FALSE_POSITIVE, "s3")]
)
async def test_an_issue_gets_the_teams_first_state_of_its_end(status: Status, state: str) -> None:
    linear = Linear()
    results, _ = await deliver(
        "linear", doubles.linear, linear, make_message(status=status, closed_at=NOW)
    )
    assert results == [Sent("OPS-1")]
    assert linear.issues["OPS-1"]["stateId"] == state


@pytest.mark.parametrize(
    ("kind", "changes", "words"),
    [
        ("gitlab", {"project": "ops"}, "group/project"),
        ("jira", {"project": "ops"}, "OPS"),
        ("jira", {"labels": ("two words",)}, "blanks"),
        ("linear", {"team": "ops"}, "team"),
        ("linear", {"labels": ("bug",)}, "labels"),
    ],
)
def test_a_config_that_cannot_work_is_refused(
    kind: str, changes: dict[str, Any], words: str
) -> None:
    given: dict[str, dict[str, Any]] = {
        "gitlab": {"token": Secret("x"), "project": "a/b"},
        "jira": {"api_url": "https://x", "email": "a@b.c", "token": Secret("x"), "project": "OPS"},
        "linear": {"token": Secret("x"), "team": doubles.TEAM},
    }
    with pytest.raises(ValueError, match=words):
        KINDS[kind].config()(**given[kind] | changes)
