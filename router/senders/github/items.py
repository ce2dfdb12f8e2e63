"""An issue for each action item of an incident: opened with it, and closed when it's done.

As for the incident's issue, the router searches for the mark in its text before it opens one,
unless `ref` has its number. An issue that people closed isn't reopened.
"""

import re
from collections.abc import Mapping

from router.model.notification import Message
from router.model.postmortem import Item
from router.senders.github.api import Api, Issue
from router.senders.tickets.text import item_body, item_mark, item_title

KNOWN = re.compile(r" ([0-9]{1,6}):([1-9][0-9]{0,17})")
"""In a `ref`: the number of an item, and of its issue."""


async def track(api: Api, ticket: int, message: Message, lists: Mapping[str, object]) -> str:
    """Bring all items' issues up to date. Returns their part of `ref`. Raises: Failed.

    `ticket` is the number of the incident's issue.
    """
    numbers = dict(KNOWN.findall(message.ref))
    recent: list[Issue] | None = None
    kept = ""
    for item in message.incident.items:
        mark = item_mark(message.incident, item)
        number = numbers.get(str(item.number))
        issue = await api.issue(number) if number else None
        if issue is None or not _has(issue, mark):
            if recent is None:
                recent = await api.issues(min(item.added_at for item in message.incident.items))
            found = [issue for issue in recent if _has(issue, mark)]
            issue = min(found, key=lambda match: match.number, default=None)
        if issue is None and item.is_open:
            content = {
                "title": item_title(message.incident, item),
                "body": item_body(message, item, ticket),
            }
            issue = await api.open({**content, **lists})
        if issue is not None:
            await _agree(api, issue, item)
            kept += f" {item.number}:{issue.number}"
    return kept


async def _agree(api: Api, issue: Issue, item: Item) -> None:
    if not item.is_open and issue.state == "open":
        await api.patch(f"/issues/{issue.number}", {"state": "closed", "state_reason": "completed"})


def _has(issue: Issue, mark: str) -> bool:
    return mark in (issue.body or "").splitlines()
