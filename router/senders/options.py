"""What every channel can be told in its config, whatever service it goes to."""

from typing import Literal

from msgspec import Struct

from router.config.fields import Duration, Rate


class ChannelOptions(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The options common to all channels; each sender's own struct adds to them.

    rate: how many messages the channel may be sent in a span of time; None for no limit of ours.
    concurrency: how many messages may be on their way to the channel at once.
    timeout: seconds for one attempt, from the connection to the end of the answer.
    """

    rate: Rate | None = None
    concurrency: int = 4
    timeout: Duration = Duration(10.0)

    @property
    def answers(self) -> str:
        """The source that takes the answers its messages ask for; "" where they ask for none."""
        return ""

    @property
    def reaches(self) -> Literal["name", "phone", "email"] | None:
        """Which address of a contact's the channel sends to; None where it doesn't reach people."""
        return None

    @property
    def public(self) -> bool:
        """Whether the channel shows the public what is published, and hears of nothing else."""
        return False

    @property
    def rings(self) -> bool:
        """Whether the channel keeps silent about what somebody has answered."""
        return False

    @property
    def edits(self) -> bool:
        """Whether the channel's message is edited in place, so that it can be told of every change
        without noise.
        """
        return False
