"""Microsoft Teams, by a loopback workflow that refuses cards which Teams wouldn't show."""

import json
from typing import Any

import aiohttp
import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.config.fields import Duration, Rate
from router.config.secret import SecretUrl
from router.model.decision import Entry
from router.model.incident import Severity, Status
from router.model.notification import Message, Rejected, Result, Retry, Sent, Uncertain
from router.model.reason import Reason
from router.senders.teams import MAX_CARD, TeamsConfig, TeamsSender, build, build_card
from tests.senders.kit import (
    NOW,
    Peer,
    Reply,
    Request,
    check_broken_connections,
    check_leaks_no_secret,
    check_retry_after,
    check_statuses,
    make_message,
)

PATH = (
    "/workflows/0123abcd/triggers/manual/paths/invoke"
    "?api-version=2016-06-01&sp=%2Ftriggers%2Fmanual%2Frun&sv=1.0&sig=a%2Bb_-c%7Es3cret"
)
"""A path as Teams issues it: re-encoding would lose the signature's `%2B`, `%2F` or `%7E`."""


def workflow(request: Request) -> Reply:
    """Takes a request as the trigger of a workflow does, and its card as the step that posts it."""
    assert request.method == "POST"
    assert request.path == PATH
    assert request.headers["content-type"] == "application/json"
    check_card(request.body)
    return Reply(202, b"")


def check_card(body: bytes) -> None:
    """Fails for what Teams would refuse, or show otherwise than written."""
    assert len(body) <= MAX_CARD
    request = json.loads(body)
    assert request["type"] == "message"
    [attachment] = request["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    assert set(card["msteams"]) == {"width"}, "an entity would be a mention"
    for block in card["body"]:
        check_block(block)
    for action in card["actions"]:
        assert action["type"] == "Action.OpenUrl"
        assert action["title"]
        assert action["url"].startswith(("https://", "http://"))
        assert action["url"].isascii()
        assert not set(action["url"]) & set('<>"\\` ')


def check_block(block: dict[str, Any]) -> None:
    assert block["type"] == "RichTextBlock", "any other text is Markdown"
    assert block["inlines"]
    for run in block["inlines"]:
        assert run["type"] == "TextRun"
        assert run["text"]
        assert "{{" not in run["text"]
        assert not any(ord(char) < 32 for char in run["text"])


def card_of(message: Message) -> dict[str, Any]:
    card: dict[str, Any] = json.loads(build_card(message))["attachments"][0]["content"]
    return card


def lines_of(message: Message) -> list[str]:
    return ["".join(run["text"] for run in block["inlines"]) for block in card_of(message)["body"]]


def sender(session: aiohttp.ClientSession, url: str, timeout: float = 10.0) -> TeamsSender:
    return build(
        "incidents", TeamsConfig(webhook_url=SecretUrl(url), timeout=Duration(timeout)), session
    )


async def test_each_letter_is_a_post_of_its_own_to_the_url_as_it_was_written() -> None:
    async with Peer(answer=workflow) as peer, aiohttp.ClientSession() as session:
        teams = sender(session, peer.url + PATH)
        assert await teams.send(make_message()) == Sent()
        assert (
            await teams.send(
                make_message(seq=2, sent=1, seen_entry=1, status=Status.RESOLVED, closed_at=NOW)
            )
            == Sent()
        )
        await teams.close()
        assert not session.closed
    assert len(peer.requests) == 2


async def test_the_router_reads_every_outcome_as_all_senders_do() -> None:
    async with Peer() as peer, aiohttp.ClientSession() as session:
        teams, hasty = sender(session, peer.url + PATH), sender(session, peer.url + PATH, 0.3)
        await check_statuses(peer, lambda: teams.send(make_message()), idempotent=False)
        await check_retry_after(peer, lambda: teams.send(make_message()))
        await check_broken_connections(peer, lambda: hasty.send(make_message()), idempotent=False)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (429, Retry("HTTP 429")),
        (500, Retry("HTTP 500")),
        (504, Uncertain("HTTP 504")),
        (413, Rejected("HTTP 413")),
    ],
)
async def test_a_refusal_within_a_success_is_a_refusal(status: int, expected: Result) -> None:
    body = (
        f"Webhook message delivery failed: Microsoft Teams endpoint returned HTTP error {status} "
        f"with ContextId x"
    )
    async with Peer(Reply(200, body.encode())) as peer, aiohttp.ClientSession() as session:
        assert await sender(session, peer.url).send(make_message()) == expected


async def test_the_url_is_told_to_nobody_else(caplog: pytest.LogCaptureFixture) -> None:
    async with Peer() as peer, aiohttp.ClientSession() as session:
        teams = sender(session, peer.url + PATH, 0.3)
        await check_leaks_no_secret("s3cret", peer, lambda: teams.send(make_message()), caplog)


# --- the card


def test_the_card_is_the_plans_internal_alert() -> None:
    lines = lines_of(make_message())
    assert lines[:6] == [
        "🚨 [P0] VintStreet Incident",
        "Status: INVESTIGATING",
        "Impact: Payment failures at 2.5% on api",
        "Started: 2026-01-01 12:00 UTC",
        "Incident Lead: nobody yet",
        "Updates:",
    ]
    assert lines[6].startswith("12:00 - Incident detected")
    assert lines[7] == "12:05 - Acknowledged by ana"
    assert lines[8].startswith("INC-142 · Alerts firing: 1 of 1")
    assert lines[9:11] == ["Description:", "Cards are declined"]
    assert [
        (action["title"], action["url"]) for action in card_of(make_message())["actions"][:2]
    ] == [
        ("Open incident", "http://127.0.0.1:9095/incidents/142"),
        ("Runbook", "https://example.com/runbooks/payments"),
    ]


@pytest.mark.parametrize(
    ("changes", "colour"),
    [
        ({"severity": Severity.P0}, "Attention"),
        ({"severity": Severity.P1}, "Attention"),
        ({"severity": Severity.P2}, "Warning"),
        ({"severity": Severity.P3}, "Accent"),
        ({"status": Status.RESOLVED, "closed_at": NOW}, "Good"),
        ({"status": Status.FALSE_POSITIVE, "closed_at": NOW}, "Default"),
    ],
)
def test_the_headlines_colour_is_that_of_the_severity_until_the_end(
    changes: dict[str, Any], colour: str
) -> None:
    assert card_of(make_message(**changes))["body"][0]["inlines"][0]["color"] == colour


def test_a_card_too_large_loses_its_old_updates_first() -> None:
    timeline = tuple(
        Entry(142, NOW, Reason.NOTED, data={"text": f"note {n} " + "🚨" * 900}, id=n + 1)
        for n in range(10)
    )
    lines = lines_of(make_message(timeline=timeline))
    assert "note 0" not in "".join(lines)
    assert "note 9" in "".join(lines)
    assert "service: api" in "".join(lines)


def test_a_card_too_large_without_updates_loses_its_last_facts() -> None:
    labels = {f"label-{n:02}": "🚨" * 400 for n in range(20)}
    lines = lines_of(make_message(labels=labels, timeline=make_message().timeline))
    (facts,) = (line for line in lines if line.startswith("INC-142"))
    assert "label-00" in facts
    assert "label-19" not in facts
    assert lines[-1].startswith("(+")
    assert "Updates:" not in lines


NASTY = st.one_of(
    st.text(max_size=50),
    st.sampled_from(
        [
            "**bold** [click](https://evil.example) <at>Ana</at> <b>\r\n- item",
            "{{DATE(2026-01-01T12:00:00Z)}} {{{{{ ${title} @{triggerBody()}",
            "🚨" * 5_000,
            '"' * 10_000,
            "\\" * 10_000,
        ]
    ),
)
URLS = st.sampled_from(
    [
        "",
        "javascript:alert(1)",
        "https://",
        "https://[",
        "https://e.com/" + "ü" * 900,
        'https://e.com/"<`\\ a',
    ]
)


@settings(max_examples=60, deadline=None)
@given(
    title=NASTY,
    lead=NASTY,
    company=NASTY,
    labels=st.dictionaries(NASTY, NASTY, max_size=4),
    notes=st.lists(NASTY, max_size=12),
    url=URLS | NASTY,
    runbook=URLS | NASTY,
)
def test_any_text_is_shown_as_it_is_and_fits(
    *,
    title: str,
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
        title=title,
        lead=lead,
        company=company,
        labels=labels,
        annotations=labels,
        runbook=runbook,
        url=url,
        timeline=timeline,
    )
    check_card(build_card(message))


# --- the config


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://acme.webhook.office.com/webhookb2/s3cret", "retired"),
        ("https://outlook.office.com/webhook/s3cret", "retired"),
        ("https://outlook.office365.com/webhook/s3cret", "retired"),
        ("https://example.com/s3cret/ü", "ASCII"),
    ],
)
def test_a_url_that_cannot_work_is_refused_without_being_told(url: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as refusal:
        TeamsConfig(webhook_url=SecretUrl(url))
    assert "s3cret" not in str(refusal.value)


@pytest.mark.parametrize(
    "host", ["prod-12.westeurope.logic.azure.com:443", "x.0a.environment.api.powerplatform.com"]
)
def test_a_channel_keeps_the_rate_of_a_webhook_unless_told_otherwise(host: str) -> None:
    config = TeamsConfig(webhook_url=SecretUrl(f"https://{host}{PATH}"))
    assert config.rate == Rate(4, 1.0)
    assert not config.capabilities.edits
    assert msgspec.structs.replace(config, rate=None).rate is None


def test_an_open_incident_has_links_to_answer_with() -> None:
    """They open a page, since a webhook's card can't ask the router for anything.

    Closed, or off: none.
    """

    def link(command: str, who: str) -> str:
        return f"https://router.example.com/act/{command}-{who or 'anybody'}"

    def shown(**changes: Any) -> list[str]:
        card = json.loads(build_card(make_message(link=link, **changes), answerable=True))
        return [
            action["url"]
            for action in card["attachments"][0]["content"]["actions"]
            if "/act/" in action["url"]
        ]

    base = "https://router.example.com/act"
    assert shown() == [f"{base}/ack-anybody", f"{base}/escalate-anybody", f"{base}/resolve-anybody"]
    assert shown(acknowledged_at=NOW) == [f"{base}/escalate-anybody", f"{base}/resolve-anybody"]
    assert shown(status=Status.RESOLVED, closed_at=NOW) == []
    assert b"/act/" not in build_card(make_message(link=link))
