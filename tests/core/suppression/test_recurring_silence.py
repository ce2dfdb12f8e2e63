"""Silences: which alerts, from when until when, by a clock that jumps as well."""

from datetime import UTC, datetime

import pytest

from router.config.times import parse_time
from router.core.oncall.schedule import Restriction
from router.core.rules.matcher import parse_matchers
from router.core.suppression.recurring_silence import (
    RecurringSilence,
    TimeSpan,
    Weekly,
    check_matchers,
    contradictions,
)

API = parse_matchers('service="api", level=~"warning|error"')
LABELS = {"service": "api", "level": "error"}


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("labels", "silenced"),
    [(LABELS, True), ({"service": "api"}, False), ({"service": "web", "level": "error"}, False)],
)
def test_all_matchers_must_hold(labels: dict[str, str], silenced: bool) -> None:
    """As in Alertmanager, whose matchers they are."""
    assert (RecurringSilence("s", API, TimeSpan(0, 100)).until(labels, 50) is not None) is silenced


@pytest.mark.parametrize(("now", "until"), [(9.9, None), (10, 20), (19.9, 20), (20, None)])
def test_a_span_has_its_start_and_not_its_end(now: float, until: float | None) -> None:
    """So one that follows another leaves no gap, and they don't overlap."""
    assert TimeSpan(10, 20).end_at(now) == until


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-27 21:59", None),
        ("2026-11-27 22:00", "2026-11-28 06:00"),  # a Friday night
        ("2026-11-28 05:59", "2026-11-28 06:00"),
        ("2026-11-28 06:00", None),
        ("2026-11-28 22:00", None),  # on Saturday none begins
    ],
)
def test_a_window_comes_again_and_may_go_over_midnight(now: str, until: str | None) -> None:
    """It belongs to the day on which it begins."""
    nights = Weekly(Restriction(22 * 60, 6 * 60, frozenset({4})), "UTC")
    assert nights.end_at(at(now)) == (at(until) if until else None)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        (
            "2026-03-29 00:30",
            "2026-03-29 02:00",
        ),  # in London 01:00 to 03:00, of which the clock skips an hour
        ("2026-03-29 02:00", None),
        ("2026-10-25 00:00", "2026-10-25 03:00"),  # and shows 01:00 to 02:00 twice
        ("2026-10-25 02:59", "2026-10-25 03:00"),
    ],
)
def test_a_window_is_by_the_clock_on_the_wall(now: str, until: str | None) -> None:
    """Local time decides when clocks change."""
    window = Weekly(Restriction(60 if "10-25" in now else 30, 180), "Europe/London")
    assert window.end_at(at(now)) == (at(until) if until else None)


@pytest.mark.parametrize(
    ("start", "end", "now", "until"),
    [
        ("02:30", "03:30", "2027-03-28 00:59", None),  # Berlin skips 02:00 to 03:00, at 01:00 UTC
        ("02:30", "03:30", "2027-03-28 01:00", "2027-03-28 01:30"),
        ("01:00", "02:30", "2027-03-28 00:30", "2027-03-28 01:00"),
        ("02:15", "02:45", "2027-03-28 01:00", "2027-03-28 01:30"),
        ("02:15", "02:45", "2027-03-28 01:30", None),
        ("22:00", "02:30", "2027-03-28 00:59", "2027-03-28 01:00"),
        ("02:30", "03:30", "2027-03-27 01:29", None),
        ("02:30", "03:30", "2027-03-27 01:30", "2027-03-27 02:30"),
    ],
)
def test_a_time_that_the_clock_skips_is_the_end_of_the_gap(
    start: str, end: str, now: str, until: str | None
) -> None:
    """So a window that starts in the gap starts after it, and no window is empty."""
    window = Weekly(Restriction(parse_time(start), parse_time(end)), "Europe/Berlin")
    assert window.end_at(at(now)) == (at(until) if until else None)
    assert window.is_active(at(now)) is (until is not None)


def test_windows_without_a_break_are_one() -> None:
    """A weekend silence ends on Monday; a permanent one has no known end."""
    weekend = Weekly(Restriction(days=frozenset({5, 6})), "Europe/London")
    assert weekend.end_at(at("2026-11-28 12:00")) == at("2026-11-30 00:00")
    always = Weekly(Restriction(), "Europe/London")
    assert always.end_at(at("2026-11-28 12:00")) == at("2026-11-28 00:00") + 15 * 86_400


@pytest.mark.parametrize(
    ("matchers", "refused"),
    [
        ('foo=""', True),
        ('alertname=~".*"', True),
        ('alertname=~"a*"', True),
        ('alertname!="Watchdog"', True),
        ('alertname!~"a|b"', True),
        ('foo="", alertname=~".*"', True),
        ('foo=~"|bar"', True),
        ('alertname=~".+"', False),
        ('foo="", alertname="DiskFull"', False),
        ('env!="prod", env!=""', False),
        ('foo!~"|bar"', False),
    ],
)
def test_matchers_of_a_silence_need_a_value(matchers: str, refused: bool) -> None:
    """At least one matcher must not match the empty string, as in Alertmanager."""
    found = parse_matchers(matchers)
    if not refused:
        check_matchers(found)
        return
    with pytest.raises(
        ValueError, match="could mute every alert: add a matcher that needs a value"
    ):
        check_matchers(found)


@pytest.mark.parametrize(
    ("matchers", "names"),
    [
        ('a="x", a="y"', ["a"]),
        ('a="x", a!="x"', ["a"]),
        ('a=~"x|y", a!~"y|x", b="z"', ["a"]),
        ('a=~"x|y", a=~"z.*"', ["a"]),
        ('a="", a=~".+"', ["a"]),
        ('a=~"x.*", a!~"x.*"', ["a"]),
        ('a=~"x|y", a!="x"', []),
        ('a=~"x.*", a=~".*y"', []),
        ('a="x", b="y"', []),
        ('a!="x", a!="y"', []),
    ],
)
def test_matchers_that_no_value_satisfies_are_found(matchers: str, names: list[str]) -> None:
    """A silence with them mutes nothing."""
    found = contradictions(parse_matchers(matchers))
    assert [one.split(" matches all of: ")[0] for one in found] == [
        f"no value of {name}" for name in names
    ]


@pytest.mark.parametrize(
    ("days", "now", "start", "end"),
    [
        ({4}, "2026-11-27 06:00", "2026-11-27 21:00", "2026-11-28 05:00"),  # this Friday night
        ({4}, "2026-11-28 05:00", "2026-12-04 21:00", "2026-12-05 05:00"),  # the next
        ({5}, "2027-03-21 12:00", "2027-03-27 21:00", "2027-03-28 04:00"),  # the clock is set ahead
        ({5}, "2026-10-18 12:00", "2026-10-24 20:00", "2026-10-25 05:00"),  # and back
    ],
)
def test_the_next_window(days: set[int], now: str, start: str, end: str) -> None:
    """Its times are by the local clock, so a night in which the clock changes is an hour off."""
    nights = Weekly(Restriction(22 * 60, 6 * 60, frozenset(days)), "Europe/Berlin")
    assert nights.next_after(at(now)) == TimeSpan(at(start), at(end))


def test_the_next_window_includes_those_that_adjoin() -> None:
    """Saturday and Sunday are one; a silence of a period comes once."""
    weekend = Weekly(Restriction(0, 1440, frozenset({5, 6})), "UTC")
    span = TimeSpan(at("2026-11-28 00:00"), at("2026-11-30 00:00"))
    assert weekend.next_after(at("2026-11-27 00:00")) == span
    assert span.next_after(at("2026-11-27 00:00")) == span
    assert span.next_after(at("2026-11-28 00:00")) is None
