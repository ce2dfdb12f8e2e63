"""Type `github`: an issue for each incident, commented, closed and reopened with it.

GitHub takes no idempotency key, so the router writes marks into its texts and searches for them
before it writes again. An issue names its incident; an issue and each comment name the newest
timeline entry in them. Before opening an issue, the router lists those opened since the incident.
(The search lags behind. Labels don't work as marks, because GitHub silently drops them for a token
that may not set them.) Before a comment, it lists the comments since the entry. The comment comes
first, then the state. So an attempt may stop anywhere, and the next one continues. A duplicate is
possible only if a slow request is overtaken by the search for its mark; such a message is
`Uncertain`, and recorded as possibly doubled.
"""

import re

import aiohttp

from router.config.channel_options import Capabilities, ChannelOptions
from router.config.fields import Duration, HttpUrl, Rate
from router.config.secret import Secret
from router.model.incident import Incident, Status
from router.model.notification import Message, Result, Sent
from router.senders.calls import Failed
from router.senders.github.api import PAGES, PER_PAGE, SKEW, Api, Comment, Issue, written
from router.senders.github.items import track
from router.senders.github.text import body, comment, is_marked, title, told_in
from router.senders.verify import verify_github

REPOSITORY = re.compile(r"[A-Za-z0-9-]+/[A-Za-z0-9._-]+")
REF = re.compile(r"[1-9][0-9]{0,17}")
"""An issue's number. The `ref` of a channel that previously had another type doesn't match."""

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
        return Capabilities(action_items=self.items)

    def __post_init__(self) -> None:
        if not REPOSITORY.fullmatch(self.repository):
            raise ValueError("`repository` must be `owner/name`")


class GitHubSender:
    """One issue per incident, and one per action item.

    `ref` has their numbers, like `12 1:15 2:16`.
    """

    def __init__(self, config: GitHubConfig, session: aiohttp.ClientSession) -> None:
        self._config = config
        self._url = f"{config.api_url.rstrip('/')}/repos/{config.repository}"
        self._session = session

    async def send(self, message: Message) -> Result:
        config = self._config
        api = Api(self._session, self._url, config.token, seconds=config.timeout, now=message.at)
        try:
            issue = await known(api, message) or await marked(api, message.incident)
            if issue is None:
                issue = await api.open(
                    {"title": title(message), "body": body(message), **self._lists(message)}
                )
            else:
                await add_comment(api, issue, message)
            await agree(api, issue, message.incident)
            kept = await track(api, issue, message, self._lists(message)) if config.items else ""
        except Failed as failure:
            return failure.result
        return Sent(f"{issue.number}{kept}")

    async def verify(self) -> str | Result:
        token, seconds = self._config.token, self._config.timeout
        return await verify_github(self._session, self._url, token, seconds)

    async def close(self) -> None:
        """Nothing to close: the session belongs to the caller."""

    def _lists(self, message: Message) -> dict[str, object]:
        labels = (*self._config.labels, DRILL) if message.incident.drill else self._config.labels
        return {"labels": labels, "assignees": self._config.assignees}


def build(_name: str, config: GitHubConfig, session: aiohttp.ClientSession) -> GitHubSender:
    return GitHubSender(config, session)


async def known(api: Api, message: Message) -> Issue | None:
    """The issue whose number is in `ref`, if it still exists and is this incident's.

    Raises: Failed.
    """
    number = message.ref.partition(" ")[0]
    issue = await api.issue(number) if REF.fullmatch(number) else None
    # The channel's repository may have changed, and the number may belong to another issue there.
    return issue if issue and is_marked(issue.body, message.incident) else None


async def marked(api: Api, incident: Incident) -> Issue | None:
    """Find the incident's issue by its mark when the number is lost; the oldest of several.

    Raises: Failed.
    """
    found = [
        issue for issue in await api.issues(incident.opened_at) if is_marked(issue.body, incident)
    ]
    return min(found, key=lambda issue: issue.number, default=None)


async def add_comment(api: Api, issue: Issue, message: Message) -> None:
    """Comment the entries that the issue doesn't have. Raises: Failed."""
    told = max(message.told, told_in(issue.body))
    if comment(message, told) is None:
        return
    told = max(told, await newest_commented(api, issue, message, told))
    if text := comment(message, told):
        await api.post(f"/issues/{issue.number}/comments", {"body": text})


async def newest_commented(api: Api, issue: Issue, message: Message, told: int) -> int:
    """The newest timeline entry in the router's comments; 0 for none. Raises: Failed."""
    since = written(min(entry.at for entry in message.timeline if entry.id > told) - SKEW)
    latest = 0
    for page in range(1, PAGES + 1):
        comments = await api.get(
            f"/issues/{issue.number}/comments",
            list[Comment],
            since=since,
            per_page=str(PER_PAGE),
            page=str(page),
        )
        # Anybody can write a mark into a comment. Only the issue's author is the router.
        latest = max([latest, *(told_in(one.body) for one in comments if one.user == issue.user)])
        if len(comments) < PER_PAGE:
            break
    return latest


async def agree(api: Api, issue: Issue, incident: Incident) -> None:
    """Close or reopen the issue to match the incident. Raises: Failed."""
    if incident.is_open and issue.state != "open":
        await api.patch(f"/issues/{issue.number}", {"state": "open"})
    elif not incident.is_open and issue.state == "open":
        reason = "not_planned" if incident.status is Status.FALSE_POSITIVE else "completed"
        await api.patch(f"/issues/{issue.number}", {"state": "closed", "state_reason": reason})
