"""Message templates: the defaults, a company's own, and public text without internal details."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from router.core.messages.render import to_stakeholders
from router.core.messages.templates import (
    CUSTOMERS,
    INTERNAL,
    KINDS,
    STAKEHOLDERS,
    UPDATE,
    Wording,
    check,
    headed,
)
from router.model.decision import Entry
from router.model.incident import Incident, Severity, Status
from router.model.reason import Reason
from tests.senders.kit import make_incident, make_message

START = 1_704_119_400.0
"""2024-01-01 14:30 UTC, the plan's example."""

WORDING = Wording(
    "VintStreet", "support@vintstreet.com", components={"payments": "Payment processing"}
)


def ended(**changes: Any) -> Incident:
    at = {"opened_at": START, "closed_at": START + 2700, "status": Status.RESOLVED}
    return make_incident(**(at | changes))


def test_the_mail_to_customers_is_the_plans() -> None:
    """But that no data was compromised, which the router can't know."""
    said = WORDING.to_customers(ended(), (), START + 3000)
    assert said.subject == "Service Update - VintStreet"
    assert said.text == (
        "Dear VintStreet Users,\n\n"
        "We experienced a service interruption on Jan 1, 2024 affecting Payment processing.\n"
        "The issue has been resolved, and Payment processing is operating normally again.\n\n"
        "We sincerely apologize for any inconvenience this may have caused.\n\n"
        "Timeline:\n- Issue started: 2:30 PM UTC\n- Issue resolved: 3:15 PM UTC\n- Duration: "
        "45 minutes\n\n"
        "If you have any questions, please contact support@vintstreet.com\n\n"
        "Thank you for your patience.\nThe VintStreet Team"
    )


def test_a_mail_about_more_than_a_day_names_the_days() -> None:
    text = WORDING.to_customers(
        ended(closed_at=START + 86_400), (), START + 90_000, "America/New_York"
    ).text
    assert (
        "- Issue started: Jan 1, 2024 at 9:30am EST\n- Issue resolved: Jan 2, 2024 at 9:30am EST"
        in text
    )


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (
            Status.INVESTIGATING,
            "We are currently investigating reports of problems with Payment processing. Our team",
        ),
        (Status.IDENTIFIED, "We have found the cause of the problems with Payment processing"),
        (Status.MONITORING, "A fix for the problems with Payment processing is in place."),
        (Status.RESOLVED, "The problems with Payment processing have been resolved."),
        (Status.FALSE_POSITIVE, "We have found that Payment processing worked as it should."),
    ],
)
def test_the_status_page_says_how_far_it_is(status: Status, words: str) -> None:
    said = WORDING.update(make_incident(status=status), START)
    assert said.subject == "Payment processing issues"
    assert said.text.startswith(words)


def test_without_a_component_it_is_the_service() -> None:
    said = Wording().update(make_incident(component=""), START)
    assert (said.subject, "problems with our service." in said.text) == ("Service issues", True)


def test_stakeholders_read_what_it_is_since_when_who_leads_and_when_there_is_news() -> None:
    message = make_message(
        opened_at=START,
        lead="ana",
        time_zone="Europe/Paris",
        next_update=START + 900.0,
        company="VintStreet",
    )
    said = to_stakeholders(message)
    assert said.subject == "[INC-142] Payment failures at 2.5% on api"
    for line in (
        "Impact: P0, critical: the service is down, or its security or data are at risk",
        "Affects: payments",
        "Status: Investigating",
        "Since: 2024-01-01 15:30 CET",
        "Incident lead: @ana",
        "Next update by: 2024-01-01 15:45 CET",
        "Incident: http://127.0.0.1:9095/incidents/142",
    ):
        assert line in said.text.splitlines()


def test_the_next_update_is_promised_by_the_severity_and_not_once_its_overdue_or_over() -> None:
    wording = Wording(update_every={Severity.P0: 900.0})
    incident = make_incident(news_at=START)
    assert wording.next_update(incident, START + 60) == START + 900
    assert wording.next_update(incident, START + 900) is None
    assert wording.next_update(ended(news_at=START), START + 60) is None
    assert wording.next_update(replace(incident, severity=Severity.P1), START + 60) is None


# --- a company's own


def own(name: str, text: str) -> Wording:
    return replace_own(WORDING, name, text)


def replace_own(wording: Wording, name: str, text: str) -> Wording:
    return Wording(
        wording.company,
        wording.support_email,
        own={name: check(name, text)},
        components=wording.components,
    )


def test_own_words_take_the_place_of_the_packaged() -> None:
    wording = own(
        UPDATE, "Title: Trouble with {{ component }}\n\nSince {{ started | clock }}: {{ status }}."
    )
    said = wording.update(make_incident(opened_at=START), START)
    assert (said.subject, said.text) == (
        "Trouble with Payment processing",
        "Since 2:30 PM UTC: investigating.",
    )


def test_one_that_fails_on_a_real_incident_is_replaced_by_the_packaged() -> None:
    """It passed on the made-up ones; the message matters more than its form."""
    wording = own(INTERNAL, "{{ headline }} {{ 1 / (title | length - 3) }}")
    assert wording.write(INTERNAL, {"headline": "H", "title": "abc", "status": "OPEN"}).startswith(
        "H\n\nStatus: OPEN"
    )


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        (UPDATE, "Title: x\n\n{{ labels.service }}", "line 3: expected one of .*, not labels"),
        (CUSTOMERS, "Subject: x\n\n{{ lead }}", "line 3: expected one of .*, not lead"),
        (
            CUSTOMERS,
            "Subject: x\n\n{% include 'y' %}",
            "line 3: expected no statement but if and for",
        ),
        (INTERNAL, "{{ headline", "line 1: "),
        (STAKEHOLDERS, "Subject: only", "expected a first line with the subject"),
        (INTERNAL, "", "expected a text"),
        (UPDATE, "Title: x\n\n{{ 'a' * 1000000 }}", "rendering it fails for an incident"),
    ],
)
def test_what_cant_be_used_is_said_with_its_line(name: str, text: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        check(name, text)


def test_the_packaged_are_as_good_as_ones_own() -> None:
    from router.templates import source

    for name in KINDS:
        check(name, source(name))


@pytest.mark.parametrize("first", ["Subject: Down", "title: Down", "Down"])
def test_the_first_line_is_the_subject_with_or_without_a_word_for_it(first: str) -> None:
    assert headed(f"{first}\n\nText") == headed("Down\n\nText")


# --- what the public may know

SECRET = st.text("abcdefghijklmnopqrstuvwxyz", min_size=8, max_size=20).map(
    lambda text: f"zq{text}"
)
EVERYTHING = {
    name: "\n".join(
        [f"{{{{ {one} }}}}" for one in sorted(KINDS[name].names - {"updates"})]
        + (
            ["{% for one in updates %}{{ one }}{% endfor %}"]
            if "updates" in KINDS[name].names
            else []
        )
    )
    for name in (UPDATE, CUSTOMERS)
}
"""A template that says all that it's given."""


@given(st.lists(SECRET, min_size=9, max_size=9, unique=True), st.sampled_from(Status))
def test_public_words_hold_nothing_internal_whatever_the_template(
    secrets: list[str], status: Status
) -> None:
    """No template can reach labels, internal titles, notes or names."""
    title, rule, label, value, note, person, link, source, key = secrets
    incident = make_incident(
        title=title,
        rule=rule,
        key=key,
        labels={label: value},
        annotations={label: value},
        lead=person,
        source=source,
        acknowledged_by=person,
        closed_by=person,
        url=f"https://{link}",
        runbook=f"https://{link}",
        status=status,
    )
    timeline = [
        Entry(142, START, Reason.OPENED, source, {"title": title, "alert": value}),
        Entry(142, START, Reason.NOTED, person, {"text": note}),
        Entry(
            142,
            START,
            Reason.PUBLISHED,
            person,
            {"text": "Cards fail", "status": "investigating", "title": "Cards"},
        ),
    ]
    greedy = Wording(
        "VintStreet", own={name: check(name, f"x\n\n{text}") for name, text in EVERYTHING.items()}
    )
    for wording in (WORDING, greedy):
        said = [wording.update(incident, START), wording.to_customers(incident, timeline, START)]
        assert not [secret for secret in secrets if secret in repr(said)]
    assert "Cards fail" in greedy.to_customers(incident, timeline, START).text


@given(st.text(), st.sampled_from(list(KINDS)))
def test_no_expression_begins_a_line_of_its_own(text: str, name: str) -> None:
    """No alert text can forge the status or add a line."""
    incident = make_incident(
        title=text, lead=text, component=text, public_title=text, labels={"a": text}
    )
    message = make_message(incident=incident)
    lines = {
        INTERNAL: lambda value: make_lines(message, replace(incident, title=value, lead="x")),
        STAKEHOLDERS: lambda value: make_lines(message, replace(incident, title=value, lead="x")),
        UPDATE: lambda value: len(
            Wording().update(replace(incident, component=value), START).text.splitlines()
        ),
        CUSTOMERS: lambda value: len(
            Wording().to_customers(replace(incident, component=value), (), START).text.splitlines()
        ),
    }[name]
    assert lines(f"a{text}") == lines("a")


def make_lines(message: Any, incident: Incident) -> int:
    return len(
        to_stakeholders(
            replace(message, incident=replace(incident, component="x"))
        ).text.splitlines()
    )
