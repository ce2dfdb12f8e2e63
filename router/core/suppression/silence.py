"""Silences that people make while the router runs, each for once.

All times are UTC epoch seconds.
"""

from msgspec import Struct
from msgspec.structs import replace

from router.core.rules.matcher import Matcher, parse_matchers
from router.core.suppression.recurring_silence import RecurringSilence, TimeSpan


class Silence(Struct, frozen=True):
    """`by` made it at the time `at`, with matchers as text.

    It's kept after its end, to say what was so then.
    """

    match: tuple[str, ...]
    start: float
    end: float
    by: str
    at: float
    comment: str = ""

    @property
    def matchers(self) -> tuple[Matcher, ...]:
        """Raises: ValueError."""
        return tuple(matcher for text in self.match for matcher in parse_matchers(text))


def silence(key: str, made: Silence) -> RecurringSilence:
    """As the core has it. Raises: ValueError."""
    return RecurringSilence(
        key, made.matchers, TimeSpan(made.start, made.end), made.by, made.comment
    )


def expired(made: Silence, now: float) -> Silence | None:
    """Without what would still come of it; None if it's over already."""
    return None if made.end <= now else replace(made, start=min(made.start, now), end=now)
