"""Post-mortems in the config: the incidents that need one, the due time, and the recipients."""

from collections.abc import Iterable

from msgspec.structs import asdict

from router.config.convert import Context
from router.core.incident.policy import Target, split_target
from router.core.incident.postmortem_plan import DAY, PostMortemPlan
from router.model.incident import Severity
from router.model.scalars import Duration

SHORTEST = 3600.0
"""Minimum seconds between two reminders of an overdue post-mortem."""


class PostMortemsConfig(PostMortemPlan, frozen=True, kw_only=True):
    """The incidents that need a post-mortem.

    `alert-router postmortem export` writes to `directory`.
    """

    severities: frozenset[Severity] = frozenset({Severity.P0, Severity.P1})
    items_due: Duration = Duration(14 * DAY)
    directory: str = ""

    def __post_init__(self) -> None:
        if self.due <= 0 or self.items_due <= 0:
            raise ValueError("due and items_due must be longer than 0s")
        if self.again < SHORTEST:
            raise ValueError(f"again must be at least {SHORTEST / 60:.0f}m")


def check_postmortems(context: Context) -> None:
    """Report targets of `share` that aren't channels."""
    for trail, target in context.declared(Target):
        if trail[:2] == ("postmortems", "share") and split_target(target)[0] != "channel":
            context.report(
                context.place_of(trail),
                f"a post-mortem is shared to channels: channel:NAME, not {target}",
            )


def postmortem_plan(config: PostMortemsConfig, tickets: Iterable[str]) -> PostMortemPlan:
    """Convert to the core's settings. `tickets`: channels that open a ticket per action item."""
    given = {name: value for name, value in asdict(config).items() if name in _FIELDS}
    return PostMortemPlan(**given | {"tickets": tuple(tickets)})


_FIELDS = frozenset(PostMortemPlan.__struct_fields__)
