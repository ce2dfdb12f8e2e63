"""Incident statistics: counted and excluded incidents."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from router.core.postmortem.statistics import (
    IncidentFacts,
    Pages,
    Times,
    is_night,
    statistics,
    week,
)
from router.model.decision import Entry
from router.model.incident import Incident, Severity, Status
from router.model.reason import Reason

MONDAY = 1_770_000_000.0
"""2026-02-02 02:40 UTC."""
DAY = 86_400.0


def story(at: float = 0.0, *happened: tuple[float, Reason, str], **changed: Any) -> IncidentFacts:
    """An incident that opened then (seconds after the Monday), and what happened so many seconds
    after that.
    """
    opened = MONDAY + at
    values = {
        "status": Status.RESOLVED,
        "closed_at": opened + 3600.0,
        "severity": Severity.P1,
        "rule": "payments",
    }
    incident = Incident(
        id=1,
        key="k",
        source="s",
        title="t",
        opened_at=opened,
        updated_at=opened,
        **(values | changed),
    )
    return IncidentFacts(
        incident,
        [Entry(1, opened + after, what, data={"channel": who}) for after, what, who in happened],
    )


def count(*stories: IncidentFacts, **zones: str) -> Any:
    return statistics(stories, zone="UTC", zones=zones)


def test_a_merged_incident_counts_only_its_pages() -> None:
    """It ended with the merge, and what it was about goes on in the other incident."""
    paged = (0.0, Reason.DELIVERED, "sms/ana")
    answered = (60.0, Reason.ACKNOWLEDGED, "")
    merged = story(0.0, paged, answered, status=Status.MERGED, closed_at=MONDAY + 60.0)
    found = count(story(), merged)
    assert (found.total.incidents, found.by_rule["payments"].incidents) == (1, 1)
    assert (found.total.acknowledge_mean, found.total.resolve_mean) == (None, 3600.0)
    assert found.pages == {"ana": Pages(1, 1)}


def test_times() -> None:
    """Mean and median; the first acknowledgement counts; open or unanswered incidents count
    partly.
    """
    acked = Reason.ACKNOWLEDGED
    found = count(
        story(0, (60.0, acked, ""), (900.0, acked, "")),
        story(1, (120.0, acked, ""), closed_at=MONDAY + 601.0),
        story(2, (600.0, acked, ""), closed_at=None, status=Status.INVESTIGATING),
        story(3, closed_at=None, status=Status.INVESTIGATING),
    )
    assert found.total == Times(4, 260.0, 120.0, 2100.0, 2100.0, 600.0, 3600.0)
    assert count().total == Times(0, None, None, None, None)


def test_groups() -> None:
    """Groups by severity, rule and week; weeks without incidents are included."""
    found = count(
        story(),
        story(15 * DAY, severity=Severity.P0),
        story(-3 * 3600, rule="auth"),
        story(DAY, rule="auth"),
    )
    assert {name: times.incidents for name, times in found.by_severity.items()} == {
        "P0": 1,
        "P1": 3,
    }
    assert {name: times.incidents for name, times in found.by_rule.items()} == {
        "auth": 2,
        "payments": 2,
    }
    weeks = {"2026-01-26": 1, "2026-02-02": 2, "2026-02-09": 0, "2026-02-16": 1}
    assert {name: times.incidents for name, times in found.by_week.items()} == weeks


def test_drills_and_what_wasnt_real_are_left_out() -> None:
    assert count(story(drill=True), story(status=Status.FALSE_POSITIVE)).total.incidents == 0


def test_a_page_is_what_reaches_a_person_while_nobody_has_answered() -> None:
    """Not a channel, and not the news that somebody else is on it, unless it's escalated or comes
    back.
    """
    got = Reason.DELIVERED
    found = count(
        story(
            0,
            (0.0, got, "slack"),
            (1.0, got, "sms/ana"),
            (2.0, got, "call/ana"),
            (3.0, Reason.ACKNOWLEDGED, ""),
            (4.0, got, "sms/ana"),
            (5.0, Reason.ESCALATED, ""),
            (6.0, got, "sms/ben"),
            (7.0, Reason.RESOLVED, ""),
            (8.0, got, "sms/ben"),
            (9.0, Reason.REOPENED, ""),
            (10.0, got, "sms/ben"),
        )
    )
    assert found.pages == {"ana": Pages(2, 2), "ben": Pages(2, 2)}


def test_a_message_to_a_stakeholder_is_no_page() -> None:
    """It informs, and asks nobody to answer."""
    delivered = story(0, (1.0, Reason.DELIVERED, "mail/ceo"))
    informed = [
        replace(entry, data={**entry.data, "stakeholder": True}) for entry in delivered.entries
    ]
    assert count(IncidentFacts(delivered.incident, informed)).pages == {}
    assert count(delivered).pages == {"ceo": Pages(1, 1)}


def test_night_is_by_ones_own_clock() -> None:
    """02:40 in London is 11:40 in Tokyo."""
    paged = story(0, (0.0, Reason.DELIVERED, "sms/ana"), (0.0, Reason.DELIVERED, "sms/ken"))
    assert count(paged, ken="Asia/Tokyo").pages == {"ana": Pages(1, 1), "ken": Pages(1, 0)}


@pytest.mark.parametrize(
    ("hour", "night"), [(21, False), (22, True), (0, True), (6, True), (7, False), (12, False)]
)
def test_the_night(hour: int, night: bool) -> None:
    assert is_night(MONDAY - 9600 + hour * 3600, "UTC") is night


def test_a_week_begins_on_monday_by_the_companys_clock() -> None:
    sunday = MONDAY - 3 * 3600
    assert (week(sunday, "UTC"), week(sunday, "Europe/Berlin")) == ("2026-01-26", "2026-02-02")


@given(
    st.lists(
        st.tuples(st.floats(0, 60 * DAY), st.sampled_from(Severity), st.sampled_from("ab")),
        max_size=20,
    )
)
def test_every_incident_is_in_one_group_of_each_kind(
    made: list[tuple[float, Severity, str]],
) -> None:
    """However they're grouped, there are as many, and weeks follow on each other."""
    found = count(*(story(at, severity=severity, rule=rule) for at, severity, rule in made))
    for group in (found.by_severity, found.by_rule, found.by_week):
        assert (
            sum(times.incidents for times in group.values()) == found.total.incidents == len(made)
        )
    assert [*found.by_week] == sorted(found.by_week)


def test_the_order_of_incidents_makes_no_difference() -> None:
    stories = [
        story(),
        story(8 * DAY, (5.0, Reason.ACKNOWLEDGED, "")),
        replace(story(9.0), entries=[]),
    ]
    assert count(*stories) == count(*reversed(stories))
