"""When a post-mortem is due, who is reminded of it, and whom it's shared with."""

from msgspec import Struct

from router.core.incident.policy import Target
from router.model.incident import Severity
from router.model.scalars import Duration, Internal

DAY = 86_400.0


class PostMortemPlan(Struct, frozen=True):
    """Times are in seconds.

    `severities` are those that need one, `due` after the end; none by default. `remind` is how long
    after the end the lead is told for the first time, and how long before an item is due its owner
    is; `again` how often once it's overdue. `owners` are the targets told where the lead is nobody
    who can be. `share` are the channels that a post-mortem is shared to, `tickets` those that keep
    a ticket for each action item.
    """

    severities: frozenset[Severity] = frozenset()
    due: Duration = Duration(2 * DAY)
    remind: Duration = Duration(DAY)
    again: Duration = Duration(DAY)
    owners: tuple[Target, ...] = ()
    share: tuple[Target, ...] = ()
    tickets: Internal[tuple[str, ...]] = ()
