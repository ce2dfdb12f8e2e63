"""Commands that reverse or pause something: reopen, withdraw an acknowledgement, snooze.

Invariant: undoing never leaves an open incident without a next step. A stopped escalation continues
where it stopped.
"""

from router.core.incident.escalation import (
    PROMOTE,
    SNOOZE,
    edited,
    expect_response,
    promotion_due,
    run_steps,
    start_clocks,
    stop_reaching,
    to_lead,
)
from router.core.incident.follow_up import call_off_postmortem
from router.core.incident.settings import Settings
from router.core.incident.transaction import Decision
from router.core.incident.transitions import later
from router.core.text.plain import utc
from router.model.event import Commanded
from router.model.incident import Incident, Status
from router.model.reason import Reason


def reopened(incident: Incident, event: Commanded, settings: Settings) -> Decision:
    """Reopen: an acknowledgement stays valid, and the policy continues where it stopped."""
    assert incident.closed_at is not None, "an open incident is refused before"
    at, pause = event.at, event.at - incident.closed_at
    decision = Decision(
        Reason.REOPENED_BY_PERSON, _open_again(incident, at, incident.policy_since + pause)
    )
    call_off_postmortem(decision)
    decision.note(at, Reason.REOPENED_BY_PERSON, event.by, text=event.text)
    decision.queue(at, Reason.REOPENED_BY_PERSON, incident.notified)
    run_steps(decision, at, Reason.REOPENED_BY_PERSON, settings)
    start_clocks(decision, at, settings)
    return decision


def _open_again(incident: Incident, at: float, policy_since: float) -> Incident:
    return later(
        incident,
        at,
        status=Status.INVESTIGATING,
        closed_at=None,
        closed_by="",
        announced_at=None,
        merged_into=0,
        policy_since=policy_since,
        severity_since=at,
        news_at=at,
        quiet_since=None,
        reopened=incident.reopened + 1,
    )


def unacknowledged(incident: Incident, event: Commanded, settings: Settings) -> Decision | None:
    """Withdraw the acknowledgement, and start the policy over. Returns None if there is none."""
    if incident.acknowledged_at is None:
        return None
    at = event.at
    lead = "" if incident.lead == incident.acknowledged_by else incident.lead
    withdrawn = later(
        incident,
        at,
        acknowledged_at=None,
        acknowledged_by="",
        lead=lead,
        policy_since=at,
        step=0,
        repeats=0,
        muted=None,
        snoozed_until=None,
    )
    decision = Decision(Reason.UNACKNOWLEDGED, withdrawn)
    stop_reaching(decision)
    decision.timers_cleared.append(SNOOZE)
    decision.note(at, Reason.UNACKNOWLEDGED, event.by, text=event.text)
    decision.queue(at, Reason.UNACKNOWLEDGED, edited(incident, settings))
    run_steps(decision, at, Reason.UNACKNOWLEDGED, settings)
    expect_response(decision, at, settings)
    if (due_at := promotion_due(withdrawn, settings.policy_of(withdrawn))) is not None:
        decision.set_timer(PROMOTE, max(due_at, at))
    return decision


def snoozed(incident: Incident, event: Commanded, settings: Settings) -> Decision | None:
    """Pause pages until a time. Returns None if they are already, or if the time has passed."""
    until = event.until
    if until is None or until <= event.at or until == incident.snoozed_until:
        return None
    paused = later(
        incident, event.at, snoozed_until=until, muted=(Reason.SNOOZED, event.by), news_at=event.at
    )
    decision = Decision(Reason.SNOOZED, paused)
    decision.note(event.at, Reason.SNOOZED, event.by, text=event.text, until=utc(until))
    decision.queue(event.at, Reason.SNOOZED, edited(incident, settings))
    decision.set_timer(SNOOZE, until)
    return decision


def wake(decision: Decision, at: float, settings: Settings) -> None:
    """Handle the timer SNOOZE: remind the lead.

    Deadlines that the snooze delayed fire by themselves.
    """
    incident = decision.incident
    if incident.snoozed_until is None or at < incident.snoozed_until:
        return
    name = incident.muted[1] if incident.muted and incident.muted[0] is Reason.SNOOZED else ""
    decision.reason = Reason.SNOOZE_ENDED
    decision.change(snoozed_until=None)
    decision.note(at, Reason.SNOOZE_ENDED, name=name)
    if incident.acknowledged_at is not None:
        decision.change(muted=None)
        decision.queue(at, Reason.SNOOZE_ENDED, to_lead(incident, at, settings))
    elif incident.step < len(settings.policy_of(incident).steps):
        decision.queue(at, Reason.SNOOZE_ENDED, edited(incident, settings))
    else:  # no remaining step would page anybody
        decision.queue(at, Reason.SNOOZE_ENDED, incident.notified)
