"""Differences between the router's state and that of another service."""

from enum import StrEnum

from msgspec import Struct


class DifferenceKind(StrEnum):
    """The kind of a difference. The first four concern a channel, the others a source."""

    GONE = "gone"
    CLOSED_THERE = "closed_there"
    OPEN_THERE = "open_there"
    ANSWERED_THERE = "answered_there"
    NOT_REPORTED = "not_reported"
    OVER_THERE = "over_there"


class Repair(StrEnum):
    """The repair: none, the message was sent again, or the service's state was applied here."""

    NONE = "none"
    SENT_AGAIN = "sent_again"
    APPLIED = "applied"


class Difference(Struct, frozen=True):
    """One difference. `place` is the channel or source, `subject` the incident or the alert."""

    place: str
    kind: DifferenceKind
    subject: str
    at: float
    repair: Repair = Repair.NONE

    @property
    def key(self) -> str:
        return f"{self.place} {self.kind} {self.subject}"


class Reconciliation(Struct, frozen=True):
    """The result of one comparison.

    compared: the channels and sources that were compared. failed: why others were not. repaired:
    when each difference was last repaired, by its key; a difference that comes back is not
    repaired again for a day.
    """

    at: float
    compared: tuple[str, ...] = ()
    failed: dict[str, str] = {}
    differences: tuple[Difference, ...] = ()
    repaired: dict[str, float] = {}
