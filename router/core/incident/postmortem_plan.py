"""The due time of post-mortems, their reminders and recipients."""

from msgspec import Struct

from router.core.incident.policy import Target
from router.model.incident import Severity
from router.model.scalars import Duration, Internal

DAY = 86_400.0


class PostMortemPlan(Struct, frozen=True):
    """Settings of post-mortems. Times are in seconds.

    `severities` need a post-mortem, `due` after the end; none by default. `remind` is the delay
    from the end to the lead's first reminder, and the notice before an item is due; `again` the
    interval once it's overdue. `owners` are the targets reminded if the lead has no address.
    `share` are the channels that a post-mortem is shared to, `tickets` those that keep a ticket for
    each action item.
    """

    severities: frozenset[Severity] = frozenset()
    due: Duration = Duration(2 * DAY)
    remind: Duration = Duration(DAY)
    again: Duration = Duration(DAY)
    owners: tuple[Target, ...] = ()
    share: tuple[Target, ...] = ()
    tickets: Internal[tuple[str, ...]] = ()
