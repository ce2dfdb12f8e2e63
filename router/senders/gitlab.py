"""Type `gitlab`: an issue for each incident, commented, closed and reopened with it.

GitLab supports no idempotency key, so the router marks its texts as it does at GitHub, and looks
for the marks in the issues and comments that it has created.

https://docs.gitlab.com/api/issues/, https://docs.gitlab.com/api/notes/ and
https://docs.gitlab.com/security/rate_limits/ (429 with Retry-After).
"""

import re
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec

from router.config.channel_options import Capabilities, ChannelOptions
from router.config.fields import Duration, HttpUrl, Rate
from router.config.secret import Secret
from router.model.incident import Incident
from router.model.notification import Message, Result, Sent
from router.model.postmortem import Item
from router.ports.reconcile import Mismatch, Shown
from router.senders.calls import JSON, Calls, Failed, refusals
from router.senders.tickets.compare import compare_tickets
from router.senders.tickets.keep import keep
from router.senders.tickets.text import (
    body,
    comment,
    is_marked,
    is_of_item,
    item_body,
    item_title,
    seen_entry_in,
    timestamp,
    title,
)
from router.senders.tickets.tracker import Ticket
from router.senders.verify import fetch, named

PROJECT = re.compile(r"[1-9][0-9]{0,15}|[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+")
REF = re.compile(r"[1-9][0-9]{0,17}")
GONE = 404
SKEW = 300.0
"""Seconds that GitLab's clock may be behind the router's."""

PER_PAGE = 100
PAGES = 5
"""Maximum pages searched for a mark. Beyond them, a duplicate is accepted."""


class GitLabConfig(ChannelOptions, frozen=True, kw_only=True):
    """Issues of one project.

    token: a project access token with the role Reporter and the scope `api`.
    project: its number, or `group/project`.
    labels: set on each issue.
    confidential: only members of the project see the issues.
    items: also open an issue for each action item.
    api_url: of your own GitLab (`https://HOST/api/v4`), a proxy or a test server.
    """

    token: Secret
    project: str
    labels: tuple[str, ...] = ()
    confidential: bool = False
    items: bool = False
    api_url: HttpUrl = HttpUrl("https://gitlab.com/api/v4")
    rate: Rate | None = Rate(1, 1.0)
    concurrency: int = 1
    timeout: Duration = Duration(20.0)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(action_items=self.items, bundles=False, compares=True)

    def __post_init__(self) -> None:
        if not PROJECT.fullmatch(self.project):
            raise ValueError("`project` must be a number or `group/project`")


class _User(msgspec.Struct, frozen=True):
    id: int


class _Issue(msgspec.Struct, frozen=True):
    iid: int
    state: str
    author: _User
    description: str | None = None

    def ticket(self) -> Ticket:
        seen_entry = seen_entry_in(self.description)
        return Ticket(str(self.iid), self.state == "opened", seen_entry, self.author.id)


class _Note(msgspec.Struct, frozen=True):
    author: _User
    body: str = ""


IsOurs = Callable[[str | None], bool]
"""Checks if an issue's text has the expected mark."""


class Issues:
    """The issues of one attempt, as both trackers of `router.senders.tickets`."""

    def __init__(self, calls: Calls, config: GitLabConfig) -> None:
        self._calls = calls
        self._config = config

    async def known(self, ref: str, incident: Incident) -> Ticket | None:
        return await self._known(ref, lambda text: is_marked(text, incident))

    async def find(self, incident: Incident) -> Ticket | None:
        return await self._find(incident.opened_at, lambda text: is_marked(text, incident))

    async def known_item(self, ref: str, incident: Incident, item: Item) -> Ticket | None:
        return await self._known(ref, lambda text: is_of_item(text, incident, item))

    async def find_item(self, incident: Incident, item: Item) -> Ticket | None:
        return await self._find(item.added_at, lambda text: is_of_item(text, incident, item))

    async def _known(self, ref: str, is_ours: IsOurs) -> Ticket | None:
        if not REF.fullmatch(ref):
            return None
        try:
            issue = await self._calls.ask("GET", f"/issues/{ref}", _Issue, idempotent=True)
        except Failed as failure:
            if failure.status == GONE:
                return None
            raise
        # Check the mark: if the channel's project was changed, this number is another issue.
        return issue.ticket() if is_ours(issue.description) else None

    async def _find(self, since: float, is_ours: IsOurs) -> Ticket | None:
        query = {
            "scope": "created_by_me",
            "created_after": timestamp(since - SKEW),
            "sort": "asc",
            "per_page": str(PER_PAGE),
        }
        for page in range(1, PAGES + 1):
            issues = await self._calls.ask(
                "GET", "/issues", list[_Issue], idempotent=True, query=query | {"page": str(page)}
            )
            for issue in issues:
                if is_ours(issue.description):
                    return issue.ticket()
            if len(issues) < PER_PAGE:
                break
        return None

    async def open(self, message: Message) -> Ticket:
        return await self._open(message.incident, title(message), body(message))

    async def open_item(self, message: Message, item: Item, ticket: Ticket) -> Ticket:
        said = item_body(message, item, f"#{ticket.ref}")
        return await self._open(message.incident, item_title(message.incident, item), said)

    async def _open(self, incident: Incident, head: str, text: str) -> Ticket:
        labels = [*self._config.labels, *["drill"] * incident.drill]
        issue = {
            "title": head,
            "description": text,
            "labels": ",".join(labels),
            "confidential": self._config.confidential,
        }
        made = await self._calls.ask("POST", "/issues", _Issue, issue, idempotent=False)
        return made.ticket()

    async def newest(self, ticket: Ticket, since: float) -> int:
        """Search the newest comments: GitLab can't list comments since a time."""
        query = {"sort": "desc", "order_by": "created_at", "per_page": str(PER_PAGE)}
        notes = await self._calls.ask(
            "GET", f"/issues/{ticket.ref}/notes", list[_Note], idempotent=True, query=query
        )
        # Anybody can write a mark into a comment, so only those of the issue's author count.
        return max(
            (seen_entry_in(note.body) for note in notes if note.author.id == ticket.author),
            default=0,
        )

    async def comment(self, ticket: Ticket, message: Message, seen_entry: int) -> None:
        note = {"body": comment(message, seen_entry)}
        path = f"/issues/{ticket.ref}/notes"
        await self._calls.ask("POST", path, dict[str, Any], note, idempotent=False)

    async def close(self, ticket: Ticket, incident: Incident) -> None:
        await self._turn(ticket, "close")

    async def close_item(self, ticket: Ticket) -> None:
        await self._turn(ticket, "close")

    async def reopen(self, ticket: Ticket) -> None:
        await self._turn(ticket, "reopen")

    async def _turn(self, ticket: Ticket, event: str) -> None:
        change = msgspec.json.encode({"state_event": event})
        await self._calls.call("PUT", f"/issues/{ticket.ref}", idempotent=True, body=change)


class GitLabSender:
    """One issue per incident, and per action item. `ref` has their numbers in the project."""

    def __init__(self, config: GitLabConfig, session: aiohttp.ClientSession) -> None:
        self._config = config
        self._url = f"{config.api_url.rstrip('/')}/projects/{quote(config.project, safe='')}"
        self._headers = JSON | {"PRIVATE-TOKEN": config.token.reveal()}
        self._session = session

    async def send(self, message: Message) -> Result:
        issues = Issues(self._calls(message.at), self._config)
        return await keep(issues, message, issues if self._config.items else None)

    async def compare(self, shown: Sequence[Shown], now: float) -> Sequence[Mismatch]:
        """Compare the issues, as a `router.ports.reconcile.Comparer`."""
        return await compare_tickets(lambda: Issues(self._calls(now), self._config), shown)

    async def verify(self) -> str | Result:
        """Look up the project: https://docs.gitlab.com/api/projects/#get-a-single-project."""
        result, project = await fetch(self._session, self._url, self._headers, self._config.timeout)
        if not isinstance(result, Sent):
            return result
        return f"token accepted for {named(project.get('path_with_namespace'))}"

    async def close(self) -> None:
        """Nothing to close: the session belongs to the caller."""

    def _calls(self, now: float) -> Calls:
        names = ("message", "error_description", "error")
        judge = refusals(*names, hide=self._config.token.reveal(), now=now)
        seconds = self._config.timeout
        return Calls(self._session, self._url, self._headers, seconds=seconds, judge=judge)


def build(_name: str, config: GitLabConfig, session: aiohttp.ClientSession) -> GitLabSender:
    return GitLabSender(config, session)
