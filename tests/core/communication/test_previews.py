"""Previews: messages for the current state, texts waiting for approval, and approved texts."""

from dataclasses import replace as settings_with
from typing import Any

from msgspec.structs import replace

from router.core.communication.previews import Draft, drafts
from router.core.incident.commands import commanded
from router.core.incident.decide import decide
from router.core.incident.escalation import REMIND
from router.core.incident.policy import SeverityPlan
from router.core.incident.settings import Settings
from router.core.messages.render import content
from router.core.messages.templates import CUSTOMERS, UPDATE
from router.core.messages.timeline import describe
from router.model.decision import Entry
from router.model.event import Command, Commanded
from router.model.incident import Incident, Status
from router.model.notification import is_for_stakeholder
from router.model.reason import Reason
from tests.core.script import CONFIG, P0, acks, after, due, fires, resolves
from tests.senders.kit import NOW, make_incident, make_message
from tests.world import NOW as THEN

PUBLIC = settings_with(CONFIG, public=("status-page",), customers=("customers",))
OVER: dict[str, Any] = {"status": Status.RESOLVED, "closed_at": NOW}


def draft(
    name: str, incident: Incident, *timeline: Entry, config: Settings = PUBLIC
) -> Draft | None:
    return next((one for one in drafts(incident, timeline, config, NOW) if one.name == name), None)


def waits(name: str, incident: Incident, *timeline: Entry, config: Settings = PUBLIC) -> bool:
    found = draft(name, incident, *timeline, config=config)
    return found is not None and found.waits


def said(status: str) -> Entry:
    return Entry(142, NOW, Reason.PUBLISHED, "ana", {"status": status, "text": "x", "title": "y"})


def test_a_status_update_waits_at_the_opening_at_each_change_and_at_the_end() -> None:
    incident = make_incident()
    assert waits(UPDATE, incident)
    assert not waits(UPDATE, incident, said("investigating"))
    assert waits(UPDATE, replace(incident, status=Status.IDENTIFIED), said("investigating"))
    assert waits(UPDATE, make_incident(**OVER), said("identified"))
    assert not waits(UPDATE, make_incident(**OVER), said("resolved"))


def test_nothing_waits_that_customers_cant_feel_or_that_isnt_real() -> None:
    assert not waits(UPDATE, make_incident(component=""))
    assert not waits(UPDATE, make_incident(drill=True))
    assert not waits(UPDATE, make_incident(), config=CONFIG)
    assert not waits(UPDATE, make_incident(status=Status.FALSE_POSITIVE, closed_at=NOW))


def test_a_title_that_is_public_stays() -> None:
    found = draft(UPDATE, make_incident(public_title="Cards fail"))
    assert found is not None
    assert (found.subject, found.approves) == ("Cards fail", Command.PUBLISH)


def test_the_mail_to_customers_is_drafted_once_it_is_resolved_and_waits_until_its_announced() -> (
    None
):
    assert draft(CUSTOMERS, make_incident()) is None
    assert waits(CUSTOMERS, make_incident(**OVER))
    assert not waits(CUSTOMERS, make_incident(**OVER, announced_at=NOW))
    assert not waits(CUSTOMERS, make_incident(**OVER, drill=True))
    assert draft(CUSTOMERS, make_incident(**OVER), config=CONFIG).approves is None  # type: ignore[union-attr]


# --- announcing


def announces(at: float, text: str = "It's over.") -> Commanded:
    return Commanded(THEN + at, 1, "ana", Command.ANNOUNCE, text, title="Over")


def reason_of(incident: Incident, config: Settings = PUBLIC) -> Reason:
    return commanded(incident, announces(90), config).reason


def test_an_announcement_is_queued_with_the_words_that_were_approved() -> None:
    decision = decide(after(fires(0), resolves(60)), announces(90), PUBLIC)
    assert decision.reason is Reason.ANNOUNCED
    assert [(message.channel, message.reason) for message in decision.queued] == [
        ("customers", Reason.ANNOUNCED)
    ]
    assert decision.entries[0].data == {"title": "Over", "text": "It's over."}
    assert decision.incident.announced_at == THEN + 90


def test_it_is_announced_once_in_each_life_of_the_incident() -> None:
    once = decide(after(fires(0), resolves(60)), announces(90), PUBLIC).incident
    again = decide(once, announces(95), PUBLIC)
    assert (again.reason, again.queued) == (Reason.ALREADY_DONE, [])
    reopened = decide(once, fires(120), PUBLIC).incident
    assert reopened.announced_at is None
    assert reason_of(decide(reopened, resolves(180), PUBLIC).incident) is Reason.ANNOUNCED


def test_what_cant_be_announced_says_why() -> None:
    over = after(fires(0), resolves(60))
    assert reason_of(after(fires(0))) is Reason.NOT_RESOLVED
    assert reason_of(replace(over, status=Status.FALSE_POSITIVE)) is Reason.NOT_RESOLVED
    assert reason_of(replace(over, drill=True)) is Reason.NOT_PUBLIC
    assert reason_of(over, CONFIG) is Reason.NO_CUSTOMERS


# --- who only wants to know


def test_who_was_never_paged_is_an_onlooker() -> None:
    incident = make_incident(notified=("incidents", "mail/ana"))
    assert is_for_stakeholder(incident, "mail/dan", Reason.STATUS_SET)
    assert not is_for_stakeholder(incident, "mail/ana", Reason.STATUS_SET)
    # The lead is reminded, whether they were paged or not.
    assert not is_for_stakeholder(incident, "mail/ben", Reason.UPDATE_OVERDUE)


def test_the_reminder_names_the_command_to_run() -> None:
    plan = SeverityPlan(PUBLIC.severities[P0].policy, update_every=900.0)
    config = settings_with(PUBLIC, severities=PUBLIC.severities | {P0: plan})
    decision = decide(after(fires(0, P0), acks(60), config=config), due(960, REMIND), config)
    assert [describe(entry) for entry in decision.entries] == [
        'An update is overdue: alert-router update 1 "…"'
    ]


def test_a_waiting_update_is_among_the_facts_of_messages() -> None:
    facts = dict(content(make_message(draft="We are looking into it.")).facts)
    assert facts["Not public yet"] == "We are looking into it. (alert-router publish 142)"
    assert "Not public yet" not in dict(content(make_message()).facts)
