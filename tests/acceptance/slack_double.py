"""A Slack on loopback that shows what its channel would show, and refuses to be talked to in a way
Slack would refuse.

The rules are those of docs.slack.dev as wire/04-slack.md has them; those about content are in
test_slack.
"""

import json
import re
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from tests.senders.kit import Peer, Reply, Request
from tests.senders.slack.test_sender import check_content

TOKEN = "xoxb-123-s3cret"
CHANNEL = "#incidents"
CHANNEL_ID = "C0123ABCD"
HOOK = "/services/T0123/B0123/s3cret"

QUIET = {"unfurl_links", "unfurl_media"}
POSTED = {"channel", "text", "blocks"} | QUIET
REPLIED = {"channel", "text", "thread_ts", "reply_broadcast"} | QUIET
EDITED = {"channel", "ts", "text", "blocks"}
HOOKED = {"text", "blocks"} | QUIET


@dataclass
class Message:
    """A message as the channel shows it now: `content` is the latest, `thread` the texts below it,
    oldest first.
    """

    content: dict[str, Any]
    edits: int = 0
    thread: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return str(self.content["text"])

    @property
    def headline(self) -> str:
        return str(self.content["blocks"][0]["text"]["text"])

    @property
    def incident(self) -> str:
        """Name of the incident in the message, like `INC-142`."""
        found = re.search(r"\bINC-[0-9]+\b", json.dumps(self.content["blocks"]))
        assert found, f"says nowhere which incident it's about: {self.content}"
        return found[0]

    def line(self, name: str) -> str:
        """Text after the field `name`, like `Status`."""
        [value] = re.findall(rf"^{name}: (.*)$", self.text, re.MULTILINE)
        return str(value)


class Slack(Peer):
    """`async with Slack() as slack:` serves chat.postMessage and chat.update under `slack.api`, and
    `slack.hook`.

    `messages` are those of the channel by their ts, in order; `forms` the modals that were opened,
    and `asides` what only one user sees; `absent` are users who aren't in the channel. A request
    that Slack would refuse fails the test when the block is left.
    """

    def __init__(self) -> None:
        super().__init__(answer=self._answer)
        self.messages: dict[str, Message] = {}
        self.forms: list[dict[str, Any]] = []
        self.triggers: set[str] = set()
        self.asides: list[tuple[str, str]] = []
        self.absent: set[str] = set()
        self._ts = (f"1503435956.{number:06}" for number in count(1))

    @property
    def api(self) -> str:
        return f"{self.url}/api/"

    @property
    def hook(self) -> str:
        return self.url + HOOK

    def at(self, ref: str) -> Message:
        """The message that a notification's `ref` points at."""
        channel, _, ts = ref.partition(":")
        assert channel == CHANNEL_ID
        return self.messages[ts]

    def about(self, incident: str) -> list[Message]:
        """Messages about an incident.

        More than one is an error, unless the second may be a duplicate.
        """
        return [message for message in self.messages.values() if message.incident == incident]

    def _answer(self, request: Request) -> Reply:
        assert request.method == "POST"
        kind, _, parameter = request.headers["content-type"].replace(" ", "").lower().partition(";")
        assert kind == "application/json"
        if request.path == "/api/views.open":
            return self._open(request)
        check_content(content := request.json)
        if request.path == "/api/chat.postEphemeral":
            return self._say_aside(request)
        if request.path == HOOK:
            self._keep(content, HOOKED)
            return Reply(body=b"ok")
        assert parameter == "charset=utf-8"
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        method = {"/api/chat.postMessage": self._post, "/api/chat.update": self._update}[
            request.path
        ]
        ts = method(content)
        return Reply(
            json={"ok": True, "channel": CHANNEL_ID, "ts": ts, "message": {"text": content["text"]}}
        )

    def _open(self, request: Request) -> Reply:
        """A modal, as docs.slack.dev/surfaces/modals wants it. A trigger is good once."""
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        trigger, view = request.json["trigger_id"], request.json["view"]
        if trigger in self.triggers:
            return Reply(json={"ok": False, "error": "exchanged_trigger_id"})
        self.triggers.add(trigger)
        assert view["type"] == "modal"
        assert all(0 < len(view[part]["text"]) <= 24 for part in ("title", "submit", "close"))
        assert len(view["callback_id"]) <= 255
        assert len(view["private_metadata"]) <= 3000
        [block] = view["blocks"]
        assert (block["type"], block["element"]["type"]) == ("input", "plain_text_input")
        self.forms.append(view)
        return Reply(json={"ok": True, "view": {**view, "id": f"V{len(self.forms)}"}})

    def _say_aside(self, request: Request) -> Reply:
        """To one user; the answer names no message that could be edited."""
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        assert request.json.keys() == {"channel", "user", "text"}
        if request.json["user"] in self.absent:
            return Reply(json={"ok": False, "error": "user_not_in_channel"})
        self.asides.append((request.json["user"], request.json["text"]))
        return Reply(json={"ok": True, "message_ts": next(self._ts)})

    def _post(self, content: dict[str, Any]) -> str:
        if "thread_ts" in content:
            assert content.keys() <= REPLIED
            assert content["channel"] == CHANNEL_ID
            self.messages[content["thread_ts"]].thread.append(content["text"])
            return next(self._ts)
        assert content["channel"] in {CHANNEL, CHANNEL_ID}
        return self._keep(content, POSTED)

    def _update(self, content: dict[str, Any]) -> str:
        assert content.keys() == EDITED, "an update without blocks keeps the old ones"
        assert content["blocks"]
        assert content["channel"] == CHANNEL_ID, "chat.update takes no channel's name"
        message = self.messages[content["ts"]]
        message.content = content
        message.edits += 1
        return str(content["ts"])

    def _keep(self, content: dict[str, Any], known: set[str]) -> str:
        assert content.keys() <= known
        assert content["blocks"]
        ts = next(self._ts)
        self.messages[ts] = Message(content)
        return ts
