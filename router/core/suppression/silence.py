"""Silences that people create while the router runs, each for one period.

All times are UTC epoch seconds.
"""

from enum import StrEnum

from msgspec import Struct
from msgspec.structs import replace

from router.core.rules.matcher import Matcher, parse_matchers
from router.core.suppression.recurring_silence import RecurringSilence, TimeSpan


class SilenceState(StrEnum):
    ACTIVE = "active"
    PENDING = "pending"
    EXPIRED = "expired"


class Silence(Struct, frozen=True):
    """A silence that `by` created at the time `at`, with matchers as text.

    It's kept after its end, to explain past decisions.
    """

    match: tuple[str, ...]
    start: float
    end: float
    by: str
    at: float
    comment: str = ""
    annotations: dict[str, str] = {}

    @property
    def matchers(self) -> tuple[Matcher, ...]:
        """Parse the matchers. Raises: ValueError."""
        return tuple(matcher for text in self.match for matcher in parse_matchers(text))

    def state(self, now: float) -> SilenceState:
        if self.end <= now:
            return SilenceState.EXPIRED
        return SilenceState.ACTIVE if self.start <= now else SilenceState.PENDING


def silence(key: str, made: Silence) -> RecurringSilence:
    """Convert it to a silence of the settings. Raises: ValueError."""
    return RecurringSilence(
        key, made.matchers, TimeSpan(made.start, made.end), made.by, made.comment
    )


def expired(made: Silence, now: float) -> Silence | None:
    """The silence, ended now; None if it has already ended."""
    return None if made.end <= now else replace(made, start=min(made.start, now), end=now)


def may_replace(before: Silence, after: Silence, now: float) -> bool:
    """Check if a changed silence keeps its id, as in Alertmanager.

    It does if its matchers are the same and no time in the past changes.
    """
    if before.matchers != after.matchers:
        return False
    match before.state(now):
        case SilenceState.ACTIVE:
            return int(after.start) == int(before.start) and after.end >= now
        case SilenceState.PENDING:
            return after.start >= now
        case SilenceState.EXPIRED:
            return False
