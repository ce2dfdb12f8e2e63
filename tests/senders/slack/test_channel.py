"""A channel for each incident: opened once, each update posted once, archived at the end."""

import dataclasses
import json
import re
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import pytest
from msgspec.structs import replace

from router.config.fields import Duration, HttpUrl
from router.config.secret import Secret
from router.model.decision import Entry
from router.model.incident import Status
from router.model.notification import Message, Sent
from router.model.reason import Reason
from router.senders.slack.channel import channel_name
from router.senders.slack.sender import SlackBotSender, SlackConfig, build
from tests.senders.kit import NOW, Peer, Reply, Request, make_incident, make_message, mentions
from tests.senders.slack.test_sender import TOKEN, Slack, check_mrkdwn, refusal

NAME = "inc-142-20260101-1200-payment-failures-at-2-5-on-api"
OPENED = Entry(142, NOW - 600, Reason.OPENED, data={"alert": "PaymentFailures"}, id=1)
NOTED = Entry(142, NOW - 60, Reason.NOTED, "ana", {"text": "rolled back"}, id=5)
RESOLVED = Entry(142, NOW, Reason.RESOLVED, id=9)


class Workspace(Slack):
    """A Slack that also has channels, and refuses what the real one would."""

    def __init__(self) -> None:
        super().__init__()
        self.channels: dict[str, dict[str, Any]] = {}
        self.posts: dict[str, list[dict[str, Any]]] = {}
        self.invited: list[str] = []
        self.refuse: dict[str, str] = {}

    def __call__(self, request: Request) -> Reply:
        url = urlsplit(request.path)
        method = url.path.removeprefix("/api/")
        if error := self.refuse.get(method):
            return refusal(error)
        if request.method == "GET":
            return getattr(self, f"_{method.partition('.')[2]}")(dict(parse_qsl(url.query)))
        content = request.json
        if method.startswith("conversations."):
            return getattr(self, f"_{method.partition('.')[2]}")(content)
        if content.get("channel") in self.channels:
            return self._posted(content)
        # What the router writes as a mention; the double takes any other `<` for a mistake.
        body = re.sub(rb"<([@#!][a-z^]*[A-Z0-9]+)>", rb"[\1]", request.body)
        request = dataclasses.replace(request, body=body)
        return super().__call__(request)

    def _create(self, content: dict[str, Any]) -> Reply:
        name = content["name"]
        assert len(name) <= 80
        assert name == name.lower()
        if name in {channel["name"] for channel in self.channels.values()}:
            return refusal("name_taken")
        id_ = f"C9{len(self.channels)}"
        self.channels[id_] = {"id": id_, "name": name, "is_archived": False}
        self.posts[id_] = []
        return Reply(json={"ok": True, "channel": self.channels[id_]})

    def _list(self, query: dict[str, str]) -> Reply:
        """One channel a page, so that more than one is looked at."""
        at = int(query.get("cursor", 0))
        found = list(self.channels.values())
        more = str(at + 1) if at + 1 < len(found) else ""
        shown = {"channels": found[at : at + 1], "response_metadata": {"next_cursor": more}}
        return Reply(json={"ok": True, **shown})

    def _history(self, query: dict[str, str]) -> Reply:
        assert query["include_all_metadata"] == "true"
        return Reply(json={"ok": True, "messages": self.posts[query["channel"]][::-1]})

    def _invite(self, content: dict[str, Any]) -> Reply:
        self.invited += content["users"].split(",")
        return Reply(json={"ok": True, "channel": {}})

    def _archive(self, content: dict[str, Any]) -> Reply:
        channel = self.channels[content["channel"]]
        if channel["is_archived"]:
            return refusal("already_archived")
        channel["is_archived"] = True
        return Reply(json={"ok": True})

    def _posted(self, content: dict[str, Any]) -> Reply:
        assert not self.channels[content["channel"]]["is_archived"]
        check_mrkdwn(content["text"])
        self.posts[content["channel"]].append(content)
        return Reply(json={"ok": True, "channel": content["channel"], "ts": "1.2"})

    @property
    def texts(self) -> list[str]:
        """The texts in the incident's channel."""
        return [mail["text"] for mail in self.posts["C90"]]


def sender(session: aiohttp.ClientSession, peer: Peer) -> SlackBotSender:
    config = SlackConfig(
        token=Secret(TOKEN), channel="#incidents", create_channel=True,
        api_url=HttpUrl(f"{peer.url}/api/"), timeout=Duration(10.0),
    )  # fmt: skip
    made = build("slack", config, session)
    assert isinstance(made, SlackBotSender)
    return made


async def deliver(slack: Workspace, *messages: Message) -> None:
    """Send from one process; another call is a restarted process."""
    async with Peer(answer=slack) as peer, aiohttp.ClientSession() as session:
        one = sender(session, peer)
        for message in messages:
            assert isinstance(await one.send(message), Sent)
        await one.close()


def message(*entries: Entry, **changes: Any) -> Message:
    return make_message(timeline=entries, **changes)


def closed(*entries: Entry) -> Message:
    return message(*entries, status=Status.RESOLVED, closed_at=NOW, seq=3)


async def test_an_incident_has_a_channel_from_its_beginning_to_its_end() -> None:
    slack = Workspace()
    await deliver(
        slack, message(OPENED), message(OPENED, NOTED, seq=2), closed(OPENED, NOTED, RESOLVED)
    )
    assert [channel["name"] for channel in slack.channels.values()] == [NAME]
    head, *timeline = slack.texts
    assert head.startswith("🚨 [P0] VintStreet Incident")
    assert timeline == [
        "12:00 - Incident detected: PaymentFailures",
        "12:09 - rolled back (ana)",
        "12:10 - Resolved",
    ]
    assert slack.channels["C90"]["is_archived"]


async def test_a_summary_opens_a_channel_only_for_the_incident_it_is_mainly_about() -> None:
    """A storm opens no hundreds of channels, and no channel shows another incident."""
    slack = Workspace()
    await deliver(slack, message(OPENED, other_incidents=mentions(200, title="Disk full")))
    assert [channel["name"] for channel in slack.channels.values()] == [NAME]
    (shown,) = slack.messages.values()
    assert "MORE INCIDENTS" in json.dumps(shown)
    assert "INC-143" not in json.dumps(slack.posts["C90"])


async def test_a_restart_posts_nothing_twice() -> None:
    """Each post says how far it goes, so the next process continues there."""
    slack = Workspace()
    await deliver(slack, message(OPENED))
    await deliver(slack, message(OPENED), message(OPENED, NOTED, seq=2))
    await deliver(slack, closed(OPENED, NOTED, RESOLVED))
    assert len(slack.channels) == 1
    assert len(slack.texts) == 4
    assert slack.channels["C90"]["is_archived"]


async def test_a_channel_that_a_crash_left_empty_is_found_and_filled() -> None:
    slack = Workspace()
    slack._create({"name": "something-else"})
    slack._create({"name": NAME})
    await deliver(slack, message(OPENED))
    assert len(slack.channels) == 2
    assert len(slack.posts["C91"]) == 2


async def test_an_archived_channel_stays_as_it_is() -> None:
    """Later messages, such as a post-mortem, aren't posted there."""
    slack = Workspace()
    await deliver(slack, message(OPENED), closed(OPENED, RESOLVED))
    before = len(slack.texts)
    due = Entry(142, NOW, Reason.POSTMORTEM_DUE, id=10)
    await deliver(slack, closed(OPENED, RESOLVED, due))
    assert len(slack.texts) == before


async def test_no_channel_is_opened_for_an_incident_that_is_over() -> None:
    slack = Workspace()
    await deliver(slack, closed(OPENED, RESOLVED))
    assert not slack.channels


async def test_a_reopened_incident_has_a_new_channel() -> None:
    """A bot can't unarchive one."""
    slack = Workspace()
    await deliver(
        slack, message(OPENED), closed(OPENED, RESOLVED), message(OPENED, reopened=1, seq=4)
    )
    assert [channel["name"].partition("-payment")[0] for channel in slack.channels.values()] == [
        "inc-142-20260101-1200", "inc-142-20260101-1200-r1",
    ]  # fmt: skip


async def test_the_people_who_are_paged_are_invited() -> None:
    """Invitations use contacts' ids and no groups."""
    slack = Workspace()
    hostile = message(OPENED, mentions={"ana": "U0ANA", "ben": "S0BEN"})
    notified = replace(
        hostile, incident=replace(hostile.incident, notified=("sms/ana", "call/ben", "slack"))
    )
    await deliver(slack, notified)
    assert slack.invited == ["U0ANA"]


@pytest.mark.parametrize(
    "method",
    [
        "conversations.create",
        "conversations.history",
        "conversations.archive",
        "conversations.list",
    ],
)
async def test_a_failure_there_changes_nothing_about_the_page(method: str) -> None:
    slack = Workspace()
    slack.refuse[method] = "missing_scope"
    await deliver(slack, message(OPENED), closed(OPENED, RESOLVED))
    assert len(slack.messages) == 2


async def test_the_message_leads_to_the_channel() -> None:
    slack = Workspace()
    await deliver(slack, message(OPENED), message(OPENED, NOTED, seq=2))
    assert "[#C90]" in str(list(slack.messages.values())[1]["blocks"])


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({}, NAME),
        ({"drill": True}, NAME.replace("inc-", "drill-")),
        ({"title": "漢字 !!"}, "inc-142-20260101-1200"),
        ({"title": "x" * 100}, f"inc-142-20260101-1200-{'x' * 58}"),
        ({"title": "Now 40%", "first_title": "Was 2%"}, "inc-142-20260101-1200-was-2"),
    ],
)
def test_a_name_is_what_slack_allows_and_stays_the_same(changes: dict[str, Any], name: str) -> None:
    assert channel_name(make_incident(**changes)) == name
