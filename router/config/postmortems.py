"""Post-mortems in the config: which incidents need one, by when, who is reminded, and whom they're
shared with.
"""

from collections.abc import Iterable

from msgspec import Struct

from router.config.convert import Context
from router.config.fields import Duration
from router.config.policies import Target
from router.core.incident.postmortem_plan import DAY, PostMortemPlan
from router.model.incident import Severity


class PostMortemsDocument(Struct, frozen=True, kw_only=True):
    """After which incidents there's one.

    `directory` is where `alert-router postmortem export` writes them.
    """

    severities: tuple[Severity, ...] = (Severity.P0, Severity.P1)
    due: Duration = Duration(2 * DAY)
    remind: Duration = Duration(DAY)
    again: Duration = Duration(DAY)
    owners: list[Target] = []
    share: list[Target] = []
    items_due: Duration = Duration(14 * DAY)
    directory: str = ""

    def __post_init__(self) -> None:
        if self.due <= 0 or self.items_due <= 0:
            raise ValueError("due and items_due must be longer than nothing")
        if self.again < SHORTEST:
            raise ValueError(
                f"again must be at least {SHORTEST / 60:.0f}m: nobody writes faster for more reminders"
            )


SHORTEST = 3600.0
"""Seconds between two reminders of what is overdue at least."""


def check_postmortems(context: Context) -> None:
    """Report who can't be shared to: a post-mortem goes to channels."""
    for trail, target in list(context.all_of(Target)):
        if trail[:2] == ("postmortems", "share") and target.kind != "channel":
            context.report(
                context.place_of(trail),
                f"a post-mortem is shared to channels: channel:NAME, not {target.told}",
            )


def postmortem_plan(document: PostMortemsDocument, tickets: Iterable[str]) -> PostMortemPlan:
    """What the core is told. `tickets` are the channels that keep a ticket for each action item."""
    return PostMortemPlan(
        severities=frozenset(document.severities),
        due=document.due,
        remind=document.remind,
        again=document.again,
        owners=tuple(target.told for target in document.owners),
        share=tuple(target.told for target in document.share),
        tickets=tuple(tickets),
    )
