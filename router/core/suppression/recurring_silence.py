"""Silences mute alerts for a time, once or every week.

A silence mutes the alerts whose labels match all of its matchers. What that means for incidents is
decided in `router.core.incident`.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from msgspec import Struct

from router.core.oncall.schedule import Restriction, windows
from router.core.rules.matcher import Matcher, MatchOp, match_all

LONGEST = 14 * 86_400.0
"""Maximum seconds for which adjoining windows are joined into one."""


class TimeSpan(Struct, frozen=True):
    """From `start` until `end`, in UTC epoch seconds."""

    start: float
    end: float

    def end_at(self, at: float) -> float | None:
        """The end of the silence if it is active at `at`."""
        return self.end if self.is_active(at) else None

    def next_after(self, at: float) -> "TimeSpan | None":
        """The silence itself if it starts after `at`."""
        return self if self.start > at else None

    def is_active(self, at: float) -> bool:
        return self.start <= at < self.end

    def edges(self, _start: float, _end: float) -> Iterator[float]:
        """Its start and end."""
        yield from (self.start, self.end)


class Weekly(Struct, frozen=True):
    """A recurring window, by the clock of a time zone."""

    window: Restriction
    time_zone: str

    def end_at(self, at: float) -> float | None:
        """The end of the silence if it is active at `at`, at most LONGEST ahead.

        Windows without a break between them, such as Saturday and Sunday, count as one.
        """
        end = self._end_at(at)
        while end is not None and end < at + LONGEST:
            following = self._end_at(end)
            if following is None:
                break
            end = following
        return end

    def next_after(self, at: float) -> TimeSpan | None:
        """The first window that starts after `at`, within a week and a day."""
        found = windows(self.window, at, at + 8 * 86_400.0, self.time_zone)
        start = min((start for start, _ in found if start > at), default=None)
        end = None if start is None else self.end_at(start)
        return TimeSpan(start, end) if start is not None and end is not None else None

    def is_active(self, at: float) -> bool:
        return self._end_at(at) is not None

    def _end_at(self, at: float) -> float | None:
        found = windows(self.window, at, at, self.time_zone)
        return max((end for start, end in found if start <= at < end), default=None)

    def edges(self, start: float, end: float) -> Iterator[float]:
        """Times at which a window begins or ends: all from `start` to `end`, and some outside."""
        for window in windows(self.window, start, end, self.time_zone):
            yield from window


class RecurringSilence(Struct, frozen=True):
    """A silence; `name` is from the config, or the id of a silence that a person made."""

    name: str
    matchers: tuple[Matcher, ...]
    when: TimeSpan | Weekly
    by: str = ""
    comment: str = ""

    def until(self, labels: dict[str, str], at: float) -> float | None:
        """The time until which an alert with these labels is muted; None if it isn't at `at`."""
        if isinstance(self.when, TimeSpan) and not self.when.is_active(at):
            return None  # the usual case: ended silences are kept for a while
        return self.when.end_at(at) if match_all(self.matchers, labels) else None


def check_matchers(matchers: Sequence[Matcher], *, exclusion: bool = False) -> None:
    """Refuse matchers that would mute every alert, as Alertmanager does.

    At least one must not match the empty string, which is the value of a missing label
    (prometheus/alertmanager silence/silence.go, validateSilence). `exclusion`: also accept matchers
    that only exclude values, such as `env!="prod"`. Raises: ValueError.
    """
    if not matchers:
        raise ValueError("a silence needs a matcher, or it would mute every alert")
    if matches_without_labels(matchers) and not (exclusion and _excludes(matchers)):
        name = matchers[0].name
        raise ValueError(
            f"these matchers also match alerts without {_labels(matchers)}, so the silence could "
            f'mute every alert: add a matcher that needs a value, such as {name}=~".+"'
        )


def matches_without_labels(matchers: Sequence[Matcher]) -> bool:
    return all(matcher.matches({}) for matcher in matchers)


def _excludes(matchers: Sequence[Matcher]) -> bool:
    """Check if each matcher is an exclusion that still matches some values.

    `env!~".+"` isn't, because it's the same as `env=""`.
    """
    negative = {MatchOp.NOT_EQUAL, MatchOp.NOT_MATCHES}
    return all(
        matcher.op in negative and matcher.matches({matcher.name: "\ufffd"}) for matcher in matchers
    )


def _labels(matchers: Sequence[Matcher]) -> str:
    names = dict.fromkeys(matcher.name for matcher in matchers)
    return f"the label{'s' if len(names) > 1 else ''} {', '.join(names)}"


def contradictions(matchers: Sequence[Matcher]) -> list[str]:
    """Labels for which no value can match, with the reason: such a silence mutes nothing."""
    by_name: dict[str, list[Matcher]] = defaultdict(list)
    for matcher in matchers:
        by_name[matcher.name].append(matcher)
    return [
        f"no value of {name} matches all of: {', '.join(map(str, given))}"
        for name, given in by_name.items()
        if _is_contradictory(name, given)
    ]


def _is_contradictory(name: str, matchers: Sequence[Matcher]) -> bool:
    """Check for a contradiction. Two different regular expressions count as compatible."""
    positive = (matcher for matcher in matchers if matcher.op in {MatchOp.EQUAL, MatchOp.MATCHES})
    values = next((matcher.values for matcher in positive if matcher.values is not None), None)
    if values is not None:
        return not any(match_all(matchers, {name: value}) for value in values)
    wanted = {matcher.value for matcher in matchers if matcher.op is MatchOp.MATCHES}
    refused = {matcher.value for matcher in matchers if matcher.op is MatchOp.NOT_MATCHES}
    return not wanted.isdisjoint(refused)
