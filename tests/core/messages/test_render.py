"""The words for an incident: the plan's internal alert, and one line per timeline entry."""

import unicodedata

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.core.messages.render import Content, content
from router.core.text.plain import plain, utc
from router.model.decision import Entry
from router.model.deployment import Deployment
from router.model.incident import Incident, Severity, Status
from router.model.notification import Message, OtherIncident
from router.model.reason import Reason

OPENED = 1_704_119_400.0  # 2024-01-01 14:30 UTC, the plan's example


def incident(**changes: object) -> Incident:
    plan = Incident(
        id=42,
        key="payments{}",
        rule="payments",
        source="alertmanager",
        title="Payment processing down",
        severity=Severity.P0,
        status=Status.INVESTIGATING,
        opened_at=OPENED,
        updated_at=OPENED,
        lead="engineer",
        firing=1,
        alerts=1,
    )
    return msgspec.structs.replace(plan, **changes)


def entry(what: Reason, after: float = 0.0, by: str = "", **data: object) -> Entry:
    return Entry(42, OPENED + after, what, by=by, data=data)


def said(
    timeline: tuple[Entry, ...] = (), url: str = "", company: str = "VintStreet", **changes: object
) -> Content:
    message = Message(
        incident=incident(**changes),
        channel="log",
        seq=1,
        reason=Reason.OPENED,
        at=OPENED,
        timeline=timeline,
        url=url,
        company=company,
    )
    return content(message)


def test_text_is_the_plans_internal_alert_to_the_letter() -> None:
    """The plan's example comes out as the plan writes it."""
    timeline = (entry(Reason.OPENED), entry(Reason.NOTED, 300, text="Team investigating"))
    assert said(timeline).text == (
        "🚨 [P0] VintStreet Incident\n"
        "\n"
        "Status: INVESTIGATING\n"
        "Impact: Payment processing down\n"
        "Started: 2024-01-01 14:30 UTC\n"
        "Incident Lead: @engineer\n"
        "\n"
        "Updates:\n"
        "14:30 - Incident detected\n"
        "14:35 - Team investigating"
    )


@pytest.mark.parametrize(
    ("changes", "headline", "status"),
    [
        ({}, "🚨 [P0] VintStreet Incident", "INVESTIGATING"),
        (
            {"severity": Severity.P2, "status": Status.MONITORING},
            "🚨 [P2] VintStreet Incident",
            "MONITORING",
        ),
        ({"status": Status.RESOLVED}, "✅ [P0] VintStreet Incident", "RESOLVED"),
        ({"status": Status.FALSE_POSITIVE}, "⚪ [P0] VintStreet Incident", "FALSE POSITIVE"),
        ({"company": ""}, "🚨 [P0] Incident", "INVESTIGATING"),
    ],
)
def test_headline_and_status_tell_the_state(
    changes: dict[str, object], headline: str, status: str
) -> None:
    """An open incident alarms, a closed one says how it ended."""
    one = said(**changes)
    assert (one.headline, one.status) == (headline, status)


def test_subject_stays_the_same_over_the_incidents_life() -> None:
    """Mail clients keep one thread only if neither severity nor status is in it."""
    assert {said().subject, said(status=Status.RESOLVED, severity=Severity.P3).subject} == {
        "[INC-42] Payment processing down"
    }


@pytest.mark.parametrize(
    ("changes", "lead"),
    [
        ({"lead": ""}, "nobody yet"),
        ({"lead": "", "acknowledged_by": "ana"}, "@ana"),
        ({"lead": "ben", "acknowledged_by": "ana"}, "@ben"),
        ({"lead": "ana@example.com"}, "ana@example.com"),
        ({"lead": "somebody in Slack"}, "somebody in Slack"),
    ],
)
def test_lead_is_who_leads_or_else_who_acknowledged(changes: dict[str, object], lead: str) -> None:
    assert said(**changes).lead == lead


def test_updates_are_the_latest_ten_about_the_incident() -> None:
    """Delivery entries are not news to readers."""
    notes = tuple(entry(Reason.NOTED, 60 * minute, text=str(minute)) for minute in range(12))
    delivery = entry(Reason.DELIVERED, 1000, channel="log")
    assert [what for _, what in said((*notes, delivery)).updates] == [
        str(minute) for minute in range(2, 12)
    ]


def test_updates_of_another_day_carry_its_date() -> None:
    updates = said((entry(Reason.OPENED), entry(Reason.QUIET, 10 * 3600))).updates
    assert [when for when, _ in updates] == ["14:30", "2024-01-02 00:30"]


def test_links_are_web_addresses_only() -> None:
    """An alert's own links can be anything: nothing that runs, nothing with a second line."""
    safe = said(url="http://r/incidents/42", runbook="https://r/book")
    assert safe.links == (("Incident", "http://r/incidents/42"), ("Runbook", "https://r/book"))
    assert said(runbook="javascript:alert(1)").links == ()
    assert said(runbook="https://r/\nStatus: RESOLVED").links == ()


def test_the_first_few_links_of_the_config_are_in_messages() -> None:
    """After the incident's own; the page has the rest."""
    links = tuple((f"Logs {n}", f"https://logs/{n}") for n in range(5))
    shown = content(
        Message(
            incident(), "c", 1, Reason.OPENED, OPENED, url="http://r/incidents/42", elsewhere=links
        )
    ).links
    assert shown == (("Incident", "http://r/incidents/42"), *links[:3])


def test_the_suspect_is_in_the_text_the_facts_and_the_links() -> None:
    """With the deployer and a link to the changes; any name stays on one line."""
    suspect = Deployment(
        "d",
        OPENED - 450,
        "github",
        commit="abc1234def",
        author="ana\nx",
        compare="https://r/compare",
    )
    one = said(suspect=suspect)
    line = "deploy abc1234 by ana x, 7 min before onset"
    assert f"Incident Lead: @engineer\nSuspect: {line}\n" in one.text
    assert ("Suspect", line) in one.facts
    assert ("What changed", "https://r/compare") in one.links


def test_links_follow_the_text() -> None:
    assert said(runbook="https://r/book").text.endswith("@engineer\n\nRunbook: https://r/book")


@settings(deadline=None)
@given(st.text(), st.text(), st.text())
def test_whatever_is_put_in_no_line_is_forged(title: str, lead: str, note: str) -> None:
    """Titles, names and notes can add no line, and no control character, to the text."""
    one = said(
        (entry(Reason.NOTED, by=lead, text=note),),
        title=title,
        lead=lead,
        annotations={"description": note},
    )
    assert len(one.text.split("\n")) == 9
    for text in (
        one.subject,
        one.title,
        one.lead,
        *one.updates[0],
        *(value for _, value in one.facts),
    ):
        assert len(text.splitlines()) == 1
        assert not {unicodedata.category(message) for message in text} & {"Cc", "Cs"}


def test_plain_drops_what_makes_text_read_as_another() -> None:
    """Right-to-left overrides and terminal escapes are gone; joined emoji stay whole."""
    assert plain("a\u202eb \x1b[31mc\x00 \u2066d\ud800") == "a b [31mc d"
    assert plain("👩\u200d🚒") == "👩\u200d🚒"


def test_utc_is_to_the_minute() -> None:
    assert utc(OPENED + 59.9) == "2024-01-01 14:30 UTC"


def test_further_incidents_are_named_after_it() -> None:
    """As they are, a line each, the top five; then the page that lists all."""
    others = [
        OtherIncident(incident(id=n, severity=severity, acknowledged_at=OPENED), f"http://r/{n}")
        for n, severity in zip(range(50, 73), [Severity.P1] * 3 + [Severity.P2] * 20, strict=True)
    ]
    url = "http://r/incidents?ids=42,50-72"
    message = Message(
        incident(), "log", 1, Reason.OPENED, OPENED, other_incidents=tuple(others), list_url=url
    )
    lines = content(message).text.splitlines()
    start = lines.index("AND 23 MORE INCIDENTS (3 P1, 20 P2), TOP 5:")
    assert lines[start + 1] == "P1 INC-50 acknowledged: Payment processing down http://r/50"
    assert lines[start + 6 :] == [f"All 24 incidents: {url}"]
    assert content(message).subject.endswith("(and 23 more)")
    assert content(message).links[0] == ("All incidents", url)
