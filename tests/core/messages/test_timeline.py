"""Timeline entries as text."""

import pytest

from router.core.messages.timeline import describe, measured, news
from router.model.decision import Entry
from router.model.reason import Reason
from router.model.reasons import row
from tests.senders.kit import NOW, make_message


def entry(what: Reason, by: str = "", id_: int = 0, **data: object) -> Entry:
    return Entry(142, NOW, what, by=by, data=data, id=id_)


NOT_ON_A_TIMELINE = {
    Reason.SILENCES_CHANGED,
    Reason.MATCHED,
    Reason.SOURCE_DIFFERS,
    Reason.MATCHER_FAILED,
    Reason.TAKEN_BEFORE,
    Reason.ABOVE_THRESHOLD,
    Reason.SEVERITY_MAPPED,
    Reason.LATE_RESOLVE,
    Reason.LATE_FIRING,
    Reason.WITHIN_HYSTERESIS,
    Reason.REPEATED,
    Reason.NEVER_FIRED,
    Reason.REPLAYED,
    Reason.UNKNOWN_INCIDENT,
    Reason.TIMER_OUTDATED,
    Reason.ACTION_NOT_OFFERED,
    Reason.ACTION_NOT_WAITING,
    Reason.NOT_SUSPECTED,
    Reason.DEPLOYMENT_RECORDED,
    Reason.DEPLOYMENT_ELSEWHERE,
    Reason.STILL_OPEN,
    Reason.UNKNOWN_ITEM,
}


def test_every_reason_on_a_timeline_has_words() -> None:
    """A new reason is put into words, or listed here as never on a timeline."""
    assert {reason for reason in Reason if row(reason).timeline} == set(Reason) - NOT_ON_A_TIMELINE


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_one_line_with_and_without_particulars(reason: Reason) -> None:
    """No brace or bracket of the table's own shows, whether the particulars are there or not."""
    full = dict.fromkeys(
        (
            "severity",
            "from",
            "alert",
            "value",
            "threshold",
            "text",
            "channel",
            "channels",
            "error",
            "attempts",
        ),
        "some\r\nthing",
    )
    for one in (entry(reason), entry(reason, by="ana", **full)):
        assert describe(one)
        assert not set(describe(one)) & set("[]{}\r\n")


@pytest.mark.parametrize(
    ("one", "line"),
    [
        (
            entry(Reason.OPENED, alert="Fails", value="2%", threshold="> 1%"),
            "detected: Fails at 2% (threshold > 1%)",
        ),
        (
            entry(Reason.SEVERITY_RAISED, **{"from": "P1", "severity": "P0"}),
            "Severity raised from P1 to P0",
        ),
        (entry(Reason.ACKNOWLEDGED, by="ana"), "Acknowledged by ana"),
        (entry(Reason.RESOLVED_BY_PERSON, by="source:pagerduty"), "Resolved by pagerduty"),
        (entry(Reason.FALLBACK, channel="chat", channels=["sms"]), "Fallback for chat: sms"),
        (entry(Reason.NOTED, by="ana", text="two\nlines"), "two lines (ana)"),
        (entry(Reason.NOTED), "Noted"),
        (entry(Reason.NOTED, by="ana", text="{by} [x]"), "{by} [x] (ana)"),
        (entry(Reason.STEP_DUE, channels=["sms", "mail"]), "Escalated to the next step: sms, mail"),
        (
            entry(Reason.STEP_DUE, channels=["sms/ana"], later=["call/ana"]),
            "Escalated to the next step: sms/ana; later, unless acknowledged: call/ana",
        ),
        (
            entry(Reason.DELIVERY_FAILED, channel="mail", attempts=3, error=None),
            "not delivered to mail (attempt 3)",
        ),
    ],
)
def test_particulars_are_told_where_they_are_known(one: Entry, line: str) -> None:
    assert describe(one).endswith(line)


# --- measured values


@pytest.mark.parametrize(
    ("value", "threshold", "shown"),
    [
        ("0.4", "> 10%", "40%"),
        ("40%", "> 10%", "40%"),
        ("0.023", "> 1% until < 0.8%", "2.3%"),
        ("1.5", "> 500ms", "1.5s"),
        ("12", "> 10", "12"),
        ("8 apples", "> 10%", "8 apples"),
        ("0.4", "", "0.4"),
        ("0.4", "unknown", "0.4"),
    ],
)
def test_a_value_is_shown_in_the_unit_of_its_threshold(
    value: str, threshold: str, shown: str
) -> None:
    assert measured(value, threshold) == shown


def test_a_rise_shows_the_value_that_caused_it() -> None:
    """From 2 % to 40 %, as in a message about a raised severity."""
    raised = entry(
        Reason.SEVERITY_RAISED,
        **{
            "from": "P1",
            "severity": "P0",
            "alert": "ErrorRate",
            "value": "0.4",
            "threshold": "> 10%",
        },
    )
    assert describe(raised) == "Severity raised from P1 to P0: ErrorRate at 40% (threshold > 10%)"


@pytest.mark.parametrize(
    ("value", "doubt"),
    [
        ("8.5GiB", "measured value '8.5GiB' can't be read, so the lowest severity applies"),
        (None, "is missing"),
    ],
)
def test_an_unreadable_value_is_not_worded_as_measured(value: str | None, doubt: str) -> None:
    data = {"alert": "Memory", "value": value, "threshold": "> 1Gi", "reason": "value_unreadable"}
    line = describe(entry(Reason.OPENED, **data))
    assert line.startswith("Incident detected: Memory (")
    assert doubt in line
    assert "threshold" not in line


def test_an_alert_below_its_threshold_is_not_resolved() -> None:
    """It still fires, but holds no incident open; so is one that the rules no longer match."""
    assert (
        describe(entry(Reason.CLEARED, reason="below_threshold"))
        == "Alert is below every threshold"
    )
    assert describe(entry(Reason.CLEARED, reason="rules_changed")).startswith(
        "Alert left the incident"
    )
    assert describe(entry(Reason.CLEARED, reason="cleared")) == "Alert resolved"


# --- a few words for a text message or a call


@pytest.mark.parametrize(
    ("entries", "reason", "words"),
    [
        ([entry(Reason.STEPS_REPEATED, id_=5, time=3)], Reason.STEPS_REPEATED, "reminder 3"),
        ([entry(Reason.ESCALATED, "ana", 5)], Reason.ESCALATED, "escalated by ana"),
        ([entry(Reason.UNANSWERED, id_=5)], Reason.UNANSWERED, "nobody acknowledged"),
        ([entry(Reason.ASSIGNED, "ana", 5, lead="ben")], Reason.ASSIGNED, "ben leads"),
        (
            [entry(Reason.STATUS_SET, "ana", 5, status="monitoring")],
            Reason.STATUS_SET,
            "monitoring",
        ),
        (
            [entry(Reason.SEVERITY_RAISED, id_=5, **{"from": "P2", "severity": "P0"})],
            Reason.SEVERITY_RAISED,
            "now P0, was P2",
        ),
        (
            [
                entry(Reason.ASSIGNED, "ana", 5, lead="ben"),
                entry(Reason.STEPS_REPEATED, id_=6, time=1),
            ],
            Reason.STEPS_REPEATED,
            "ben leads, reminder 1",
        ),
        (
            [
                entry(Reason.STATUS_SET, "ana", 5, status="identified"),
                entry(Reason.UNANSWERED, id_=6),
            ],
            Reason.UNANSWERED,
            "identified, nobody acknowledged",
        ),
        ([entry(Reason.DELIVERED, id_=5)], Reason.STEP_DUE, ""),
    ],
)
def test_a_later_message_reports_what_is_new(
    entries: list[Entry], reason: Reason, words: str
) -> None:
    assert news(make_message(timeline=tuple(entries), seen_entry=4, sent=1, reason=reason)) == words


def test_a_first_message_reports_its_own_reason_only() -> None:
    """The whole timeline is new to its recipient."""
    timeline = (
        entry(Reason.OPENED, id_=1),
        entry(Reason.ASSIGNED, "ana", 2, lead="ben"),
        entry(Reason.STEP_DUE, id_=3, step=2),
    )
    assert news(make_message(timeline=timeline, reason=Reason.STEP_DUE)) == "escalated to step 2"
    assert news(make_message(timeline=timeline[:2], reason=Reason.OPENED)) == ""
