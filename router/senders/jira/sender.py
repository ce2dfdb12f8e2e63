"""Type `jira`: an issue in Jira Cloud for each incident, commented, and moved to its status.

Jira supports no idempotency key. Each issue has a label that names its incident. If an answer is
lost, the router searches for that label. Jira's search lags behind by seconds, so a duplicate is
possible, and such a message is recorded as possibly doubled. Hidden properties of the issue and of
each comment have the newest timeline entry in them.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/ and
https://developer.atlassian.com/cloud/jira/platform/rate-limiting/ (429 with Retry-After).
"""

import re
from collections.abc import Sequence
from typing import Any

import aiohttp
import msgspec

from router.config.channel_options import Capabilities, ChannelOptions
from router.config.fields import Duration, HttpUrl, Rate
from router.config.people import Email
from router.config.secret import Secret
from router.model.incident import Incident
from router.model.notification import Message, Rejected, Result, Sent
from router.model.postmortem import Item
from router.ports.reconcile import Mismatch, Shown
from router.senders.calls import JSON, Calls, Failed, refusals
from router.senders.identity import origin
from router.senders.jira.document import commented, described, described_item
from router.senders.jira.wire import DONE, PROPERTY, Comments, Created, Found, Issue, Transitions
from router.senders.tickets.compare import compare_tickets
from router.senders.tickets.keep import keep
from router.senders.tickets.text import item_title, newest, title
from router.senders.tickets.tracker import Ticket
from router.senders.verify import fetch, named

GONE = 404
PROJECT = re.compile(r"[A-Z][A-Z0-9_]{1,99}")
REF = re.compile(r"[A-Z][A-Z0-9_]{1,99}-[1-9][0-9]{0,9}")
LABEL = re.compile(r"\S{1,255}")
COMMENTS = 100
"""Maximum comments to search for the router's own, newest first."""


class JiraConfig(ChannelOptions, frozen=True, kw_only=True):
    """Issues of one project.

    email, token: of the account that opens the issues, and its API token.
    project: the project's key, such as `OPS`.
    issue_type: a type of that project.
    labels: set on each issue, in addition to the label that names the incident.
    items: also open an issue for each action item.
    api_url: the site, such as https://acme.atlassian.net.
    """

    api_url: HttpUrl
    email: Email
    token: Secret
    project: str
    issue_type: str = "Task"
    labels: tuple[str, ...] = ()
    items: bool = False
    rate: Rate | None = Rate(1, 1.0)
    concurrency: int = 1
    timeout: Duration = Duration(20.0)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(action_items=self.items, bundles=False, compares=True)

    def __post_init__(self) -> None:
        if not PROJECT.fullmatch(self.project):
            raise ValueError("`project` must be a project's key, such as OPS")
        for label in self.labels:
            if not LABEL.fullmatch(label):
                raise ValueError(f"`labels`: Jira allows no blanks in {label!r}")


class Issues:
    """The issues of one attempt, as both trackers of `router.senders.tickets`."""

    def __init__(self, calls: Calls, config: JiraConfig, name: str) -> None:
        self._calls = calls
        self._config = config
        self._name = name

    async def known(self, ref: str, incident: Incident) -> Ticket | None:
        return await self._known(ref, self._label(incident))

    async def find(self, incident: Incident) -> Ticket | None:
        return await self._find(self._label(incident))

    async def known_item(self, ref: str, incident: Incident, item: Item) -> Ticket | None:
        return await self._known(ref, self._label(incident, item))

    async def find_item(self, incident: Incident, item: Item) -> Ticket | None:
        return await self._find(self._label(incident, item))

    async def _known(self, ref: str, label: str) -> Ticket | None:
        if not REF.fullmatch(ref):
            return None
        query = {"fields": "status,labels", "properties": PROPERTY}
        try:
            issue = await self._calls.ask(
                "GET", f"/issue/{ref}", Issue, idempotent=True, query=query
            )
        except Failed as failure:
            if failure.status == GONE:
                return None
            raise
        return issue.ticket() if label in issue.fields.labels else None

    async def _find(self, label: str) -> Ticket | None:
        named = f'labels = "{label}"'
        jql = f'project = "{self._config.project}" AND {named} ORDER BY key'
        asked = {
            "jql": jql, "fields": ["status", "labels"], "properties": [PROPERTY], "maxResults": 1,
        }  # fmt: skip
        answer = await self._calls.ask("POST", "/search/jql", Found, asked, idempotent=True)
        return answer.issues[0].ticket() if answer.issues else None

    async def open(self, message: Message) -> Ticket:
        label = self._label(message.incident)
        return await self._open(message, label, title(message), described(message))

    async def open_item(self, message: Message, item: Item, ticket: Ticket) -> Ticket:
        incident = message.incident
        text = described_item(message, item, ticket.ref)
        return await self._open(
            message, self._label(incident, item), item_title(incident, item), text
        )

    async def _open(
        self, message: Message, label: str, summary: str, text: dict[str, Any]
    ) -> Ticket:
        labels = [label, *self._config.labels, *["drill"] * message.incident.drill]
        issue = {
            "fields": {
                "project": {"key": self._config.project},
                "issuetype": {"name": self._config.issue_type},
                "summary": summary,
                "description": text,
                "labels": labels,
            },
            "properties": [_property(message)],
        }
        made = await self._calls.ask("POST", "/issue", Created, issue, idempotent=False)
        return Ticket(made.key, is_open=True, seen_entry=newest(message))

    async def newest(self, ticket: Ticket, since: float) -> int:
        query = {"orderBy": "-created", "maxResults": str(COMMENTS), "expand": "properties"}
        path = f"/issue/{ticket.ref}/comment"
        answer = await self._calls.ask("GET", path, Comments, idempotent=True, query=query)
        return max((comment.seen_entry() for comment in answer.comments), default=0)

    async def comment(self, ticket: Ticket, message: Message, seen_entry: int) -> None:
        body = {"body": commented(message, seen_entry), "properties": [_property(message)]}
        path = f"/issue/{ticket.ref}/comment"
        await self._calls.ask("POST", path, dict[str, Any], body, idempotent=False)

    async def close(self, ticket: Ticket, incident: Incident) -> None:
        await self._move(ticket, done=True)

    async def reopen(self, ticket: Ticket) -> None:
        await self._move(ticket, done=False)

    async def close_item(self, ticket: Ticket) -> None:
        await self._move(ticket, done=True)

    async def _move(self, ticket: Ticket, *, done: bool) -> None:
        """Use the first transition to a done status, or to an open status."""
        path = f"/issue/{ticket.ref}/transitions"
        answer = await self._calls.ask("GET", path, Transitions, idempotent=True)
        for transition in answer.transitions:
            if (transition.to.category.key == DONE) == done:
                body = msgspec.json.encode({"transition": {"id": transition.id}})
                # A repeated transition is rejected, or doesn't change the status.
                await self._calls.call("POST", path, idempotent=True, body=body)
                return
        where = "a done status" if done else "an open status"
        raise Failed(
            Rejected(f"the workflow has no transition from {ticket.ref}'s status to {where}")
        )

    def _label(self, incident: Incident, item: Item | None = None) -> str:
        label = f"{incident.name.lower()}-{origin(self._name, incident)}"
        return f"{label}-item-{item.number}" if item else label


class JiraSender:
    """One issue per incident, and per action item. `ref` has their keys."""

    def __init__(self, name: str, config: JiraConfig, session: aiohttp.ClientSession) -> None:
        self._name = name
        self._config = config
        self._url = f"{config.api_url.rstrip('/')}/rest/api/3"
        self._hide = config.token.reveal()
        basic = aiohttp.encode_basic_auth(config.email, self._hide)
        self._headers = JSON | {"Accept": "application/json", "Authorization": basic}
        self._session = session

    async def send(self, message: Message) -> Result:
        issues = Issues(self._calls(message.at), self._config, self._name)
        return await keep(issues, message, issues if self._config.items else None)

    async def compare(self, shown: Sequence[Shown], now: float) -> Sequence[Mismatch]:
        """Compare the issues, as a `router.ports.reconcile.Comparer`."""
        return await compare_tickets(
            lambda: Issues(self._calls(now), self._config, self._name), shown
        )

    async def verify(self) -> str | Result:
        """Look up the project."""
        url = f"{self._url}/project/{self._config.project}"
        result, project = await fetch(self._session, url, self._headers, self._config.timeout)
        if not isinstance(result, Sent):
            return result
        types = [kind.get("name") for kind in project.get("issueTypes") or ()]
        if types and self._config.issue_type not in types:
            return Rejected(f"the project has no issue type '{self._config.issue_type}'")
        return f"token accepted for the project '{named(project.get('name'))}'"

    async def close(self) -> None:
        """Nothing to close: the session belongs to the caller."""

    def _calls(self, now: float) -> Calls:
        names = ("errorMessages", "errors", "message")
        judge = refusals(*names, hide=self._hide, now=now)
        seconds = self._config.timeout
        return Calls(self._session, self._url, self._headers, seconds=seconds, judge=judge)


def build(name: str, config: JiraConfig, session: aiohttp.ClientSession) -> JiraSender:
    return JiraSender(name, config, session)


def _property(message: Message) -> dict[str, Any]:
    return {"key": PROPERTY, "value": {"told": newest(message)}}
