"""Splits time into intervals in which nothing changes that a decision depends on.

All times are UTC epoch seconds.
"""

import math
from collections.abc import Iterator
from datetime import datetime, time

from router.core.incident.escalation import PATIENCE
from router.core.incident.policy import Policy
from router.core.incident.settings import Settings
from router.core.oncall.business_hours import NextBusinessDay
from router.core.oncall.local_time import DAY, instant, local_time
from router.core.oncall.schedule import changes
from router.core.reachability.routes import Route, lead, stages, way_delays


def edges(
    settings: Settings, route: Route, start: float, end: float, *, holds: frozenset[float]
) -> list[float]:
    """The times from `start` until `end` at which the answer may change, to the second.

    `holds` are the seconds for which a throttle may delay a message.
    """
    calendar = settings.calendar
    policies = list(stages(settings, route))
    ways = {way + hold for way in way_delays(settings) for hold in (0.0, *holds)}
    own = settings.policy(route.severity, route.rule)
    in_time = (
        math.inf
        if _business(own)
        else lead(settings, route) + max(_fixed(own)) + max(way_delays(settings))
    )
    deadlines = {
        begun + after + pause
        for begun, policy in policies
        for after in _fixed(policy)
        for pause in _pauses(policy)
    }
    # Pages stop when the alert may be stale.
    stale = settings.rules.default.expire_after
    deadlines |= {stale} if stale is not None else set()
    deadlines = {deadline for deadline in deadlines if deadline <= in_time}
    arrivals = {deadline + way for deadline in deadlines for way in ways}
    last = end + max(arrivals)
    silenced = {edge for silence in settings.silences for edge in silence.when.edges(start, last)}
    days = (
        set(_midnights(settings, start, last))
        if any(_business(policy) for _, policy in policies)
        else set()
    )
    # A deadline and a fixed time (such as a silence's end) may fall into the same second: try the
    # seconds before, at and after it, because the order matters.
    meeting = {edge + way - after for edge in silenced for way in ways for after in arrivals}
    meeting |= {
        edge + after - in_time for edge in silenced for after in arrivals if in_time < math.inf
    }
    business: set[float] = set()
    begins = {begun for begun, _ in policies}
    for begun, policy in policies:
        times = {calendar.after(delay, day) for delay in _business(policy) for day in days}
        business |= times
        # Notifications before the promotion to this severity don't count.
        early = begun < lead(settings, route)
        others = (
            begins | {begun + after for after in _fixed(policy)} if early else arrivals | begins
        )
        waits = {pause + way for pause in _pauses(policy) for way in ways}
        meeting |= {time + wait - after for time in times for wait in waits for after in others}
    last = max({last, *business, *silenced}) + max(arrivals)
    turns = {
        turn
        for schedule in settings.people.schedules.values()
        for turn in changes(schedule, start, last)
    }
    found = {turn - deadline for turn in turns | silenced for deadline in deadlines}
    found |= {day - begun for day in days for begun in begins}
    found |= meeting | {moment + 1 for moment in meeting}
    return sorted({start, *(edge for edge in map(_second, found) if start < edge < end)})


def _fixed(policy: Policy) -> set[float]:
    return {
        0.0,
        *(step.after for step in policy.steps if not isinstance(step.after, NextBusinessDay)),
    }


def _pauses(policy: Policy) -> set[float]:
    """Seconds from the last step to the next repeat, and to the entry that nobody answered."""
    if policy.repeat is None:
        return {0.0, PATIENCE}
    return {time * policy.repeat.every for time in range(policy.repeat.times + 2)}


def _business(policy: Policy) -> list[NextBusinessDay]:
    return [step.after for step in policy.steps if isinstance(step.after, NextBusinessDay)]


def _midnights(settings: Settings, start: float, end: float) -> Iterator[float]:
    """Each local midnight, from the day before `start` to the day after `end`."""
    zone = settings.calendar.time_zone
    day = datetime.combine(local_time(start, zone).date(), time()) - DAY
    while (midnight := instant(day, zone)) <= end:
        yield midnight
        day += DAY


def _second(moment: float) -> float:
    return float(math.ceil(moment))
