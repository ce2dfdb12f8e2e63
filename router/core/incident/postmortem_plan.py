"""The due time of post-mortems, their reminders and recipients."""

from msgspec import Struct

from router.core.incident.policy import Target
from router.model.incident import Severity
from router.model.scalars import Duration, Internal

DAY = 86_400.0


class PostMortemPlan(Struct, frozen=True):
    """Settings of post-mortems. Times are in seconds.

    `severities` are those that need a post-mortem, `due` after the incident's end. The lead's first
    reminder is `remind` after the end; an item's owner is reminded `remind` before it's due. Once
    overdue, reminders repeat every `again`. `owners` are reminded if the lead has no address.
    Post-mortems are shared to the channels `share`; the channels `tickets` have a ticket for each
    action item.
    """

    severities: frozenset[Severity] = frozenset()
    due: Duration = Duration(2 * DAY)
    remind: Duration = Duration(DAY)
    again: Duration = Duration(DAY)
    owners: tuple[Target, ...] = ()
    share: tuple[Target, ...] = ()
    tickets: Internal[tuple[str, ...]] = ()
