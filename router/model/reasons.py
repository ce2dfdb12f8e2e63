"""Properties of the named reasons, for timelines, replies and logs.

The rows are in `reason_table`, one for each reason. Nothing else in the router lists reasons.
"""

from collections.abc import Callable

from router.model.reason import Reason
from router.model.reason_row import Row, Trait
from router.model.reason_table import ROWS

__all__ = ["Row", "Trait", "having", "row"]


row: Callable[[Reason], Row] = ROWS.__getitem__
"""The properties of a reason."""


def having(trait: Trait) -> frozenset[Reason]:
    """All reasons with this trait."""
    return frozenset(reason for reason, found in ROWS.items() if trait in found.traits)
