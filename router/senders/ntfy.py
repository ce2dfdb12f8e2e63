"""Type `ntfy`: push notifications to the subscribers of a topic, by ntfy.sh or your own server.

A message has a sequence id. Clients silently replace a notification by the next one with the same
id, so a change that people should notice gets a new id. A repeated message has the same id, so no
result is `Uncertain`.

Limits and fields: https://docs.ntfy.sh/publish/#limitations, …#publish-as-json,
…#updating-deleting-notifications (since ntfy 2.16) and …#action-buttons.
"""

import re
from typing import Any

import aiohttp

from router.config.channel_options import ChannelOptions
from router.config.fields import HttpUrl, Rate
from router.config.people import Email
from router.config.secret import Secret
from router.core.messages.render import content
from router.model.incident import Severity
from router.model.notification import Message, Result, Sent
from router.senders.calls import JSON, Calls, Failed, refusals
from router.senders.identity import message_id
from router.senders.in_place import is_loud
from router.senders.links import answers, links
from router.senders.markup import PLAIN, cut, headline, octets, write
from router.senders.verify import fetch, named

MAX_MESSAGE = 4096
"""Maximum bytes of a message. The server turns a longer text into an attachment."""

MAX_TITLE = 250
MAX_ACTIONS = 3
TOPIC = re.compile(r"[A-Za-z0-9_-]{1,64}")
REF = re.compile(r"msg_[0-9]+_[0-9]+_[0-9a-f]{16}")

PRIORITIES = {Severity.P0: 5, Severity.P1: 4, Severity.P2: 3, Severity.P3: 3}
QUIET = 2
"""The priority without a sound."""


class NtfyConfig(ChannelOptions, frozen=True, kw_only=True):
    """`topic` is the topic's name. Without access control, anybody who knows it can read it.

    token: an access token (`tk_…`) that may write to the topic.
    links: add buttons to answer with. Anybody who reads the topic may use them.
    owner: the e-mail address of the contact who is the topic's only reader. The buttons then run
        the command at once, as that person, without a page in between.
    api_url: your own server, a proxy or a test server.
    """

    topic: str
    token: Secret | None = None
    links: bool = True
    owner: Email | None = None
    api_url: HttpUrl = HttpUrl("https://ntfy.sh")
    rate: Rate | None = Rate(60, 300.0)

    def __post_init__(self) -> None:
        if not TOPIC.fullmatch(self.topic):
            raise ValueError("`topic` has 1 to 64 letters, digits, `_` and `-`")
        if self.owner and not self.links:
            raise ValueError("`owner` needs `links: true`")


class NtfySender:
    """`ref` is the sequence id of the displayed notification."""

    def __init__(self, name: str, config: NtfyConfig, session: aiohttp.ClientSession) -> None:
        self._name = name
        self._config = config
        self._session = session
        token = config.token.reveal() if config.token else ""
        self._auth = {"Authorization": f"Bearer {token}"} if token else {}
        self._hide = token or config.topic

    async def send(self, message: Message) -> Result:
        sequence = self._sequence(message)
        judge = refusals("error", hide=self._hide, now=message.at)
        url, seconds = self._config.api_url.rstrip("/"), self._config.timeout
        calls = Calls(self._session, url, JSON | self._auth, seconds=seconds, judge=judge)
        notification = build_notification(message, self._config) | {"sequence_id": sequence}
        try:
            await calls.ask("POST", "/", dict[str, Any], notification, idempotent=True)
        except Failed as failure:
            return failure.result
        return Sent(sequence)

    def _sequence(self, message: Message) -> str:
        quiet = REF.fullmatch(message.ref) and not is_loud(message) and not message.other_incidents
        return message.ref if quiet else message_id(self._name, message)

    async def verify(self) -> str | Result:
        """Look up the token's user: ntfy answers 401 to an unknown token."""
        url = f"{self._config.api_url.rstrip('/')}/v1/account"
        result, user = await fetch(self._session, url, self._auth, self._config.timeout)
        if not isinstance(result, Sent):
            return result
        return f"server found, as user '{named(user.get('username', '*'))}'; topic not checked"

    async def close(self) -> None:
        """Nothing to close: the session belongs to the caller."""


def build(name: str, config: NtfyConfig, session: aiohttp.ClientSession) -> NtfySender:
    return NtfySender(name, config, session)


def build_notification(message: Message, config: NtfyConfig) -> dict[str, Any]:
    """The incident in its current state, with up to three buttons."""
    opens = dict(links(content(message)))
    click = opens.pop("All incidents" if message.other_incidents else "Open incident", "")
    asks = config.links and not message.for_stakeholder
    asked = answers(message, config.owner or "") if asks else ()
    buttons = [_answer(label, url, at_once=bool(config.owner)) for label, url in asked]
    buttons += [{"action": "view", "label": label, "url": url} for label, url in opens.items()]
    return {
        "topic": config.topic,
        "title": cut(headline(message), MAX_TITLE),
        "message": write(message, PLAIN, MAX_MESSAGE, octets),
        "priority": PRIORITIES[message.incident.severity] if is_loud(message) else QUIET,
        "actions": buttons[:MAX_ACTIONS],
        **({"click": click} if click else {}),
    }


def _answer(label: str, url: str, *, at_once: bool) -> dict[str, Any]:
    if at_once:
        return {"action": "http", "label": label, "url": url, "method": "POST", "clear": True}
    return {"action": "view", "label": label, "url": url}
