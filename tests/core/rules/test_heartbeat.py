"""Missed heartbeats, their alerts, and restarts that count as no failure."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from router.core.rules.heartbeat import (
    AFTER_START,
    ALERTS,
    Beats,
    Heartbeat,
    HeartbeatState,
    beats_among,
    ending,
    expected,
    missed_at,
    overdue_at,
    reports,
    state_of,
    status_of,
    with_beat,
)
from router.core.rules.matcher import parse_matchers
from router.model.alert import Alert, AlertStatus
from tests.world import alert

MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
LONG_AGO = -30 * DAY
"""Start of the router in tests that aren't about it."""

BACKUP = Heartbeat("backup", DAY, HOUR)
WATCHDOG = Heartbeat("watchdog", 5 * MINUTE, MINUTE, parse_matchers('alertname="Watchdog"'))
NEW = expected(BACKUP, None, 0.0)


def reported(alerts: Sequence[Alert]) -> list[tuple[str, str]]:
    return [(one.labels["alertname"], one.status) for one in alerts]


# --- when


@pytest.mark.parametrize(
    ("last", "now", "state"),
    [
        (None, 0.0, HeartbeatState.WAITING),
        (None, DAY + HOUR - 1, HeartbeatState.WAITING),
        (None, DAY + HOUR, HeartbeatState.MISSED),
        (DAY, DAY, HeartbeatState.ALIVE),
        (DAY, 2 * DAY + HOUR - 1, HeartbeatState.ALIVE),
        (DAY, 2 * DAY + HOUR, HeartbeatState.MISSED),
    ],
)
def test_it_is_missed_when_every_and_grace_are_over(
    last: float | None, now: float, state: HeartbeatState
) -> None:
    """Since it last came or, if it never has, since it was first expected."""
    assert state_of(replace(NEW, last=last), now, LONG_AGO) is state


def test_one_that_says_that_it_failed_has_until_it_comes_again() -> None:
    """However long that takes; and it's not missed beside."""
    failed = with_beat(with_beat(NEW, HOUR, failed=False), 2 * HOUR, failed=True)
    assert state_of(failed, 2 * HOUR, LONG_AGO) is HeartbeatState.FAILED
    assert state_of(failed, 30 * DAY, LONG_AGO) is HeartbeatState.FAILED
    assert (
        state_of(with_beat(failed, 3 * HOUR, failed=False), 3 * HOUR, LONG_AGO)
        is HeartbeatState.ALIVE
    )


def test_one_that_fails_at_first_has_failed() -> None:
    """It needn't have come before."""
    assert state_of(with_beat(NEW, HOUR, failed=True), HOUR, LONG_AGO) is HeartbeatState.FAILED


# --- a router that was down itself


@pytest.mark.parametrize(
    ("heartbeat", "started", "due"),
    [
        # Down for a day: a short one may come in its time, and is late only after its grace.
        (WATCHDOG, DAY, DAY + 6 * MINUTE),
        # The next backup is a day away: a quarter of an hour and its grace, and then it's worth
        # asking.
        (BACKUP, 2 * DAY, 2 * DAY + AFTER_START + HOUR),
        # A start long before it's due changes nothing.
        (BACKUP, HOUR, DAY + HOUR),
    ],
)
def test_a_start_gives_another_chance_to_come(
    heartbeat: Heartbeat, started: float, due: float
) -> None:
    """None is dead the second that the router starts, nor for ever alive because it's started again
    and again.
    """
    beats = with_beat(expected(heartbeat, None, 0.0), 0.0, failed=False)
    assert missed_at(beats, started) == due
    assert state_of(beats, started, started) is HeartbeatState.ALIVE
    assert state_of(beats, due - 1, started) is HeartbeatState.ALIVE
    assert state_of(beats, due, started) is HeartbeatState.MISSED


def test_a_start_does_not_end_what_was_told() -> None:
    """Only the beat does: an incident mustn't be resolved by a restart of the router."""
    missed = replace(NEW, reported=HeartbeatState.MISSED)
    assert state_of(missed, 2 * DAY, started=2 * DAY) is HeartbeatState.MISSED
    assert (
        state_of(replace(NEW, reported=HeartbeatState.WAITING), 2 * DAY, started=2 * DAY)
        is HeartbeatState.WAITING
    )


# --- a config that changes


def test_a_new_one_and_a_changed_one_are_waited_for_afresh() -> None:
    """From the change on; an unchanged one isn't, or a reload would be a reprieve."""
    assert expected(BACKUP, None, 5.0) == Beats(5.0, DAY, HOUR)
    known = Beats(0.0, DAY, HOUR, last=1.0)
    assert expected(BACKUP, known, 9.0) is known
    hourly = expected(replace(BACKUP, every=HOUR), known, 9.0)
    assert hourly == Beats(9.0, HOUR, HOUR, last=1.0)
    assert overdue_at(hourly) == 9.0 + 2 * HOUR


# --- alerts for the rules


def test_what_is_missed_is_an_alert_and_over_when_it_comes() -> None:
    """Its labels match rules; fingerprint and start stay the same however often it's sent."""
    (missed,) = reports("backup", NEW, HeartbeatState.MISSED, DAY + HOUR)
    assert missed.source == "heartbeat"
    assert missed.labels == {"alertname": "HeartbeatMissed", "heartbeat": "backup"}
    assert missed.status is AlertStatus.FIRING
    assert missed.starts_at == DAY + HOUR
    assert (
        missed.annotations["summary"]
        == "Heartbeat backup is missed: no beat so far, expected every 1d"
    )
    assert reports("backup", NEW, HeartbeatState.MISSED, 9 * DAY) == [missed], (
        "a second time, after a crash"
    )
    (ended,) = reports(
        "backup",
        replace(NEW, last=2 * DAY, reported=HeartbeatState.MISSED),
        HeartbeatState.ALIVE,
        2 * DAY,
    )
    assert (ended.fingerprint, ended.status) == (missed.fingerprint, AlertStatus.RESOLVED)


def test_a_failure_takes_the_place_of_a_miss_without_a_gap() -> None:
    """The new alert comes before the old one ends, so the incident that holds both stays open."""
    beats = replace(NEW, reported=HeartbeatState.MISSED, failed=2 * DAY)
    assert reported(reports("backup", beats, HeartbeatState.FAILED, 2 * DAY)) == [
        ("HeartbeatFailed", "firing"),
        ("HeartbeatMissed", "resolved"),
    ]


@pytest.mark.parametrize("state", [HeartbeatState.WAITING, HeartbeatState.ALIVE])
def test_that_one_is_well_is_no_news(state: HeartbeatState) -> None:
    """A regular heartbeat notifies nobody."""
    assert reports("backup", NEW, state, HOUR) == []
    assert ending("backup", state, HOUR) == []


def test_one_that_is_expected_no_more_ends_what_it_was_told_as() -> None:
    """Nothing else would end that incident."""
    assert reported(ending("backup", HeartbeatState.FAILED, HOUR)) == [
        ("HeartbeatFailed", "resolved")
    ]


@given(
    st.lists(
        st.tuples(st.floats(1, 2 * DAY), st.sampled_from(["beat", "fail", "look", "restart"])),
        max_size=30,
    ),
)
def test_the_rules_always_know_how_it_is(happenings: list[tuple[float, str]]) -> None:
    """After each check exactly the alert of the current state fires, and none while all is well."""
    now, started, beats, firing = 0.0, 0.0, NEW, set[str]()
    for wait, what in happenings:
        now += wait
        if what == "restart":
            started = now
        elif what != "look":
            beats = with_beat(beats, now, failed=what == "fail")
        found = status_of(BACKUP, beats, now, started)
        for report in reports("backup", beats, found.state, now):
            (firing.add if report.status is AlertStatus.FIRING else firing.discard)(
                report.labels["alertname"]
            )
        beats = replace(beats, reported=found.state)
        assert firing == ({ALERTS[found.state]} if found.state in ALERTS else set())
        assert found.state is not HeartbeatState.ALIVE or now < found.missed_at


# --- alerts that are beats


@pytest.mark.parametrize(
    ("labels", "status", "names"),
    [
        ({"alertname": "Watchdog"}, AlertStatus.FIRING, {"watchdog"}),
        ({"alertname": "Watchdog"}, AlertStatus.RESOLVED, set()),
        ({"alertname": "Other"}, AlertStatus.FIRING, set()),
    ],
)
def test_an_alert_is_a_beat_while_it_fires(
    labels: dict[str, str], status: AlertStatus, names: set[str]
) -> None:
    """A resolved alert means that it has stopped. A heartbeat without matchers ignores alerts."""
    assert beats_among([BACKUP, WATCHDOG], [alert(labels=labels, status=status)]) == names


# --- days that aren't 24 hours long


def on(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/London")).timestamp()


@pytest.mark.parametrize(
    ("last", "zone", "due"),
    [
        # In its own zone a day is until the same time tomorrow, of 25 and of 23 hours.
        ("2026-10-24 03:00", "Europe/London", "2026-10-25 03:30"),
        ("2027-03-27 03:00", "Europe/London", "2027-03-28 03:30"),
        ("2026-11-23 03:00", "Europe/London", "2026-11-24 03:30"),
        # By the company's clock it is that or 24 hours: the job may run by UTC.
        ("2026-10-24 03:00", None, "2026-10-25 03:30"),
        ("2027-03-27 03:00", None, "2027-03-28 04:30"),
        ("2026-11-23 03:00", None, "2026-11-24 03:30"),
        ("2026-10-24 03:00", "UTC", "2026-10-25 02:30"),
    ],
)
def test_a_daily_heartbeat_goes_by_the_clock(last: str, zone: str | None, due: str) -> None:
    """Over the changes of the clock as on other days."""
    daily = Heartbeat("nightly", DAY, 30 * MINUTE, time_zone=zone, company_zone="Europe/London")
    beats = replace(expected(daily, None, 0.0), last=on(last))
    assert overdue_at(beats) == on(due)


def test_a_shorter_period_is_exact() -> None:
    hourly = Heartbeat("hourly", 12 * HOUR, 0.0, time_zone="Europe/London")
    beats = replace(expected(hourly, None, 0.0), last=on("2026-10-24 20:00"))
    assert overdue_at(beats) == on("2026-10-24 20:00") + 12 * HOUR


def test_another_clock_is_no_reprieve() -> None:
    """Nor is a store that an older version wrote, which knew no clock."""
    older = Beats(0.0, DAY, HOUR, last=1.0, reported=HeartbeatState.MISSED)
    daily = Heartbeat("nightly", DAY, HOUR, company_zone="Europe/London")
    assert replace(expected(daily, older, 9.0), zone="", local=False) == older
