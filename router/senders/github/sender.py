"""Type `github`: an issue for each incident, commented, closed and reopened with it.

GitHub supports no idempotency key, so the router writes invisible marks into its texts, and looks
for them before it writes again. The mark of an issue names its incident, and the mark of an issue
or comment the newest timeline entry in it. Before opening an issue, the router lists the issues
opened since the incident. (GitHub's search lags behind. Labels don't work as marks, because GitHub
silently drops them if the token may not set them.) Before commenting, it lists the comments since
the entry. A duplicate is possible only if a slow request takes effect after the router has looked
for its mark. Such a message is `Uncertain`, and recorded as possibly doubled.
"""

import re
from collections.abc import Mapping, Sequence

import aiohttp

from router.config.channel_options import Capabilities, ChannelOptions
from router.config.fields import Duration, HttpUrl, Rate
from router.config.secret import Secret
from router.model.incident import Incident, Status
from router.model.notification import Message, Result
from router.model.postmortem import Item
from router.ports.reconcile import Mismatch, Shown
from router.senders.github.api import PAGES, PER_PAGE, SKEW, Api, Comment, Issue
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
from router.senders.verify import verify_github

REPOSITORY = re.compile(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+")
REF = re.compile(r"[1-9][0-9]{0,17}")
"""An issue's number. It doesn't match a `ref` from when the channel had another type."""

DRILL = "drill"
"""The label of drill issues."""


class GitHubConfig(ChannelOptions, frozen=True, kw_only=True):
    """Issues of one repository.

    token: may read and write the repository's issues.
    repository: as `owner/name`.
    labels: set on each issue.
    assignees: user names that each issue is assigned to.
    items: also open an issue for each action item.
    api_url: of GitHub Enterprise (`https://HOST/api/v3`), a proxy or a test server.
    """

    token: Secret
    repository: str
    labels: tuple[str, ...] = ()
    assignees: tuple[str, ...] = ()
    items: bool = False
    api_url: HttpUrl = HttpUrl("https://api.github.com")
    rate: Rate | None = Rate(1, 1.0)
    concurrency: int = 1
    timeout: Duration = Duration(20.0)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(action_items=self.items, bundles=False, compares=True)

    def __post_init__(self) -> None:
        if not REPOSITORY.fullmatch(self.repository):
            raise ValueError("`repository` must be `owner/name`")


class Issues:
    """The issues of one attempt, as both trackers of `router.senders.tickets`."""

    def __init__(self, api: Api, lists: Mapping[str, object]) -> None:
        self._api = api
        self._lists = lists
        self._recent: Sequence[Issue] | None = None

    async def known(self, ref: str, incident: Incident) -> Ticket | None:
        issue = await self._api.issue(ref) if REF.fullmatch(ref) else None
        # Check the mark: if the channel's repository was changed, this number is another issue.
        return _ticket(issue) if issue and is_marked(issue.body, incident) else None

    async def find(self, incident: Incident) -> Ticket | None:
        """Find it by its mark."""
        issues = await self._api.issues(incident.opened_at)
        found = [issue for issue in issues if is_marked(issue.body, incident)]
        return _ticket(min(found, key=lambda issue: issue.number)) if found else None

    async def open(self, message: Message) -> Ticket:
        said = {"title": title(message), "body": body(message), **self._lists}
        return _ticket(await self._api.open(said))

    async def newest(self, ticket: Ticket, since: float) -> int:
        latest = 0
        for page in range(1, PAGES + 1):
            comments = await self._api.get(
                f"/issues/{ticket.ref}/comments",
                list[Comment],
                since=timestamp(since - SKEW),
                per_page=str(PER_PAGE),
                page=str(page),
            )
            # Anybody can write a mark into a comment, so only those of the issue's author count.
            ours = [
                comment for comment in comments if comment.user and comment.user.id == ticket.author
            ]
            latest = max([latest, *(seen_entry_in(comment.body) for comment in ours)])
            if len(comments) < PER_PAGE:
                break
        return latest

    async def comment(self, ticket: Ticket, message: Message, seen_entry: int) -> None:
        said = {"body": comment(message, seen_entry)}
        await self._api.post(f"/issues/{ticket.ref}/comments", said)

    async def close(self, ticket: Ticket, incident: Incident) -> None:
        reason = "not_planned" if incident.status is Status.FALSE_POSITIVE else "completed"
        change = {"state": "closed", "state_reason": reason}
        await self._api.patch(f"/issues/{ticket.ref}", change)

    async def reopen(self, ticket: Ticket) -> None:
        await self._api.patch(f"/issues/{ticket.ref}", {"state": "open"})

    # --- action items

    async def known_item(self, ref: str, incident: Incident, item: Item) -> Ticket | None:
        issue = await self._api.issue(ref) if REF.fullmatch(ref) else None
        return _ticket(issue) if issue and is_of_item(issue.body, incident, item) else None

    async def find_item(self, incident: Incident, item: Item) -> Ticket | None:
        if self._recent is None:
            self._recent = await self._api.issues(min(one.added_at for one in incident.items))
        found = [one for one in self._recent if is_of_item(one.body, incident, item)]
        return _ticket(min(found, key=lambda one: one.number)) if found else None

    async def open_item(self, message: Message, item: Item, ticket: Ticket) -> Ticket:
        said = {
            "title": item_title(message.incident, item),
            "body": item_body(message, item, f"#{ticket.ref}"),
        }
        return _ticket(await self._api.open({**said, **self._lists}))

    async def close_item(self, ticket: Ticket) -> None:
        change = {"state": "closed", "state_reason": "completed"}
        await self._api.patch(f"/issues/{ticket.ref}", change)


def _ticket(issue: Issue) -> Ticket:
    author = issue.user.id if issue.user else 0
    return Ticket(str(issue.number), issue.state == "open", seen_entry_in(issue.body), author)


class GitHubSender:
    """One issue per incident, and one per action item.

    `ref` has their numbers, like `12 1:15 2:16`.
    """

    def __init__(self, config: GitHubConfig, session: aiohttp.ClientSession) -> None:
        self._config = config
        self._url = f"{config.api_url.rstrip('/')}/repos/{config.repository}"
        self._session = session

    async def send(self, message: Message) -> Result:
        issues = Issues(self._api(message.at), self._lists(message))
        return await keep(issues, message, issues if self._config.items else None)

    async def compare(self, shown: Sequence[Shown], now: float) -> Sequence[Mismatch]:
        """Compare the issues, as a `router.ports.reconcile.Comparer`."""
        return await compare_tickets(lambda: Issues(self._api(now), {}), shown)

    async def verify(self) -> str | Result:
        token, seconds = self._config.token, self._config.timeout
        return await verify_github(self._session, self._url, token, seconds)

    async def close(self) -> None:
        """Nothing to close: the session belongs to the caller."""

    def _api(self, now: float) -> Api:
        config = self._config
        return Api(self._session, self._url, config.token, seconds=config.timeout, now=now)

    def _lists(self, message: Message) -> dict[str, object]:
        labels = (*self._config.labels, DRILL) if message.incident.drill else self._config.labels
        return {"labels": labels, "assignees": self._config.assignees}


def build(_name: str, config: GitHubConfig, session: aiohttp.ClientSession) -> GitHubSender:
    return GitHubSender(config, session)
