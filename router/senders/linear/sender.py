"""Type `linear`: an issue of a Linear team for each incident, commented, and moved with it.

Linear takes the ids of new issues and comments from the client. The router derives them from the
incident and the message, so a repetition finds what an earlier attempt made.

https://linear.app/developers/graphql (issueCreate, commentCreate, issueUpdate)
"""

import re
from hashlib import sha256
from typing import TypeVar
from uuid import UUID

import aiohttp

from router.config.channel_options import ChannelOptions
from router.config.fields import Duration, HttpUrl
from router.config.secret import Secret
from router.model.incident import Incident, Severity, Status
from router.model.notification import Message, Rejected, Result
from router.senders.calls import Failed
from router.senders.identity import origin
from router.senders.linear.graphql import GraphQl
from router.senders.linear.wire import (
    COMMENT,
    FIND,
    MOVE,
    OPEN,
    STATES,
    Done,
    Found,
    Opened,
    TeamStates,
)
from router.senders.tickets.keep import Ticket, keep
from router.senders.tickets.text import commented, described, newest, title
from router.senders.verify import named

T = TypeVar("T")

THROUGH = re.compile(r"`Timeline: ([0-9]{1,18})`\s*\Z")
"""At the end of a description: the newest timeline entry in it."""

MAX_ENTRIES = 100
"""The number of newest timeline entries for which an earlier attempt's comment is looked up."""

PRIORITIES = {Severity.P0: 1, Severity.P1: 2, Severity.P2: 3, Severity.P3: 4}
"""Linear's priorities: urgent, high, medium, low."""

ENDED = frozenset({"completed", "canceled"})
OPENS = ("unstarted", "backlog", "started", "triage")
"""Types of states, the best for a reopened issue first."""


class LinearConfig(ChannelOptions, frozen=True, kw_only=True):
    """Issues of one team.

    token: an API key that may create issues and comments in the team.
    team: the team's id, a UUID.
    labels: ids of labels, set on each issue.
    api_url: a proxy or a test server.
    """

    token: Secret
    team: str
    labels: tuple[str, ...] = ()
    api_url: HttpUrl = HttpUrl("https://api.linear.app")
    concurrency: int = 1
    timeout: Duration = Duration(20.0)

    def __post_init__(self) -> None:
        for name, given in (("team", self.team), *(("labels", label) for label in self.labels)):
            try:
                UUID(given)
            except ValueError:
                raise ValueError(f"`{name}`: expected an id such as {UUID(int=0)}") from None


class Issues:
    """The calls of one attempt, as a `router.senders.tickets.keep.Tracker`."""

    def __init__(self, api: GraphQl, config: LinearConfig, name: str, message: Message) -> None:
        self._api = api
        self._config = config
        self._origin = origin(name, message.incident)
        self._id = _uuid(self._origin)
        # A comment's id is that of its newest entry, so any earlier attempt's comment is found.
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
            is_open = issue.state.type not in ENDED
            return Ticket(issue.identifier, is_open, int(mark[1]) if mark else 0)
        return None

    async def open(self, message: Message) -> Ticket:
        through = newest(message)
        fields = {
            "id": self._id,
            "teamId": self._config.team,
            "title": title(message),
            "description": f"{described(message)}\n`Timeline: {through}`",
            "priority": PRIORITIES[message.incident.severity],
            "labelIds": self._config.labels,
        }
        made = (await self._api.ask(OPEN, {"input": fields}, Opened)).created.issue
        return Ticket(made.identifier, made.state.type not in ENDED, through)

    async def newest(self, ticket: Ticket, since: float) -> int:
        return self._commented

    async def comment(self, ticket: Ticket, message: Message, seen_entry: int) -> None:
        id_ = _uuid(f"{self._origin} {newest(message)}")
        fields = {"id": id_, "issueId": self._id, "body": commented(message, seen_entry)}
        await self._api.ask(COMMENT, {"input": fields}, Done)

    async def close(self, ticket: Ticket, incident: Incident) -> None:
        is_false = incident.status is Status.FALSE_POSITIVE
        await self._move("canceled" if is_false else "completed")

    async def reopen(self, ticket: Ticket) -> None:
        await self._move(*OPENS)

    async def _move(self, *types: str) -> None:
        """Set the team's first state of the first of these types."""
        asked = {"team": self._config.team}
        team = (await self._api.ask(STATES, asked, TeamStates)).team
        for type_ in types:
            states = [node for node in team.states.nodes if node.type == type_]
            if states:
                state = min(states, key=lambda candidate: candidate.position).id
                change = {"id": self._id, "state": state}
                await self._api.ask(MOVE, change, Done)
                return
        raise Failed(Rejected(f"the team has no state of the type {types[0]}"))


class LinearSender:
    """One issue per incident. `ref` is its identifier, such as OPS-12."""

    def __init__(self, name: str, config: LinearConfig, session: aiohttp.ClientSession) -> None:
        self._name = name
        self._config = config
        self._session = session

    async def send(self, message: Message) -> Result:
        return await keep(Issues(self._api(message.at), self._config, self._name, message), message)

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
    """An id in the form of UUID 4, which Linear asks for, the same for the same text."""
    return str(UUID(bytes=sha256(text.encode()).digest()[:16], version=4))
