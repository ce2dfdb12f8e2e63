"""The options of every channel, and the capabilities of channels, for all services."""

from typing import Literal

from msgspec import Struct

from router.config.fields import Duration, Rate


class Capabilities(Struct, frozen=True, kw_only=True):
    """Capabilities of a configured channel. The defaults suit a plain channel.

    answers: the source that receives answers to its messages; "" if there is none.
    reaches: the field of a contact that it sends to; `contact` if the router stores the addresses
        of contacts; None if it doesn't reach single people.
    callback_url: the router's public URL that it passes to its service; "" if none.
    to: the recipients in its config; None if its destination isn't a list of people.
    is_public: shows published updates to the public, and receives nothing else.
    is_paging: sends nothing about acknowledged incidents.
    edits: edits its message in place, so that it can receive every change without disturbing.
    charts: shows pictures.
    deployments: receives deployments.
    maintenance: shows announced maintenance.
    action_items: has a ticket for each action item.
    bundles: can show several incidents in one message.
    compares: can ask its service for the state of the messages that it sent.
    arrives_within: seconds in which the service may still process an unanswered request.
    """

    answers: str = ""
    reaches: Literal["name", "phone", "email", "telegram", "contact"] | None = None
    callback_url: str = ""
    to: tuple[str, ...] | None = None
    is_public: bool = False
    is_paging: bool = False
    edits: bool = False
    charts: bool = False
    deployments: bool = False
    maintenance: bool = False
    action_items: bool = False
    bundles: bool = True
    compares: bool = False
    arrives_within: float = 60.0

    @property
    def has_destination(self) -> bool:
        """Check if there is a destination for messages that don't go to a person."""
        return self.to is None or bool(self.to)


class ChannelOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options of all channels. Each sender's struct adds its own.

    rate: maximum messages to the channel in a span of time; None for no limit.
    throttle: maximum messages to the channel itself. Further ones wait, and are sent as one.
    concurrency: maximum messages to the channel at once.
    timeout: seconds for one attempt, from the connection to the end of the answer.
    """

    rate: Rate | None = None
    throttle: Rate | None = None
    concurrency: int = 4
    timeout: Duration = Duration(10.0)

    @property
    def capabilities(self) -> Capabilities:
        """The channel's capabilities with these options."""
        return Capabilities()
