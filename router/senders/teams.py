"""Type `teams`: a Microsoft Teams channel or chat, by a webhook of its Workflows app.

The answer 202 means that the workflow started, not that the card was posted: if Teams rejects the
card, the workflow's run fails invisibly. A card can't be edited, so each message is a new card.
There is no idempotency key.

Microsoft's pages:
https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
(limits) and https://learn.microsoft.com/adaptive-cards (the card).
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

import aiohttp
import msgspec
from yarl import URL

from router.config.channel_options import ChannelOptions
from router.config.fields import Rate
from router.config.secret import SecretUrl
from router.core.messages.render import Content, content
from router.core.messages.summary import TOP, further
from router.model.incident import Incident, Severity, Status
from router.model.notification import Message, Result, Sent
from router.senders.http import post
from router.senders.links import answers, links
from router.senders.markup import cut
from router.senders.outcome import from_response

MAX_CARD = 25_000
"""Maximum bytes of the whole request. Teams silently rejects about 28 KB."""
MAX_TEXT = 800
MAX_FACT = 300

RETIRED = re.compile(r"(.+\.)?webhook\.office\.com|outlook\.office(365)?\.com")
"""The hosts of Office 365 connectors, shut down in 2026."""

HIDDEN_STATUS = re.compile(rb"Microsoft Teams endpoint returned HTTP error ([45][0-9]{2})")
"""Found in the body of a status 200 answer if Teams itself failed."""

SEVERITY_COLOURS = {
    Severity.P0: "Attention",
    Severity.P1: "Attention",
    Severity.P2: "Warning",
    Severity.P3: "Accent",
}
CLOSED_COLOURS = {Status.RESOLVED: "Good", Status.FALSE_POSITIVE: "Default"}


class TeamsConfig(ChannelOptions, frozen=True, kw_only=True):
    """`webhook_url` is the URL of a workflow that posts cards, with its signature in the query.

    links: add links to answer with. Anybody who has a link may use it.
    """

    webhook_url: SecretUrl
    links: bool = True
    rate: Rate | None = Rate(4, 1.0)

    def __post_init__(self) -> None:
        url = self.webhook_url.reveal()
        if not url.isascii():
            raise ValueError("`webhook_url` must be copied from Teams unchanged, in plain ASCII")
        if RETIRED.fullmatch(URL(url, encoded=True).host or ""):
            raise ValueError(
                "`webhook_url` is of an Office 365 connector, which Microsoft has retired: "
                "create a webhook with the Workflows app of Teams instead"
            )


class TeamsSender:
    """Posts each message as one card."""

    def __init__(self, config: TeamsConfig, session: aiohttp.ClientSession) -> None:
        # The signature is only valid for the query as written; yarl would turn %2F into a slash.
        self._url = URL(config.webhook_url.reveal(), encoded=True)
        self._seconds = config.timeout
        self._answerable = config.links
        self._session = session

    async def send(self, message: Message) -> Result:
        result, answer = await post(
            self._session,
            self._url,
            body=build_card(message, answerable=self._answerable),
            headers={"Content-Type": "application/json"},
            timeout=self._seconds,
            idempotent=False,
            now=message.at,
        )
        if isinstance(result, Sent) and (hidden := HIDDEN_STATUS.search(answer)):
            return from_response(int(hidden[1]), {}, b"", idempotent=False, now=message.at)
        return result

    async def close(self) -> None:
        """Nothing to close: the session belongs to the caller."""


def build(_name: str, config: TeamsConfig, session: aiohttp.ClientSession) -> TeamsSender:
    return TeamsSender(config, session)


def build_card(message: Message, *, answerable: bool = False) -> bytes:
    """The request's body: the incident in its current state.

    If it's too large, the oldest updates are left out first, then the last details, then the least
    important facts.

    answerable: add links for answers. A webhook's card can't have active buttons.
    """
    said = content(message)
    updates = [f"{when} - {what}" for when, what in said.updates]
    details = [line for name, text in said.details for line in (f"{name}:", *text.split("\n"))]
    facts = [message.incident.name, *(f"{name}: {value}" for name, value in said.facts)]
    others = [line for line, _ in said.others[:TOP]]
    others = [further(message.other_incidents), *others] if others else []
    shown = [
        *(answers(message) if answerable and not message.for_stakeholder else ()),
        *links(said),
    ]
    left_out = 0
    while True:
        more = [f"(+{left_out} more on the incident's page)"] if left_out else []
        body = _encode(message.incident, said, others, updates, [*details, *more], facts, shown)
        if len(body) <= MAX_CARD or not (updates or details or facts):
            return body
        if updates:
            del updates[0]
        else:
            del (details or facts)[-1]
            left_out += 1


def _encode(  # noqa: PLR0913, PLR0917 - the parts of a card
    incident: Incident,
    said: Content,
    others: Sequence[str],
    updates: Sequence[str],
    details: Sequence[str],
    facts: Sequence[str],
    shown: Sequence[tuple[str, str]],
) -> bytes:
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "msteams": {"width": "Full"},
        "body": [
            _headline(incident, said),
            _line("Status: ", said.status),
            _line("Impact: ", said.impact),
            _line("Started: ", said.started),
            _line("Incident Lead: ", said.lead),
            *(_block(_run(cut(line, MAX_TEXT))) for line in others),
            *_updates(updates),
            *_facts(facts),
            *(_block(_run(cut(line, MAX_TEXT))) for line in details if line),
        ],
        "actions": [{"type": "Action.OpenUrl", "title": label, "url": url} for label, url in shown],
    }
    attachment = {
        "contentType": "application/vnd.microsoft.card.adaptive",
        "contentUrl": None,
        "content": card,
    }
    return msgspec.json.encode({"type": "message", "attachments": [attachment]})


def _headline(incident: Incident, said: Content) -> dict[str, Any]:
    colour = (
        SEVERITY_COLOURS[incident.severity] if incident.is_open else CLOSED_COLOURS[incident.status]
    )
    return _block(_run(cut(said.headline, MAX_TEXT), weight="Bolder", size="Large", color=colour))


def _line(name: str, text: str) -> dict[str, Any]:
    return _block(_run(name, weight="Bolder"), _run(cut(text, MAX_TEXT)))


def _updates(updates: Sequence[str]) -> Iterator[dict[str, Any]]:
    if updates:
        yield _block(_run("Updates:", weight="Bolder"), spacing="Medium")
    for update in updates:
        yield _block(_run(cut(update, MAX_TEXT)))


def _facts(facts: Sequence[str]) -> Iterator[dict[str, Any]]:
    if facts:
        text = " · ".join(cut(fact, MAX_FACT) for fact in facts)
        yield _block(_run(text, size="Small", isSubtle=True), spacing="Medium")


def _block(*runs: dict[str, Any], spacing: str = "Small") -> dict[str, Any]:
    # The only element whose text isn't Markdown, so an alert's text is shown unchanged.
    return {"type": "RichTextBlock", "inlines": list(runs), "spacing": spacing}


def _run(text: str, **style: Any) -> dict[str, Any]:
    # Teams would evaluate {{DATE(...)}} in the text.
    return {"type": "TextRun", "text": re.sub(r"\{(?=\{)", "{ ", text), **style}
