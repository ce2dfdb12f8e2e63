"""GitHub's sender against a loopback double with issues, comments and GitHub's refusals."""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from router.config.fields import Duration, HttpUrl, Rate
from router.config.secret import Secret
from router.model.decision import Entry
from router.model.incident import Status
from router.model.notification import Message, Rejected, Result, Retry, Sent, Uncertain
from router.model.reason import Reason
from router.senders.github.sender import GitHubConfig, GitHubSender, build
from router.senders.tickets.text import (
    body,
    code,
    comment,
    incident_mark,
    seen_entry_in,
    title,
    unseen,
)
from tests.senders.kit import (
    NOW,
    STATUS_TABLE,
    Answer,
    Disconnect,
    Hang,
    Peer,
    Reply,
    Request,
    check_broken_connections,
    check_leaks_no_secret,
    check_statuses,
    make_message,
)

TOKEN = "github_pat_s3cret"
US, SOMEBODY = {"login": "router[bot]", "id": 1}, {"login": "mallory", "id": 2}
FILTERS = {"state", "sort", "direction", "since", "per_page", "page"}


class GitHub:
    """Keeps the issues of acme/ops.

    `lost` counts the writes yet to be made of which the answer gets lost.
    """

    def __init__(self) -> None:
        self.issues: dict[int, dict[str, Any]] = {}
        self.comments: dict[int, list[dict[str, Any]]] = {}
        self.at = NOW

    def __call__(self, request: Request) -> Answer:
        check_headers(request)
        url = urlsplit(request.path)
        path, query = url.path.removeprefix("/repos/acme/ops/issues"), dict(parse_qsl(url.query))
        assert path != url.path
        if not path:
            return self._create(request.json) if request.method == "POST" else self._list(query)
        number, _, rest = path.removeprefix("/").partition("/")
        if int(number) not in self.issues:
            return Reply(404, json={"message": "Not Found"})
        if rest == "comments":
            return self._comments(int(number), request, query)
        assert not rest
        return self._issue(self.issues[int(number)], request)

    def open(self, text: str, **more: Any) -> dict[str, Any]:
        """An issue that somebody has opened."""
        number = len(self.issues) + 1
        issue = {"number": number, "state": "open", "state_reason": None, "body": text, "user": US}
        self.issues[number] = {**issue, "created_at": written(self.at), "title": "t"} | more
        self.comments[number] = []
        return self.issues[number]

    def say(self, number: int, text: str, user: dict[str, Any]) -> dict[str, Any]:
        said = {
            "id": len(self.comments[number]),
            "body": text,
            "user": user,
            "updated_at": written(self.at),
        }
        self.comments[number].append(said)
        return said

    def _create(self, content: dict[str, Any]) -> Reply:
        assert set(content) == {"title", "body", "labels", "assignees"}
        assert 0 < len(content["title"]) <= 256
        assert 0 < len(content["body"]) <= 65_536
        assert content["labels"] == ["incident", *["drill"] * ("[DRILL]" in content["title"])]
        assert content["assignees"] == ["ana"]
        return Reply(201, json=self.open(content["body"], title=content["title"]))

    def _list(self, query: dict[str, str]) -> Reply:
        assert set(query) == FILTERS
        assert (query["state"], query["sort"], query["direction"]) == ("all", "created", "desc")
        issues = [issue for issue in self.issues.values() if issue["created_at"] >= query["since"]]
        return Reply(json=page(sorted(issues, key=lambda issue: -issue["number"]), query))

    def _issue(self, issue: dict[str, Any], request: Request) -> Reply:
        if request.method == "PATCH":
            content = request.json
            assert content in (
                {"state": "open"},
                {"state": "closed", "state_reason": "completed"},
                {"state": "closed", "state_reason": "not_planned"},
            )
            issue |= {"state_reason": None} | content
        return Reply(json=issue)

    def _comments(self, number: int, request: Request, query: dict[str, str]) -> Reply:
        if request.method == "GET":
            assert set(query) == {"since", "per_page", "page"}
            return Reply(
                json=page(
                    [one for one in self.comments[number] if one["updated_at"] >= query["since"]],
                    query,
                )
            )
        assert set(request.json) == {"body"}
        assert 0 < len(request.json["body"]) <= 65_536
        return Reply(201, json=self.say(number, request.json["body"], US))


def check_headers(request: Request) -> None:
    assert request.headers["authorization"] == f"Bearer {TOKEN}"
    assert request.headers["accept"] == "application/vnd.github+json"
    assert request.headers["x-github-api-version"] == "2022-11-28"
    assert request.headers["user-agent"] == "alert-router"


def page(items: list[dict[str, Any]], query: dict[str, str]) -> list[dict[str, Any]]:
    size, number = int(query["per_page"]), int(query["page"])
    assert 0 < size <= 100
    return items[(number - 1) * size : number * size]


def written(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"


def sender(session: aiohttp.ClientSession, peer: Peer, timeout: float = 10.0) -> GitHubSender:
    config = GitHubConfig(
        token=Secret(TOKEN),
        repository="acme/ops",
        labels=("incident",),
        assignees=("ana",),
        api_url=HttpUrl(peer.url),
        timeout=Duration(timeout),
    )
    return build("tickets", config, session)


async def deliver(
    github: Callable[[Request], Answer], message: Message, *script: Answer, seconds: float = 10.0
) -> tuple[Result, list[str]]:
    """The result of one message, and the calls made for it; `script` is answered first."""
    async with Peer(*script, answer=github) as peer, aiohttp.ClientSession() as session:
        result = await sender(session, peer, seconds).send(message)
    return result, [
        f"{request.method} {urlsplit(request.path).path.rpartition('/issues')[2]}"
        for request in peer.requests
    ]


FIRST = make_message()
ACKNOWLEDGED = make_message().timeline[1]
NOTED = (
    Entry(142, NOW - 600, Reason.OPENED, id=1),
    Entry(142, NOW - 590, Reason.DELIVERED, data={"channel": "tickets"}, id=2),
)


def later(*news: Entry, **changes: Any) -> Message:
    """An update about an incident that has issue 1 with the opening."""
    return make_message(
        **{"ref": "1", "seq": 2, "sent": 1, "seen_entry": 1, "timeline": NOTED + news} | changes
    )


def over(status: Status = Status.RESOLVED, **changes: Any) -> Message:
    what = Reason.RESOLVED if status is Status.RESOLVED else Reason.FALSE_POSITIVE
    return later(Entry(142, NOW, what, id=3), **{"status": status, "closed_at": NOW} | changes)


async def opened() -> GitHub:
    """A GitHub double that has the incident's issue with the opening."""
    github = GitHub()
    assert (await deliver(github, make_message(timeline=NOTED[:1])))[0] == Sent("1")
    return github


# --- the life of an issue


async def test_the_first_letter_opens_an_issue() -> None:
    github = GitHub()
    result, calls = await deliver(github, FIRST)
    assert result == Sent("1")
    assert calls == ["GET ", "POST "]
    [issue] = github.issues.values()
    assert issue["title"] == "[INC-142] Payment failures at 2.5% on api"
    for line in (
        "- **Severity:** P0",
        "- **Status:** INVESTIGATING",
        "- **Impact:** `Payment failures at 2.5% on api`",
        "- **Started:** 2026-01-01 12:00 UTC",
        "- **Incident Lead:** `nobody yet`",
        "- 12:05 - `Acknowledged by ana`",
        "- `service: api`",
        "<!-- alert-router:INC-142:2026-01-01T12:00:00.000000Z -->",
    ):
        assert line in issue["body"].splitlines()
    assert "[Runbook](<https://example.com/runbooks/payments>)" in issue["body"]


async def test_an_issue_of_a_drill_is_labelled_as_one() -> None:
    """Beside the configured labels, which the double checks."""
    github = GitHub()
    assert await deliver(github, make_message(drill=True, title="[DRILL] Payments")) == (
        Sent("1"),
        ["GET ", "POST "],
    )


async def test_what_is_news_becomes_a_comment() -> None:
    github = await opened()
    result, calls = await deliver(
        github, later(Entry(142, NOW, Reason.ACKNOWLEDGED, by="ana", id=3))
    )
    assert result == Sent("1")
    assert calls == ["GET /1", "GET /1/comments", "POST /1/comments"]
    [said] = github.comments[1]
    assert said["body"].splitlines()[:3] == [
        "**[P0] INVESTIGATING**",
        "",
        "- 12:10 - `Acknowledged by ana`",
    ]
    assert "detected" not in said["body"]


async def test_how_messages_travelled_is_no_news() -> None:
    github = await opened()
    entry = Entry(
        142, NOW, Reason.DELIVERY_RETRIED, data={"channel": "hook", "error": "HTTP 503"}, id=3
    )
    result, calls = await deliver(github, later(entry))
    assert result == Sent("1")
    assert calls == ["GET /1"]


@pytest.mark.parametrize(
    ("status", "reason"), [(Status.RESOLVED, "completed"), (Status.FALSE_POSITIVE, "not_planned")]
)
async def test_the_end_is_commented_and_then_closes_the_issue(status: Status, reason: str) -> None:
    github = await opened()
    result, calls = await deliver(github, over(status))
    assert result == Sent("1")
    assert calls[-2:] == ["POST /1/comments", "PATCH /1"]
    assert (github.issues[1]["state"], github.issues[1]["state_reason"]) == ("closed", reason)
    assert len(github.comments[1]) == 1


async def test_a_reopened_incident_reopens_its_issue() -> None:
    github = await opened()
    await deliver(github, over())
    reopened = later(Entry(142, NOW + 60, Reason.REOPENED, id=4), seen_entry=3, seq=3, reopened=1)
    assert (await deliver(github, reopened))[0] == Sent("1")
    assert github.issues[1]["state"] == "open"
    assert len(github.comments[1]) == 2


async def test_an_incident_over_before_its_first_letter_gets_a_closed_issue() -> None:
    github = GitHub()
    result, calls = await deliver(github, over(ref="", seen_entry=0))
    assert result == Sent("1")
    assert calls == ["GET ", "POST ", "PATCH /1"]
    assert github.issues[1]["state"] == "closed"
    assert not github.comments[1]


# --- broken off anywhere


class Faulty:
    """A GitHub that fails once, at the given call: before it has done what was asked, or after."""

    def __init__(self, github: GitHub, call: int, *, done: bool) -> None:
        self.github, self.call, self.done = github, call, done
        self.calls = 0

    def __call__(self, request: Request) -> Answer:
        self.calls += 1
        if self.calls != self.call:
            return self.github(request)
        if self.done:
            self.github(request)
        return Disconnect()


@pytest.mark.parametrize("done", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("call", range(1, 7))
async def test_an_attempt_that_breaks_off_anywhere_is_finished_by_the_next(
    call: int, done: bool
) -> None:
    github = GitHub()
    faulty = Faulty(github, call, done=done)
    for first in (FIRST, FIRST):
        if isinstance(result := (await deliver(faulty, first))[0], Sent):
            break
    assert result == Sent("1")
    ended = over(
        ref="1", seen_entry=2, timeline=(*FIRST.timeline, Entry(142, NOW, Reason.RESOLVED, id=3))
    )
    for last in (ended, ended):
        if isinstance(result := (await deliver(faulty, last))[0], Sent):
            break
    assert result == Sent("1")
    assert faulty.calls > call
    assert len(github.issues) == 1
    assert len(github.comments[1]) == 1
    assert github.issues[1]["state"] == "closed"


async def test_a_lost_issue_is_found_and_told_only_what_it_does_not_tell() -> None:
    github = GitHub()
    result, _ = await deliver(Faulty(github, 2, done=True), FIRST)
    assert isinstance(result, Uncertain)
    news = Entry(142, NOW + 60, Reason.NOTED, by="ana", data={"text": "rolled back"}, id=3)
    result, calls = await deliver(github, make_message(seq=2, timeline=(*FIRST.timeline, news)))
    assert result == Sent("1")
    assert calls == ["GET ", "GET /1/comments", "POST /1/comments"]
    assert "rolled back" in github.comments[1][0]["body"]
    assert "Acknowledged" not in github.comments[1][0]["body"]


async def test_news_that_joined_a_comment_already_made_is_told_alone() -> None:
    github = await opened()
    acknowledged, noted = (
        Entry(142, NOW, Reason.ACKNOWLEDGED, by="ana", id=3),
        Entry(142, NOW + 60, Reason.NOTED, data={"text": "rolled back"}, id=4),
    )
    assert isinstance(
        (await deliver(Faulty(github, 3, done=True), later(acknowledged)))[0], Uncertain
    )
    assert (await deliver(github, later(acknowledged, noted, seq=3)))[0] == Sent("1")
    assert ["Acknowledged" in one["body"] for one in github.comments[1]] == [True, False]


async def test_a_lost_issue_is_found_behind_many_others_but_not_among_older_ones() -> None:
    github = GitHub()
    github.at = NOW - 86_400
    github.open(f"{incident_mark(FIRST.incident)}\n")
    github.at = NOW
    mine = github.open(body(FIRST))
    github.open(body(FIRST), pull_request={"url": "https://example.com"})
    for _ in range(150):
        github.open("", body=None)
    result, calls = await deliver(github, FIRST)
    assert result == Sent(str(mine["number"]))
    assert calls == ["GET ", "GET "]


@pytest.mark.parametrize(
    "text",
    [
        body(make_message(id=143)),
        body(make_message(opened_at=NOW - 600.5)),
        f"as in `{incident_mark(FIRST.incident)}`",
        "",
    ],
    ids=["another incident", "an older database's", "quoted", "empty"],
)
async def test_another_issue_is_not_taken_for_the_incidents(text: str) -> None:
    github = GitHub()
    github.open(text)
    assert (await deliver(github, FIRST))[0] == Sent("2")
    assert (await deliver(github, later(ACKNOWLEDGED)))[0] == Sent("2"), (
        "by the number of a repository used before"
    )


async def test_only_our_own_marks_count_as_told() -> None:
    github = await opened()
    github.say(1, "mine\n<!-- alert-router:told:99 -->", SOMEBODY)
    github.say(1, "- `<!-- alert-router:told:99 -->`\n<!-- alert-router:told:1 -->", US)
    assert (await deliver(github, later(Entry(142, NOW, Reason.ACKNOWLEDGED, id=3))))[0] == Sent(
        "1"
    )
    assert len(github.comments[1]) == 3


@pytest.mark.parametrize("status", [301, 404, 410])
async def test_an_issue_that_is_gone_is_replaced(status: int) -> None:
    github = GitHub()
    result, calls = await deliver(github, later(), Reply(status, json={"message": "Gone"}))
    assert result == Sent("1")
    assert calls == ["GET /1", "GET ", "POST "]


async def test_what_another_type_of_channel_kept_is_no_issue() -> None:
    assert (await deliver(GitHub(), later(ref="C123:1503435956.000247")))[1] == ["GET ", "POST "]


# --- outcomes


@pytest.mark.parametrize("message", [FIRST, later()], ids=["look-up", "issue"])
async def test_the_router_reads_outcomes_as_all_senders_do(message: Message) -> None:
    async with Peer() as peer, aiohttp.ClientSession() as session:
        github, hasty = sender(session, peer), sender(session, peer, 0.3)
        lowest = 300 if message is FIRST else 411  # 404 and 410: another is opened
        await check_statuses(peer, lambda: github.send(message), idempotent=True, lowest=lowest)
        await check_broken_connections(peer, lambda: hasty.send(message), idempotent=True)


@pytest.mark.parametrize(
    ("status", "_", "expected"), [row for row in STATUS_TABLE if row[0] >= 300]
)
async def test_a_create_or_comment_that_may_have_been_made_is_uncertain(
    status: int, _: type[Result], expected: type[Result]
) -> None:
    result, calls = await deliver(GitHub(), FIRST, Reply(json=[]), Reply(status, b""))
    assert type(result) is expected
    assert calls == ["GET ", "POST "]
    github = await opened()
    message = later(Entry(142, NOW, Reason.ACKNOWLEDGED, id=3))
    result, calls = await deliver(
        github, message, Reply(json=github.issues[1]), Reply(json=[]), Reply(status, b"")
    )
    assert type(result) is expected
    assert calls[-1] == "POST /1/comments"


@pytest.mark.parametrize(
    ("status", "expected", "_"), [row for row in STATUS_TABLE if row[0] >= 300]
)
async def test_closing_is_safe_to_repeat(
    status: int, expected: type[Result], _: type[Result]
) -> None:
    github = await opened()
    script = Reply(json=github.issues[1]), Reply(json=[]), Reply(201), Reply(status, b"")
    result, calls = await deliver(github, over(), *script)
    assert type(result) is expected
    assert calls[-1] == "PATCH /1"


@pytest.mark.parametrize("answer", [Hang(), Disconnect()])
async def test_a_create_whose_answer_gets_lost_is_uncertain(answer: Answer) -> None:
    result, _ = await deliver(GitHub(), FIRST, Reply(json=[]), answer, seconds=0.3)
    assert isinstance(result, Uncertain)


SOON = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(NOW) + 90)}
SECONDARY = {"message": "You have exceeded a secondary rate limit. Please wait a few minutes."}


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize(
    ("headers", "after"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "7", **SOON}, 7.0),
        ({"Retry-After": "Thu, 01 Jan 2026 12:10:30 GMT"}, 30.0),
        ({"Retry-After": "86400"}, 3600.0),
        ({"Retry-After": "soon", **SOON}, 90.0),
        (SOON, 90.0),
        ({**SOON, "x-ratelimit-reset": str(int(NOW) + 86_400)}, 3600.0),
        ({**SOON, "x-ratelimit-reset": str(int(NOW) - 5)}, 1.0),
        ({**SOON, "x-ratelimit-reset": "soon"}, 60.0),
        ({}, 60.0),
    ],
)
async def test_a_rate_limit_is_waited_out(
    status: int, headers: dict[str, str], after: float
) -> None:
    result, calls = await deliver(GitHub(), FIRST, Reply(status, json=SECONDARY, headers=headers))
    assert result == Retry(f"HTTP {status}: rate limit", after)
    assert len(calls) == 1


@pytest.mark.parametrize(
    "headers", [{}, {"x-ratelimit-remaining": "4999", "x-ratelimit-reset": "1767270000"}]
)
async def test_a_403_without_a_limit_is_about_permission(headers: dict[str, str]) -> None:
    refusal = {
        "message": f"Resource not accessible by\n{TOKEN}",
        "documentation_url": "https://docs.github.com",
    }
    result, _ = await deliver(GitHub(), FIRST, Reply(403, json=refusal, headers=headers))
    assert result == Rejected("HTTP 403: Resource not accessible by ***")


@pytest.mark.parametrize("status", [404, 410, 422])
async def test_a_refusal_says_githubs_reason(status: int) -> None:
    result, _ = await deliver(
        GitHub(), FIRST, Reply(json=[]), Reply(status, json={"message": "No " * 90})
    )
    assert isinstance(result, Rejected)
    assert result.reason.startswith(f"HTTP {status}: No No")
    assert len(result.reason) < 220


@pytest.mark.parametrize("reply", [Reply(200, b"<html>"), Reply(200, json={}), Reply(204, b"")])
async def test_an_answer_that_is_not_githubs_is_no_success(reply: Reply) -> None:
    assert (await deliver(GitHub(), FIRST, reply))[0] == Retry("answer isn't one of the service's")
    assert (await deliver(GitHub(), FIRST, Reply(json=[]), reply))[0] == Uncertain(
        "answer isn't one of the service's"
    )


async def test_no_call_is_begun_after_the_attempts_time() -> None:
    async with Peer() as peer, aiohttp.ClientSession() as session:
        result = await sender(session, peer, 0.0).send(FIRST)
    assert result == Retry("no time left in this attempt")
    assert not peer.requests


async def test_the_token_is_told_to_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    async with Peer() as peer, aiohttp.ClientSession() as session:
        github = sender(session, peer, 0.3)
        assert TOKEN not in repr(github._config)
        await check_leaks_no_secret(TOKEN, peer, lambda: github.send(FIRST), caplog)
        assert not session.closed
        await github.close()


# --- the words

MARKDOWN = MarkdownIt("commonmark")
MARK = re.compile(r"<!-- alert-router:[A-Za-z0-9:.-]+ -->")


def check_markdown(text: str) -> None:
    """Fails if anything but the router's own words is there outside of code, by a real parser of
    CommonMark.
    """
    assert len(text.encode()) <= 65_536
    tokens = MARKDOWN.parse(text)
    for token in tokens:
        if token.type == "html_block":
            assert all(MARK.fullmatch(line) for line in token.content.splitlines())
        for part in token.children or ():
            check_inline(part)
    assert tokens[-1].type == "html_block"


def check_inline(part: Token) -> None:
    if part.type == "code_inline":
        assert not re.search("@(?!\u200b)", part.content), (
            "a name would be called by an answer in e-mail"
        )
    elif part.type == "link_open":
        assert str(part.attrs["href"]).startswith(("http://", "https://"))
    else:
        assert part.type in {"text", "softbreak", "strong_open", "strong_close", "link_close"}, part
        assert re.fullmatch(r"[A-Za-z0-9 ·:\[\]-]*", part.content), part.content


NASTY = st.one_of(
    st.text(max_size=50),
    st.text("`@a \\\n", max_size=20),
    st.sampled_from(
        [
            (
                "@acme/everybody fixes #12 acme/ops#3 GH-4 [click](https://evil.example) <img "
                "src=x> https://evil.example"
            ),
            "``` `` ` <!-- alert-router:told:99 -->\n<!-- alert-router:told:99 -->",
            "`" * 10_000,
            "`a" * 5_000,
            "@" * 10_000,
            "🚨" * 10_000,
        ]
    ),
)
URLS = st.sampled_from(
    ["", "javascript:alert(1)", "https://e.com/`> [x](y) @acme", "https://e.com/\\>" + "ü" * 300]
)


@settings(max_examples=100, deadline=None)
@given(
    title_=NASTY,
    lead=NASTY,
    company=NASTY,
    labels=st.dictionaries(NASTY, NASTY, max_size=22),
    notes=st.lists(NASTY, max_size=12),
    url=URLS | NASTY,
    runbook=URLS | NASTY,
)
def test_any_text_stays_code_that_calls_nobody(
    *,
    title_: str,
    lead: str,
    company: str,
    labels: dict[str, str],
    notes: list[str],
    url: str,
    runbook: str,
) -> None:
    timeline = tuple(
        Entry(142, NOW, Reason.NOTED, data={"text": note}, id=n + 1) for n, note in enumerate(notes)
    )
    message = make_message(
        title=title_,
        lead=lead,
        company=company,
        labels=labels,
        annotations=labels,
        runbook=runbook,
        url=url,
        timeline=timeline,
    )
    assert 0 < len(title(message)) <= 256
    check_markdown(body(message))
    assert seen_entry_in(body(message)) == len(notes)
    said = comment(message, 0)
    assert bool(unseen(message, 0).updates) == bool(notes)
    if notes:
        check_markdown(said)
        assert seen_entry_in(said) == len(notes)


@given(
    st.text(st.characters(exclude_categories=["C", "Z"]), min_size=1, max_size=200)
    | st.text("`a", min_size=1)
)
def test_code_shows_the_text_as_it_is(text: str) -> None:
    [paragraph] = [token for token in MARKDOWN.parse(code(text)) if token.type == "inline"]
    assert [part.content.replace("\u200b", "") for part in paragraph.children or ()] == [
        text.replace("\u200b", "")
    ]


def test_a_mark_survives_what_github_does_to_line_ends() -> None:
    assert seen_entry_in(body(FIRST).replace("\n", "\r\n") + "\r\n") == 2
    assert seen_entry_in(None) == 0


# --- the config


@pytest.mark.parametrize(
    "repository", ["ops", "acme/ops/issues", "https://github.com/acme/ops", "acme/../ops", "a b/c"]
)
def test_a_repository_is_an_owner_and_a_name(repository: str) -> None:
    with pytest.raises(ValueError, match="owner/name"):
        GitHubConfig(token=Secret(TOKEN), repository=repository)


def test_a_channel_keeps_githubs_pace_unless_told_otherwise() -> None:
    config = GitHubConfig(token=Secret(TOKEN), repository="acme/ops.github.io")
    assert (config.rate, config.concurrency, config.capabilities.edits) == (Rate(1, 1.0), 1, False)
    assert config.api_url == "https://api.github.com"


async def test_github_enterprise_is_reached_below_its_path() -> None:
    async with Peer(Reply(503)) as peer, aiohttp.ClientSession() as session:
        config = GitHubConfig(
            token=Secret(TOKEN), repository="acme/ops", api_url=HttpUrl(f"{peer.url}/api/v3/")
        )
        await build("tickets", config, session).send(FIRST)
    assert peer.requests[0].path.startswith("/api/v3/repos/acme/ops/issues?")
    assert json.loads(peer.requests[0].body or b"null") is None
