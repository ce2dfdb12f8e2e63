"""The options of every channel, and what a channel can do, whichever service it uses."""

from typing import Literal

from msgspec import Struct

from router.config.fields import Duration, Rate


class Capabilities(Struct, frozen=True, kw_only=True):
    """What a configured channel can do. The defaults are those of a plain channel.

    answers: the source that receives the answers its messages ask for; "" if they ask for none.
    reaches: the field of a contact that it sends to; None if it doesn't reach single people.
    callback_url: the router's public address that it gives to its service; "" if none.
    to: the recipients in its config; None if its destination isn't a list of people.
    is_public: shows the public what is published, and receives nothing else.
    is_paging: is silent about an incident that somebody has acknowledged.
    edits: edits its message in place, so that it can receive every change without noise.
    charts: shows pictures.
    deployments: receives deployments.
    action_items: keeps a ticket for each action item.
    """

    answers: str = ""
    reaches: Literal["name", "phone", "email"] | None = None
    callback_url: str = ""
    to: tuple[str, ...] | None = None
    is_public: bool = False
    is_paging: bool = False
    edits: bool = False
    charts: bool = False
    deployments: bool = False
    action_items: bool = False

    @property
    def has_destination(self) -> bool:
        """Messages that are to no single person arrive somewhere."""
        return self.to is None or bool(self.to)


class ChannelOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options common to all channels; each sender's own struct adds to them.

    rate: how many messages the channel may be sent in a span of time; None for no limit.
    concurrency: how many messages may be sent to the channel at once.
    timeout: seconds for one attempt, from the connection to the end of the answer.
    """

    rate: Rate | None = None
    concurrency: int = 4
    timeout: Duration = Duration(10.0)

    @property
    def capabilities(self) -> Capabilities:
        """What the channel can do with these options."""
        return Capabilities()
