"""Incidents and their timelines as people read them."""

from dataclasses import replace as replace_dataclass

import pytest
from msgspec.structs import replace

from router.core.incident.decide import IncidentEvent, decide
from router.core.incident.escalation import REMIND
from router.core.incident.policy import SeverityPlan
from router.core.incident.transitions import RESOLVE
from router.model.decision import Timer
from router.model.event import Command
from router.model.incident import Incident, Measured, Status
from router.model.reason import Reason
from tests.core.script import CONFIG, P0, P2, P3, acks, after, clears, due, fires, resolves, says
from tests.world import NOW, alert, rule


def test_an_incident_holds_what_people_need_to_know() -> None:
    """From the alert, and where it has something better from the rule."""
    taker = rule(runbook="https://runbooks/payments", component="checkout")
    opened = after(fires(0, P0, taker))
    assert opened == Incident(
        id=1,
        key='payments{service="api"}',
        rule="payments",
        source="alertmanager",
        title="Payments on api",
        severity=P0,
        status=Status.INVESTIGATING,
        opened_at=NOW,
        updated_at=NOW,
        labels={"alertname": "Payments", "service": "api"},
        annotations={"value": "20%"},
        runbook="https://runbooks/payments",
        component="checkout",
        firing=1,
        alerts=1,
        policy_since=NOW,
        severity_since=NOW,
        news_at=NOW,
        onset=NOW,
        measured=Measured(0.2, "20%", "> 10%", NOW),
        step=1,
        changes=(NOW,),
        notified=("slack", "pager"),
    )


def test_the_runbook_is_the_alerts_own_if_the_rule_has_none() -> None:
    seen = alert(annotations={"runbook_url": "https://runbooks/own"})
    opened = after(replace(fires(0), alert=seen))
    assert opened.runbook == "https://runbooks/own"


def test_who_acknowledges_leads() -> None:
    """The first of them: who leads already keeps the lead when it opens again."""
    acked = after(fires(0), acks(60), acks(70))
    assert (acked.acknowledged_at, acked.acknowledged_by, acked.lead) == (NOW + 60, "ana", "ana")
    again = after(fires(0), acks(60), clears(70), fires(80))
    assert (again.acknowledged_at, again.acknowledged_by, again.lead) == (None, "", "ana")
    ben = after(fires(0), acks(60), clears(70), fires(80), replace(acks(90), by="ben"))
    assert (ben.acknowledged_by, ben.lead) == ("ben", "ana")


@pytest.mark.parametrize(
    ("closing", "status", "by"),
    [
        ([clears(90)], Status.RESOLVED, ""),
        ([clears(60, after=30), due(90, RESOLVE)], Status.RESOLVED, ""),
        ([resolves(90)], Status.RESOLVED, "ana"),
        ([says(90, Command.FALSE_POSITIVE)], Status.FALSE_POSITIVE, "ana"),
    ],
)
def test_a_closed_incident_says_when_and_by_whom(
    closing: list[IncidentEvent], status: Status, by: str
) -> None:
    """It isn't quiet, but over. An alert that still fires when a person closes it is counted."""
    closed = after(fires(0), *closing)
    assert (closed.status, closed.closed_at, closed.closed_by) == (status, NOW + 90, by)
    assert (closed.firing, closed.alerts, closed.quiet_since, closed.is_open) == (
        1 if by else 0, 1, None, False
    )  # fmt: skip


def test_a_reopened_incident_starts_over() -> None:
    """It's as severe as before or more, and keeps the count of reopenings and its recipients."""
    again = after(fires(0, P0), fires(1), resolves(60), fires(90, P2))
    assert (again.severity, again.status, again.policy_since, again.step) == (
        P0,
        Status.INVESTIGATING,
        NOW + 90,
        1,
    )
    assert (again.firing, again.alerts, again.reopened) == (3, 3, 1)
    assert (again.closed_at, again.closed_by, again.quiet_since) == (None, "", None)
    assert after(fires(0, P2), clears(60), fires(90, P0)).severity is P0


def test_the_timeline_keeps_what_the_alert_measured() -> None:
    (entry, *_) = decide(None, fires(0, P0), CONFIG).entries
    assert entry.data == {
        "alert": "Payments",
        "fingerprint": "f1",
        "severity": "P0",
        "reason": "above_threshold",
        "value": "20%",
        "threshold": "> 10%",
        "revision": CONFIG.rules.revision,
        "title": "Payments on api",
        "policy": "critical",
        "taken": [1],
        "duties": [],
    }


def test_a_change_of_severity_says_from_what_and_why() -> None:
    raised = decide(after(fires(0)), fires(9, P0, counted=True), CONFIG).entries[0].data
    assert (raised["from"], raised["severity"], raised["value"], raised["threshold"]) == (
        "P1",
        "P0",
        "20%",
        "> 10%",
    )
    lowered = decide(after(fires(0)), says(9, Command.SEVERITY, P3), CONFIG).entries[0]
    particulars = {"policy": "low", "taken": [1], "duties": []}
    assert (lowered.by, lowered.data) == (
        "ana",
        {"from": "P1", "severity": "P3", "text": "because"} | particulars,
    )


NO_TEXT = {
    Command.SEVERITY,
    Command.STATUS,
    Command.ASSIGN,
    Command.ANNOUNCE,
    Command.UNACKNOWLEDGE,
    Command.SNOOZE,
    Command.REOPEN,
    Command.MERGE,
    Command.LINK,
}
"""Commands that need more than a text, or another state of the incident: see test_undo and
test_relations.
"""


@pytest.mark.parametrize("command", [command for command in Command if command not in NO_TEXT])
def test_what_a_person_wrote_is_on_the_timeline(command: Command) -> None:
    entry, *_ = decide(after(fires(0)), says(9, command), CONFIG).entries
    assert (entry.by, entry.data["text"]) == ("ana", "because")


def test_the_clocks_of_a_severity_are_not_those_of_its_policy() -> None:
    """Steps that were held back start the policy later; a reminder from before that is as due as it
    was.
    """
    plans = {**CONFIG.severities, P0: SeverityPlan("critical", update_every=600.0)}
    config = replace_dataclass(CONFIG, severities=plans)
    resumed = replace(after(fires(0, P0), config=config), policy_since=NOW + 700)
    assert decide(resumed, due(720, REMIND, due_at=600), config).timers == [
        Timer(1, REMIND, NOW + 1320)
    ]
    worse = replace(resumed, severity_since=NOW + 700)
    assert decide(worse, due(720, REMIND, due_at=600), config) is Reason.TIMER_OUTDATED
