"""Hostile text stays in its place, in every sender's content and on the public page.

The text is in the title, a label, an annotation, a person's name, a note and the public text.
"""

import json
import re
import xml.etree.ElementTree as ET
from email import message_from_bytes, policy
from email.headerregistry import Address
from html.parser import HTMLParser
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from router.core.communication.status_page import make_page
from router.core.messages.speech import ask, spoken
from router.core.messages.templates import Wording
from router.engine.customers import announcement
from router.model.decision import Entry
from router.model.notification import Message
from router.model.reason import Reason
from router.model.statuspage import Published
from router.senders import console, mail_text, teams, webhook
from router.senders.pagerduty import sender as pagerduty
from router.senders.slack import blocks as slack_blocks
from router.senders.tickets import text as ticket_text
from router.senders.twilio import sms
from router.web.statuspage.documents import documents
from tests.core.statuspage.published import PLAN
from tests.senders.kit import NOW, written_by_others

HOSTILE = [
    "<!channel>",
    "<@U123>",
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "\r\nBcc: victim@example.com",
    "\nStatus: RESOLVED",
    "@everyone",
    "#12",
    "[x](javascript:alert(1))",
    "`",
    "```",
    "&amp;",
    "</Say><Dial>+1900</Dial>",
    "]]>",
    "{{ 7 * 7 }}",
    "{% raw %}",
    "\u202e",
    "\x00",
    "\x1b[2J",
    "\ud800",
    "<!--",
    "-->",
    "<!-- alert-router:told:999 -->",
    "*bold*",
    "|",
    "&lt;",
    "\u2028",
    "%0d%0a",
    "=?utf-8?q?x?=",
    "<at>ana</at>",
]
TEXT = st.one_of(
    st.text(max_size=60),
    st.sampled_from(HOSTILE),
    st.lists(st.sampled_from(HOSTILE), max_size=4).map("".join),
).map(lambda text: f"x{text}")
SENDER, TO = Address("Router", "router", "example.com"), Address("", "ana", "example.com")


def message(text: str) -> Message:
    found = written_by_others(text)
    return replace(found, incident=replace(found.incident, url=text))


class Tags(HTMLParser):
    """The tags and attributes of some HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.handlers: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"href", "src", "action"}]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]


def safe(html: str) -> None:
    found = Tags(html)
    assert not {"script", "iframe", "object", "svg", "base"} & set(found.tags)
    assert not found.handlers
    assert not [
        link for link in found.links if link.strip().lower().startswith(("javascript:", "data:"))
    ]


def plain_line(text: str) -> bool:
    return not re.search(r"[\x00-\x1f\x7f\u2028\u2029\u202a-\u202e\ud800-\udfff]", text)


@given(TEXT)
def test_no_mail_gets_a_header_or_markup_from_outside(text: str) -> None:
    """To people on call, to stakeholders, and to customers."""
    hostile = message(text)
    note = Entry(142, NOW, Reason.ANNOUNCED, text, {"title": text, "text": text}, id=4)
    outside = mail_text.compose_public(
        announcement(hostile.incident, note, "ana@example.com", "7-f00"), SENDER, TO
    )
    for made in (
        mail_text.compose(hostile, SENDER, TO),
        mail_text.compose_for_stakeholders(hostile, SENDER, TO),
        outside,
    ):
        read = message_from_bytes(made.as_bytes(), policy=policy.default)
        assert {name.lower() for name in read} <= {
            "from",
            "to",
            "subject",
            "date",
            "message-id",
            "in-reply-to",
            "references",
            "auto-submitted",
            "importance",
            "x-auto-response-suppress",
            "x-priority",
            "mime-version",
            "content-type",
            "content-transfer-encoding",
        }
        assert read["to"] == "ana@example.com"
        assert plain_line(str(read["subject"]))
        if html := read.get_body(("html",)):
            safe(html.get_content())


@given(TEXT)
def test_slack_reads_no_command_from_outside(text: str) -> None:
    """Every `<` is escaped, so no mention, link or `<!channel>` comes from a text."""
    hostile = message(text)
    said = [slack_blocks.build_message(hostile, buttons=True), slack_blocks.build_thread(hostile)]
    for found in marked(said):
        assert "<" not in found
        assert ">" not in found
        assert not re.search(r"&(?!amp;|lt;|gt;)", found)


def marked(value: Any) -> list[str]:
    """Every text that Slack reads as mrkdwn: of `plain_text` nothing is read."""
    if isinstance(value, list):
        return [found for item in value for found in marked(item)]
    if not isinstance(value, dict):
        return []
    own = (
        [value["text"]]
        if value.get("type") in {"mrkdwn", None} and isinstance(value.get("text"), str)
        else []
    )
    return own + [found for item in value.values() for found in marked(item)]


@given(TEXT)
def test_a_call_says_it_and_does_nothing_else(text: str) -> None:
    """TwiML has the verbs that are ours."""
    hostile = message(text)
    said = ET.fromstring(
        ask(spoken(hostile.incident, hostile.company, hostile.at), "https://router.example.com/x")
    )
    assert [element.tag for element in said.iter()] == ["Response", "Gather", "Say", "Say"]


@given(TEXT)
def test_githubs_issue_has_it_as_code_and_no_mark_of_ours(text: str) -> None:
    """Nobody is mentioned, nothing is rendered, and no text passes for the router's own mark."""
    hostile = message(text)
    body = ticket_text.body(hostile)
    outside = re.sub(
        r"\]\(<https?://[^<>\s]*>\)", "]", re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", body)
    )
    ours = [line for line in outside.splitlines() if not line.startswith("<!-- alert-router:")]
    assert not re.search(r"@\w|<[a-z!/]|javascript:", "\n".join(ours), re.IGNORECASE)
    assert ticket_text.seen_entry_in(body) == 3
    assert plain_line(ticket_text.title(hostile))


@given(TEXT)
def test_what_is_sent_as_data_is_well_formed(text: str) -> None:
    """JSON of Teams, PagerDuty and webhooks, and the lines of texts and the console."""
    hostile = message(text)
    assert json.loads(teams.build_card(hostile, answerable=True))
    # What comes in, and the store, is UTF-8, which has no half of a surrogate pair.
    assert json.loads(webhook.build_event(message(text.encode("utf-8", "replace").decode())))
    json.dumps(pagerduty.alert(hostile)).encode("ascii")
    assert plain_line(sms.text(hostile, answerable=True).replace("\n", " "))
    assert plain_line(console.line(hostile, "log"))


@given(TEXT)
def test_the_public_page_and_its_feed_hold_it_as_text(text: str) -> None:
    """In HTML, Atom and JSON, in the packaged words and in a person's."""
    hostile = message(text)
    words = Wording(text, text).update(replace(hostile.incident, public_title=""), NOW)
    said = {
        "text": words.text,
        "title": words.subject,
        "status": "investigating",
        "component": "payments",
    }
    entries = (hostile.timeline[2], Entry(142, NOW + 1, Reason.PUBLISHED, text, said, id=5))
    page = make_page(PLAN, [Published(hostile.incident, entries)], [], NOW + 60)
    for name, document in documents(page, subscribe=True).items():
        body = document.body.decode()
        if name.endswith(".html") or "." not in name:
            safe(body)
        elif name.endswith(".atom"):
            for element in ET.fromstring(body).iter("{http://www.w3.org/2005/Atom}content"):
                safe(element.text or "")
        elif name.endswith(".json"):
            json.loads(body)
