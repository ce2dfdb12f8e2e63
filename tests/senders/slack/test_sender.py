"""Slack, by a loopback Slack that keeps messages and refuses what the real one would."""

import json
from typing import Any

import aiohttp
import msgspec
import pytest
from aioresponses import aioresponses
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from router.config.fields import Duration, HttpUrl
from router.config.secret import Secret, SecretUrl
from router.model.decision import Entry
from router.model.incident import Status
from router.model.notification import Message, Rejected, Result, Retry, Sent, Uncertain
from router.model.reason import Reason
from router.ports.channels import Sender
from router.senders.slack.blocks import build_message, build_thread, mrkdwn
from router.senders.slack.sender import SlackConfig, build
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

TOKEN = "xoxb-123-s3cret"
NEWS = (
    Entry(142, NOW - 600, Reason.OPENED, id=1),
    Entry(142, NOW - 60, Reason.NOTED, by="ana", data={"text": "rolled back"}, id=2),
)


def check_content(content: dict[str, Any]) -> None:
    """Fails for what Slack would refuse or misread (docs.slack.dev/reference/block-kit,
    chat.update).
    """
    assert content["text"]
    assert len(content["text"].encode()) <= 4000
    check_mrkdwn(content["text"])
    blocks = content.get("blocks", [])
    assert len(blocks) <= 50
    assert len(json.dumps(blocks, ensure_ascii=False)) <= 13_200
    for block in blocks:
        CHECKS[block["type"]](block)


def check_mrkdwn(text: str, limit: int = 4000) -> None:
    assert 0 < len(text.encode("utf-16-le")) // 2 <= limit
    assert "<" not in text
    assert ">" not in text
    assert text.count("&") == sum(text.count(escape) for escape in ("&amp;", "&lt;", "&gt;"))
    assert not any(ord(char) < 32 and char != "\n" for char in text)


def check_header(block: dict[str, Any]) -> None:
    assert block["text"]["type"] == "plain_text"
    assert 0 < len(block["text"]["text"].encode("utf-16-le")) // 2 <= 150


def check_section(block: dict[str, Any]) -> None:
    assert "text" in block or block["fields"]
    if "text" in block:
        check_mrkdwn(block["text"]["text"], 3000)
    assert len(block.get("fields", [])) <= 10
    for field in block.get("fields", []):
        check_mrkdwn(field["text"], 2000)


def check_context(block: dict[str, Any]) -> None:
    assert 0 < len(block["elements"]) <= 10
    for element in block["elements"]:
        check_mrkdwn(element["text"], 3000)


def check_actions(block: dict[str, Any]) -> None:
    assert 0 < len(block["elements"]) <= 25
    assert len({button["action_id"] for button in block["elements"]}) == len(block["elements"])
    for button in block["elements"]:
        if button["type"] == "overflow":
            check_menu(button)
            continue
        assert 0 < len(button["text"]["text"]) <= 75
        if "url" in button:
            assert button["url"].startswith(("https://", "http://"))
            assert len(button["url"]) <= 3000
        else:
            assert 0 < len(button["value"]) <= 2000
            check_confirm(button.get("confirm"))


def check_menu(menu: dict[str, Any]) -> None:
    assert 0 < len(menu["options"]) <= 5
    for option in menu["options"]:
        assert 0 < len(option["text"]["text"]) <= 75
        assert 0 < len(option["value"]) <= 150


def check_confirm(dialog: dict[str, Any] | None) -> None:
    limits = {"title": 100, "text": 300, "confirm": 30, "deny": 30}
    assert dialog is None or dialog.keys() == limits.keys()
    for part, limit in limits.items() if dialog else ():
        assert dialog[part]["type"] == "plain_text"
        assert 0 < len(dialog[part]["text"]) <= limit


CHECKS = {
    "header": check_header,
    "section": check_section,
    "context": check_context,
    "actions": check_actions,
}


class Slack:
    """The used part of Slack's Web API: messages by (channel, ts), and their threads."""

    def __init__(self) -> None:
        self.messages: dict[tuple[str, str], dict[str, Any]] = {}
        self.threads: list[dict[str, Any]] = []
        self.deleted = 0

    def __call__(self, request: Request) -> Reply:
        assert request.method == "POST"
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        assert request.headers["content-type"].startswith("application/json")
        content = request.json
        check_content(content)
        return {"/api/chat.postMessage": self._post, "/api/chat.update": self._update}[
            request.path
        ](content)

    def _post(self, content: dict[str, Any]) -> Reply:
        if "thread_ts" in content:
            assert (content["channel"], content["thread_ts"]) in self.messages
            self.threads.append(content)
            return Reply(
                json={"ok": True, "channel": content["channel"], "ts": "1503435957.000001"}
            )
        assert content["channel"] == "#incidents"
        ts = f"1503435956.{len(self.messages) + self.deleted:06}"
        self.messages["C123", ts] = content
        return Reply(json={"ok": True, "channel": "C123", "ts": ts})

    def _update(self, content: dict[str, Any]) -> Reply:
        place = content["channel"], content["ts"]
        if place not in self.messages:
            return refusal("message_not_found")
        self.messages[place] = content
        return Reply(
            json={"ok": True, "channel": place[0], "ts": place[1], "text": content["text"]}
        )


def refusal(error: str) -> Reply:
    return Reply(json={"ok": False, "error": error})


def bot(session: aiohttp.ClientSession, peer: Peer, timeout: float = 10.0) -> Sender:
    config = SlackConfig(
        token=Secret(TOKEN),
        channel="#incidents",
        api_url=HttpUrl(f"{peer.url}/api/"),
        timeout=Duration(timeout),
    )
    return build("incidents", config, session)


def hook(session: aiohttp.ClientSession, url: str, timeout: float = 10.0) -> Sender:
    return build(
        "incidents", SlackConfig(webhook_url=SecretUrl(url), timeout=Duration(timeout)), session
    )


async def deliver(
    message: Message, *script: Answer, seconds: float = 10.0
) -> tuple[Result, Slack, Peer]:
    """Send one message by a bot, to a Slack that has the message it refers to; `script` is answered
    first.
    """
    slack = Slack()
    slack.messages["C123", "1503435956.000247"] = {}
    async with Peer(*script, answer=slack) as peer, aiohttp.ClientSession() as session:
        sender = bot(session, peer, seconds)
        result = await sender.send(message)
        await sender.close()
    return result, slack, peer


def edit(**changes: Any) -> Message:
    """An update about an incident that has its message."""
    return make_message(
        **{"ref": "C123:1503435956.000247", "seq": 2, "sent": 1, "seen_entry": 1, "timeline": NEWS}
        | changes
    )


# --- a bot's message


async def test_an_incident_has_one_message_that_is_edited_and_told_about_in_its_thread() -> None:
    slack = Slack()
    async with Peer(answer=slack) as peer, aiohttp.ClientSession() as session:
        sender = bot(session, peer)
        assert await sender.send(make_message()) == Sent("C123:1503435956.000000")
        assert not slack.threads
        resolved = edit(
            ref="C123:1503435956.000000",
            status=Status.RESOLVED,
            reason=Reason.RESOLVED,
            closed_at=NOW,
        )
        assert await sender.send(resolved) == Sent("C123:1503435956.000000")
        await sender.close()
        assert not session.closed
    [content] = slack.messages.values()
    assert "RESOLVED" in content["text"]
    [thread] = slack.threads
    assert "rolled back" in thread["text"]
    assert "detected" not in thread["text"]
    assert not thread["reply_broadcast"]


@pytest.mark.parametrize(
    ("reason", "what", "loud"),
    [
        (Reason.STEP_DUE, Reason.STEP_DUE, True),
        (Reason.ACKNOWLEDGED, Reason.SEVERITY_RAISED, True),
        (Reason.REOPENED, Reason.REOPENED, True),
        (Reason.ACKNOWLEDGED, Reason.STEP_DUE, False),
        (Reason.RESOLVED, Reason.RESOLVED, False),
    ],
)
async def test_only_what_is_to_be_noticed_shows_in_the_channel_too(
    reason: Reason, what: Reason, loud: bool
) -> None:
    message = edit(reason=reason, timeline=(Entry(142, NOW, what, id=2),))
    _, slack, _ = await deliver(message)
    assert slack.threads[0]["reply_broadcast"] is loud


async def test_nothing_new_means_no_thread_post() -> None:
    result, slack, peer = await deliver(edit(seen_entry=2))
    assert result == Sent("C123:1503435956.000247")
    assert not slack.threads
    assert len(peer.requests) == 1


@pytest.mark.parametrize(
    "error", ["message_not_found", "cant_update_message", "edit_window_closed", "channel_not_found"]
)
async def test_a_message_that_cannot_be_edited_is_posted_anew(error: str) -> None:
    result, slack, _ = await deliver(edit(), refusal(error))
    assert result == Sent("C123:1503435956.000001")
    assert not slack.threads


async def test_a_post_is_marked_if_an_older_state_may_have_been_posted() -> None:
    """A message of another number is still a second one about the incident. An edit is not."""
    _, _, peer = await deliver(make_message(seq=3, attempt=2, may_be_doubled=True))
    assert "Attempt 2: an earlier one may have arrived." in peer.requests[0].json["text"]
    _, _, peer = await deliver(edit(seq=3, attempt=2, may_be_doubled=True))
    assert "may have arrived" not in peer.requests[0].json["text"]


async def test_what_another_type_of_channel_kept_is_no_message_of_slacks() -> None:
    result, slack, _ = await deliver(edit(ref="<142.1@example.com>"))
    assert result == Sent("C123:1503435956.000001")
    assert not slack.threads


@pytest.mark.parametrize(
    "error", ["invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long"]
)
@pytest.mark.parametrize("message", [make_message(), edit(seen_entry=2)], ids=["post", "update"])
async def test_blocks_that_slack_cannot_read_are_left_out_once(
    error: str, message: Message
) -> None:
    result, _, peer = await deliver(message, refusal(error))
    assert isinstance(result, Sent)
    assert [bool(request.json["blocks"]) for request in peer.requests] == [True, False]
    assert (await deliver(message, refusal(error), refusal(error)))[0] == Rejected(error)


ERRORS: list[tuple[str, Result, Result]] = [
    # error, of chat.update, of chat.postMessage
    *[
        (error, Rejected(error), Rejected(error))
        for error in (
            "invalid_auth",
            "token_revoked",
            "not_in_channel",
            "is_archived",
            "msg_too_long",
            "new_error",
        )
    ],
    *[
        (error, Retry(error), Retry(error))
        for error in (
            "ratelimited",
            "rate_limited",
            "internal_error",
            "service_unavailable",
            "request_timeout",
        )
    ],
    ("fatal_error", Retry("fatal_error"), Uncertain("fatal_error")),
]


@pytest.mark.parametrize(
    ("error", "of_update", "of_post"), ERRORS, ids=[error for error, _, _ in ERRORS]
)
async def test_slacks_errors_are_for_good_or_worth_another_try(
    error: str, of_update: Result, of_post: Result
) -> None:
    assert (await deliver(edit(), refusal(error)))[0] == of_update
    assert (await deliver(make_message(), refusal(error)))[0] == of_post


async def test_a_limit_told_without_a_status_is_kept_too() -> None:
    reply = Reply(json={"ok": False, "error": "ratelimited"}, headers={"Retry-After": "30"})
    assert (await deliver(make_message(), reply))[0] == Retry("ratelimited", 30.0)


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Hang(), Sent),
        (Disconnect(), Sent),
        (Reply(504), Sent),
        (refusal("restricted_action_thread_locked"), Sent),
        (refusal("ratelimited"), Retry),
        (Reply(429, headers={"Retry-After": "3"}), Retry),
        (Reply(503), Retry),
    ],
)
async def test_a_thread_post_is_tried_again_only_if_that_cannot_double_it(
    reply: Answer, expected: type
) -> None:
    done = Reply(json={"ok": True, "channel": "C123", "ts": "1503435956.000247"})
    result, _, peer = await deliver(edit(), done, reply, seconds=0.5)
    assert type(result) is expected
    assert len(peer.requests) == 2
    if isinstance(result, Sent):
        assert result.ref == "C123:1503435956.000247"


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, b"<html>"),
        Reply(200, b"ok"),
        Reply(200, b"nonsense", {"Content-Type": "application/json"}),
        Reply(200, b"\xff\xfe", {"Content-Type": "application/json; charset=utf-8"}),
        Reply(200, json=[1]),
        Reply(200, json={}),
        Reply(200, json={"ok": False, "error": None}),
        Reply(204, b""),
    ],
)
async def test_an_answer_that_is_not_slacks_leaves_it_open(reply: Reply) -> None:
    assert (await deliver(make_message(), reply))[0] == Uncertain("answer isn't one of Slack's")
    assert (await deliver(edit(), reply))[0] == Retry("answer isn't one of Slack's")


@pytest.mark.parametrize("message", [make_message(), edit()], ids=["post", "update"])
async def test_a_bot_reads_outcomes_as_all_senders_do(message: Message) -> None:
    idempotent = bool(message.ref)
    async with Peer() as peer, aiohttp.ClientSession() as session:
        sender, hasty = bot(session, peer), bot(session, peer, 0.3)
        await check_statuses(peer, lambda: sender.send(message), idempotent=idempotent, lowest=400)
        await check_retry_after(peer, lambda: sender.send(message))
        await check_broken_connections(peer, lambda: hasty.send(message), idempotent=idempotent)
        await sender.close()
        await hasty.close()


async def test_a_reset_after_the_request_is_uncertain_for_a_post_and_harmless_for_an_edit() -> None:
    async with Peer() as peer, aiohttp.ClientSession() as session:
        sender = bot(session, peer)
        with aioresponses() as network:
            for method in ("chat.postMessage", "chat.update"):
                network.post(
                    f"{peer.url}/api/{method}", exception=aiohttp.ClientConnectionResetError()
                )
            assert isinstance(await sender.send(make_message()), Uncertain)
            assert isinstance(await sender.send(edit()), Retry)
        await sender.close()


async def test_a_bots_token_is_told_to_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    async with Peer() as peer, aiohttp.ClientSession() as session:
        sender = bot(session, peer, 0.3)
        await check_leaks_no_secret(TOKEN, peer, lambda: sender.send(make_message()), caplog)
        await sender.close()


# --- an incoming webhook


async def test_a_webhook_gets_a_message_for_each_letter() -> None:
    def slack(request: Request) -> Reply:
        assert request.path == "/services/T0/B0/s3cret"
        assert request.headers["content-type"] == "application/json"
        check_content(request.json)
        return Reply()

    async with Peer(answer=slack) as peer, aiohttp.ClientSession() as session:
        sender = hook(session, f"{peer.url}/services/T0/B0/s3cret")
        assert await sender.send(make_message()) == Sent()
        assert await sender.send(edit(ref="")) == Sent()
        await sender.close()
    assert len(peer.requests) == 2


async def test_a_webhook_reads_outcomes_as_all_senders_do() -> None:
    async with Peer() as peer, aiohttp.ClientSession() as session:
        sender, hasty = hook(session, peer.url), hook(session, peer.url, 0.3)
        await check_statuses(peer, lambda: sender.send(make_message()), idempotent=False)
        await check_retry_after(peer, lambda: sender.send(make_message()))
        await check_broken_connections(peer, lambda: hasty.send(make_message()), idempotent=False)


@pytest.mark.parametrize("reply", [Reply(404, b"no_service"), Reply(410, b"channel_is_archived")])
async def test_a_webhooks_refusal_is_named(reply: Reply) -> None:
    async with Peer(reply) as peer, aiohttp.ClientSession() as session:
        result = await hook(session, peer.url).send(make_message())
    assert result == Rejected(f"HTTP {reply.status}: {reply.body.decode()}")


async def test_a_webhook_that_cannot_read_the_blocks_gets_plain_text() -> None:
    async with (
        Peer(Reply(400, b"invalid_blocks"), Reply()) as peer,
        aiohttp.ClientSession() as session,
    ):
        assert await hook(session, peer.url).send(make_message()) == Sent()
    assert "blocks" not in peer.requests[1].json


async def test_a_webhooks_url_is_told_to_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    async with Peer() as peer, aiohttp.ClientSession() as session:
        sender = hook(session, f"{peer.url}/services/s3cret", 0.3)
        await check_leaks_no_secret("s3cret", peer, lambda: sender.send(make_message()), caplog)


# --- the words


def test_the_message_is_the_plans_internal_alert() -> None:
    header, plan, updates, details, context, actions = build_message(make_message())["blocks"]
    assert header["text"]["text"] == "🚨 [P0] VintStreet Incident"
    assert [field["text"] for field in plan["fields"]] == [
        "*Status:*\nINVESTIGATING",
        "*Impact:*\nPayment failures at 2.5% on api",
        "*Started:*\n2026-01-01 12:00 UTC",
        "*Incident Lead:*\nnobody yet",
    ]
    assert updates["text"]["text"].startswith("*Updates:*\n12:00 - Incident detected")
    assert details["text"]["text"] == "*Description:*\nCards are declined"
    assert "INC-142" in context["elements"][0]["text"]
    assert [(button["text"]["text"], button["url"]) for button in actions["elements"][:2]] == [
        ("Open incident", "http://127.0.0.1:9095/incidents/142"),
        ("Runbook", "https://example.com/runbooks/payments"),
    ]


@pytest.mark.parametrize(
    ("incident", "expected"),
    [
        (
            {"acknowledged_at": None},
            ["ack", "assign", "escalate", "note", "resolve", "false_positive"],
        ),
        ({"acknowledged_at": NOW}, ["assign", "escalate", "note", "resolve", "false_positive"]),
        ({"closed_at": NOW, "status": Status.RESOLVED}, ["reopen"]),
        ({"closed_at": NOW, "status": Status.MERGED}, []),
    ],
)
def test_an_open_incident_can_be_answered(incident: dict[str, Any], expected: list[str]) -> None:
    """With what there still is to do; what ends it for everybody asks again first.

    Without `buttons` there's none.
    """
    plain, answerable = (
        [button for block in build_message(make_message(**incident), buttons=wanted)["blocks"][-2:]
         for button in block["elements"] if "value" in button]
        for wanted in (False, True)
    )  # fmt: skip
    assert plain == []
    assert [button["action_id"] for button in answerable] == expected
    assert {button["action_id"] for button in answerable if "confirm" in button} == set(
        expected
    ) & {
        "resolve",
        "false_positive",
        "reopen",
    }


NASTY = st.one_of(
    st.text(max_size=50),
    st.sampled_from(
        [
            "<!channel> <@U1> <http://evil|click> &amp; & \x00\x1b[31m\r\n",
            "🚨" * 5_000,
            "&" * 10_000,
            '"' * 10_000,
            "\\" * 10_000,
            "ü" * 10_000,
            "<" * 2_999,
        ]
    ),
)
URLS = st.sampled_from(
    ["", "javascript:alert(1)", "https://example.com/" + "x" * 5_000, 'https://e.com/"<!channel>']
)


def test_long_annotations_of_emoji_fit_into_a_section() -> None:
    """Slack may count an emoji as two characters."""
    message = make_message()
    annotations = dict.fromkeys("abc", "🚨" * 2000)
    incident = replace(message.incident, annotations=annotations)
    check_content(build_message(replace(message, incident=incident)))


@settings(max_examples=60, deadline=None)
@given(
    title=NASTY,
    lead=NASTY,
    company=NASTY,
    labels=st.dictionaries(NASTY, NASTY, max_size=4),
    note=NASTY,
    notes=st.integers(0, 20),
    url=URLS | NASTY,
    runbook=URLS | NASTY,
)
def test_any_text_stays_escaped_and_within_slacks_limits(
    *,
    title: str,
    lead: str,
    company: str,
    labels: dict[str, str],
    note: str,
    notes: int,
    url: str,
    runbook: str,
) -> None:
    timeline = tuple(
        Entry(142, NOW, Reason.NOTED, by=lead, data={"text": note}, id=n + 1) for n in range(notes)
    )
    message = make_message(
        title=title,
        lead=lead,
        company=company,
        labels=labels,
        annotations=labels,
        runbook=runbook,
        url=url,
        timeline=timeline,
    )
    check_content(build_message(message, buttons=True))
    thread = build_thread(message)
    assert (thread is None) == (notes == 0)
    if thread is not None:
        check_content(thread)


@given(text=st.text("a&<>😀ü"), limit=st.integers(1, 40))
def test_a_text_is_cut_between_characters_and_only_if_too_long(text: str, limit: int) -> None:
    whole, cut = mrkdwn(text, 10_000), mrkdwn(text, limit)
    assert cut == whole or (cut.endswith("…") and whole.startswith(cut[:-1]))
    check_mrkdwn(cut or "empty", max(limit, 5))


def test_the_latest_update_is_not_pushed_out_by_long_ones() -> None:
    timeline = tuple(
        Entry(142, NOW, Reason.NOTED, data={"text": f"{n} " + "x" * 900}, id=n + 1)
        for n in range(10)
    )
    content = build_message(make_message(timeline=timeline))
    assert "9 xxx" in content["blocks"][2]["text"]["text"]


# --- the config


@pytest.mark.parametrize(
    "options",
    [
        {},
        {
            "webhook_url": SecretUrl("https://hooks.slack.com/x"),
            "token": Secret(TOKEN),
            "channel": "#a",
        },
        {"webhook_url": SecretUrl("https://hooks.slack.com/x"), "channel": "#a"},
        {"token": Secret(TOKEN)},
        {"webhook_url": SecretUrl("https://hooks.slack.com/x"), "buttons": True},
    ],
)
def test_a_channel_is_a_webhook_or_a_bots(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="`token`"):
        SlackConfig(**options)


def test_only_a_bots_message_is_edited() -> None:
    assert SlackConfig(token=Secret(TOKEN), channel="#a").capabilities.edits
    assert not SlackConfig(webhook_url=SecretUrl("https://hooks.slack.com/x")).capabilities.edits
    assert (
        msgspec.structs.asdict(SlackConfig(token=Secret(TOKEN), channel="#a"))["api_url"]
        == "https://slack.com/api/"
    )
