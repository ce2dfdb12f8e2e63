"""Parts of Jira's answers.

https://developer.atlassian.com/cloud/jira/platform/rest/v3/
"""

from typing import Any

import msgspec

from router.senders.tickets.tracker import Ticket

PROPERTY = "alert-router"
"""The property of issues and comments with the id of the newest timeline entry in them."""

DONE = "done"
"""The category of statuses that end an issue."""


class Category(msgspec.Struct, frozen=True):
    key: str


class Status(msgspec.Struct, frozen=True):
    category: Category = msgspec.field(name="statusCategory")


class Fields(msgspec.Struct, frozen=True):
    status: Status
    labels: list[str] = []


class Property(msgspec.Struct, frozen=True):
    seen_entry: int = msgspec.field(name="told", default=0)


class Properties(msgspec.Struct, frozen=True):
    ours: Property = msgspec.field(name=PROPERTY, default=Property())


class Issue(msgspec.Struct, frozen=True):
    key: str
    fields: Fields
    properties: Properties = Properties()

    def ticket(self) -> Ticket:
        is_open = self.fields.status.category.key != DONE
        return Ticket(self.key, is_open, self.properties.ours.seen_entry)


class Found(msgspec.Struct, frozen=True):
    issues: list[Issue]


class Created(msgspec.Struct, frozen=True):
    key: str


class Named(msgspec.Struct, frozen=True):
    key: str
    value: Any = None


class Comment(msgspec.Struct, frozen=True):
    properties: list[Named] = []

    def seen_entry(self) -> int:
        values = [named.value for named in self.properties if named.key == PROPERTY]
        return max(
            (value["told"] for value in values if isinstance(value, dict) and "told" in value),
            default=0,
        )


class Comments(msgspec.Struct, frozen=True):
    comments: list[Comment]


class Transition(msgspec.Struct, frozen=True):
    id: str
    to: Status


class Transitions(msgspec.Struct, frozen=True):
    transitions: list[Transition]
