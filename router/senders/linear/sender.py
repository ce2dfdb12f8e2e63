"""Type `linear`: an issue in a Linear team for each incident, commented, and moved to its status.

In Linear, the client chooses the ids of new issues and comments. The router derives them from the
incident and the message, so a retry finds what an earlier attempt created.

https://linear.app/developers/graphql (issueCreate, commentCreate, issueUpdate)
"""

import re
from collections.abc import Sequence
from hashlib import sha256
from typing import TypeVar
from uuid import UUID

import aiohttp

from router.config.channel_options import Capabilities, ChannelOptions
from router.config.fields import Duration, HttpUrl
from router.config.secret import Secret
from router.model.incident import Incident, Severity, Status
from router.model.notification import Message, Rejected, Result
from router.model.postmortem import Item
from router.ports.reconcile import CompareFailed, Mismatch, Shown
from router.senders.calls import Failed
from router.senders.identity import origin
from router.senders.linear.graphql import GraphQl
from router.senders.linear.wire import (
    COMMENT,
    COMPARE,
    FIND,
    MOVE,
    OPEN,
    STATES,
    Done,
    Found,
    Issue,
    Opened,
    TeamStates,
)
from router.senders.tickets.compare import compared
from router.senders.tickets.keep import keep
from router.senders.tickets.text import (
    commented,
    described,
    described_item,
    item_title,
    newest,
    title,
)
from router.senders.tickets.tracker import Ticket
from router.senders.verify import named

T = TypeVar("T")

THROUGH = re.compile(r"`Timeline: ([0-9]{1,18})`\s*\Z")
"""At the end of a description: the newest timeline entry in it."""

COMPARED = 100
"""Maximum issues in one comparison query, so that the answer has only one page."""

MAX_ENTRIES = 100
"""Maximum timeline entries, the newest, for which to look up an earlier attempt's comment."""

PRIORITIES = {Severity.P0: 1, Severity.P1: 2, Severity.P2: 3, Severity.P3: 4}
"""Linear's priorities: urgent, high, medium, low."""

OPENS = ("unstarted", "backlog", "started", "triage")
"""Types of states, the best for a reopened issue first."""


class LinearConfig(ChannelOptions, frozen=True, kw_only=True):
    """Issues of one team.

    token: an API key that may create issues and comments in the team.
    team: the team's id, a UUID.
    labels: ids of labels, set on each issue.
    items: also open an issue for each action item.
    api_url: a proxy or a test server.
    """

    token: Secret
    team: str
    labels: tuple[str, ...] = ()
    items: bool = False
    api_url: HttpUrl = HttpUrl("https://api.linear.app")
    concurrency: int = 1
    timeout: Duration = Duration(20.0)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(action_items=self.items, bundles=False, compares=True)

    def __post_init__(self) -> None:
        for name, given in (("team", self.team), *(("labels", label) for label in self.labels)):
            try:
                UUID(given)
            except ValueError:
                raise ValueError(f"`{name}`: expected an id such as {UUID(int=0)}") from None


class Issues:
    """The calls of one attempt, as both trackers of `router.senders.tickets`."""

    def __init__(self, api: GraphQl, config: LinearConfig, name: str, message: Message) -> None:
        self._api = api
        self._config = config
        self._origin = origin(name, message.incident)
        self._id = _uuid(self._origin)
        self._items: dict[str, str] = {}
        # A comment's id is derived from its newest entry, so earlier attempts' comments are found.
        entries = [entry.id for entry in message.timeline[-MAX_ENTRIES:]]
        self._comments = {_uuid(f"{self._origin} {entry}"): entry for entry in entries}
        self._commented = 0

    async def known(self, ref: str, incident: Incident) -> Ticket | None:
        """None, because `find` needs no search."""
        return None

    async def find(self, incident: Incident) -> Ticket | None:
        asked = {"id": self._id, "comments": list(self._comments)}
        answer = await self._api.ask(FIND, asked, Found)
        for issue in answer.issues.nodes:
            made = [self._comments[node.id] for node in issue.comments.nodes]
            self._commented = max(made, default=0)
            mark = THROUGH.search(issue.description or "")
            return issue.ticket(int(mark[1]) if mark else 0)
        return None

    async def open(self, message: Message) -> Ticket:
        through = newest(message)
        text = f"{described(message)}\n`Timeline: {through}`"
        return (await self._open(message, self._id, title(message), text)).ticket(through)

    async def _open(self, message: Message, id_: str, head: str, text: str) -> Issue:
        fields = {
            "id": id_,
            "teamId": self._config.team,
            "title": head,
            "description": text,
            "priority": PRIORITIES[message.incident.severity],
            "labelIds": self._config.labels,
        }
        return (await self._api.ask(OPEN, {"input": fields}, Opened)).created.issue

    async def newest(self, ticket: Ticket, since: float) -> int:
        return self._commented

    async def comment(self, ticket: Ticket, message: Message, seen_entry: int) -> None:
        id_ = _uuid(f"{self._origin} {newest(message)}")
        fields = {"id": id_, "issueId": self._id, "body": commented(message, seen_entry)}
        await self._api.ask(COMMENT, {"input": fields}, Done)

    async def close(self, ticket: Ticket, incident: Incident) -> None:
        is_false = incident.status is Status.FALSE_POSITIVE
        await self._move(self._id, "canceled" if is_false else "completed")

    async def reopen(self, ticket: Ticket) -> None:
        await self._move(self._id, *OPENS)

    # --- action items

    async def known_item(self, ref: str, incident: Incident, item: Item) -> Ticket | None:
        """None, because `find_item` needs no search."""
        return None

    async def find_item(self, incident: Incident, item: Item) -> Ticket | None:
        asked = {"id": self._id_of(item), "comments": []}
        answer = await self._api.ask(FIND, asked, Found)
        for issue in answer.issues.nodes:
            self._items[issue.identifier] = self._id_of(item)
            return issue.ticket()
        return None

    async def open_item(self, message: Message, item: Item, ticket: Ticket) -> Ticket:
        text = described_item(message, item, ticket.ref)
        head = item_title(message.incident, item)
        return (await self._open(message, self._id_of(item), head, text)).ticket()

    async def close_item(self, ticket: Ticket) -> None:
        await self._move(self._items[ticket.ref], "completed")

    def _id_of(self, item: Item) -> str:
        return _uuid(f"{self._origin} item {item.number}")

    async def _move(self, id_: str, *types: str) -> None:
        """Move the issue to the team's first state of these types, tried in order."""
        asked = {"team": self._config.team}
        team = (await self._api.ask(STATES, asked, TeamStates)).team
        for type_ in types:
            states = [node for node in team.states.nodes if node.type == type_]
            if states:
                state = min(states, key=lambda candidate: candidate.position).id
                change = {"id": id_, "state": state}
                await self._api.ask(MOVE, change, Done)
                return
        raise Failed(Rejected(f"the team has no state of the type {types[0]}"))


class LinearSender:
    """One issue per incident, and per action item. `ref` has their identifiers, such as OPS-12."""

    def __init__(self, name: str, config: LinearConfig, session: aiohttp.ClientSession) -> None:
        self._name = name
        self._config = config
        self._session = session

    async def send(self, message: Message) -> Result:
        issues = Issues(self._api(message.at), self._config, self._name, message)
        return await keep(issues, message, issues if self._config.items else None)

    async def compare(self, shown: Sequence[Shown], now: float) -> Sequence[Mismatch]:
        """Compare the issues, a hundred at a time. Raises: CompareFailed."""
        ids = [_uuid(origin(self._name, one.incident)) for one in shown]
        tickets: dict[str, Ticket] = {}
        try:
            for start in range(0, len(ids), COMPARED):
                asked = {"ids": ids[start : start + COMPARED]}
                answer = await self._api(now).ask(COMPARE, asked, Found)
                tickets |= {one.id: one.ticket() for one in answer.issues.nodes}
        except Failed as failure:
            raise CompareFailed(getattr(failure.result, "reason", "no answer")) from None
        pairs = zip(shown, ids, strict=True)
        found = (compared(one, tickets.get(id_)) for one, id_ in pairs)
        return [one for one in found if one]

    async def verify(self) -> str | Result:
        """Look up the team."""
        try:
            answer = await self._api(0.0).ask(STATES, {"team": self._config.team}, TeamStates)
        except Failed as failure:
            return failure.result
        return f"key accepted for the team '{named(answer.team.name)}'"

    async def close(self) -> None:
        """Nothing to close: the session belongs to the caller."""

    def _api(self, now: float) -> GraphQl:
        config = self._config
        return GraphQl(self._session, config.api_url, config.token, seconds=config.timeout, now=now)


def build(name: str, config: LinearConfig, session: aiohttp.ClientSession) -> LinearSender:
    return LinearSender(name, config, session)


def _uuid(text: str) -> str:
    """A UUID derived from the text, with the form of a UUID 4, which Linear requires."""
    return str(UUID(bytes=sha256(text.encode()).digest()[:16], version=4))
