"""Convert time intervals to recurring silences, which are windows by weekday and local time."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from msgspec import Struct

from router.config.fields import parse_time_zone
from router.config.times import parse_time, parse_weekdays
from router.core.rules.lint import contradiction, implies
from router.core.rules.matcher import Matcher, MatchOp
from router.importers.alertmanager.tree import Outcome, Route
from router.importers.source import Report, Section

DAY = 1440
_NEGATED = {
    MatchOp.EQUAL: MatchOp.NOT_EQUAL,
    MatchOp.NOT_EQUAL: MatchOp.EQUAL,
    MatchOp.MATCHES: MatchOp.NOT_MATCHES,
    MatchOp.NOT_MATCHES: MatchOp.MATCHES,
}


class Window(Struct, frozen=True):
    """A window on each of `days` (0 is Monday), in minutes of the day in a time zone."""

    days: frozenset[int]
    start: int
    end: int
    zone: str


Intervals = dict[str, tuple[Window, ...] | None]
"""The windows by the interval's name; None for an interval that isn't weekly."""


def read_intervals(sections: Iterable[Section]) -> Intervals:
    intervals: Intervals = {}
    for section in sections:
        parts = [_windows(spec) for spec in section.sections("time_intervals")]
        known = [windows for windows in parts if windows is not None]
        complete = len(known) == len(parts)
        flat = tuple(window for windows in known for window in windows)
        intervals[section.text("name")] = flat if complete else None
    return intervals


def _windows(spec: Section) -> tuple[Window, ...] | None:
    for key in ("days_of_month", "months", "years"):
        if spec.items(key):
            spec.remark(key, f"`{key}`: a silence recurs every week, so this interval is left out")
            spec.leave_out()
            return None
    zone = spec.text("location", "UTC")
    try:
        parse_time_zone(zone)
    except ValueError:
        spec.remark("location", f"`location: {zone}` isn't a time zone: this interval is left out")
        spec.leave_out()
        return None
    try:
        ranges = spec.texts("weekdays") or ["monday:sunday"]
        days = frozenset(day for text in ranges for day in parse_weekdays(text.replace(":", "-")))
        times = [
            (int(parse_time(section.text("start_time"))), int(parse_time(section.text("end_time"))))
            for section in spec.sections("times")
        ]
    except ValueError as error:
        spec.leave_out(f"{error}: this interval is left out")
        return None
    return tuple(Window(days, start, end, zone) for start, end in times or [(0, DAY)])


def complement(windows: Sequence[Window]) -> tuple[Window, ...]:
    """The rest of the week, outside these windows, which must have the same time zone."""
    free: dict[tuple[int, int], set[int]] = {}
    for day in range(7):
        covered = sorted((window.start, window.end) for window in windows if day in window.days)
        at = 0
        for start, end in [*covered, (DAY, DAY)]:
            if start > at:
                free.setdefault((at, start), set()).add(day)
            at = max(at, end)
    zone = windows[0].zone
    return tuple(Window(frozenset(days), *edges, zone) for edges, days in sorted(free.items()))


# --- silences


@dataclass(frozen=True)
class Mute:
    """The windows in which the alerts of a route are muted. `name` is that of the interval."""

    name: str
    route: Route
    windows: tuple[Window, ...]


def mutes(route: Route, intervals: Intervals, report: Report) -> Iterator[Mute]:
    """The mutes of the route and of its descendants."""
    for name in route.muted_in:
        windows = intervals.get(name)
        if windows:
            yield Mute(name, route, windows)
    if active := [intervals.get(name) for name in route.active_in]:
        known = [window for windows in active if windows for window in windows]
        if None in active or len({interval.zone for interval in known}) > 1:
            report.add(route.place, "`active_time_intervals` can't be converted: always active")
        elif outside := complement(known):
            yield Mute(f"outside-{'-'.join(route.active_in)}", route, outside)
    for below in route.routes:
        yield from mutes(below, intervals, report)


def silence_matchers(
    mute: Mute, decisions: Sequence[Outcome], report: Report
) -> list[list[Matcher]]:
    """The matchers of silences that mute exactly the route's alerts.

    A silence that would mute others, too, is left out: better a page too many than a missed page.
    """
    silences = []
    for number, decision in enumerate(decisions):
        if mute.route not in decision.routes:
            continue
        matchers = list(decision.matchers)
        if len(decision.routes) > 1:
            report.add(mute.route.place, _kept(mute, "other routes get the same alerts"))
            continue
        extra = _excluded(decision, decisions[:number], mute.route)
        if extra is None:
            report.add(
                mute.route.place, _kept(mute, "earlier routes or child routes get some of them")
            )
            continue
        matchers += extra
        if all(matcher.matches({}) for matcher in matchers):
            matchers.append(Matcher("alertname", MatchOp.MATCHES, ".+"))
        silences.append(matchers)
    return silences


def _kept(mute: Mute, why: str) -> str:
    return (
        f"time interval '{mute.name}': a silence can't mute only this route's alerts, because {why}"
    )


def _excluded(own: Outcome, earlier: Sequence[Outcome], route: Route) -> tuple[Matcher, ...] | None:
    """Matchers that exclude the alerts of earlier outcomes; None if matchers can't express it."""
    exclusions = []
    for outcome in earlier:
        if (
            outcome.routes == (route,)
            or contradiction((*own.matchers, *outcome.matchers)) is not None
        ):
            continue
        rest = [matcher for matcher in outcome.matchers if not implies(own.matchers, [matcher])]
        if len(rest) != 1:
            return None
        exclusions.append(Matcher(rest[0].name, _NEGATED[rest[0].op], rest[0].value))
    return tuple(dict.fromkeys(exclusions))
