"""People's commands on an incident.

A command that arrives too late changes nothing, but the timeline notes who sent it.
"""

import math

from msgspec.structs import replace

from router.core.incident.escalation import (
    PROMOTE,
    SNOOZE,
    edited,
    expect_response,
    notify,
    promotion_due,
    repeat_steps,
    run_steps,
    stop_reaching,
    unneeded,
)
from router.core.incident.relations import linked, merged, not_mergeable, unrelated
from router.core.incident.settings import Settings
from router.core.incident.transaction import Decision
from router.core.incident.transitions import (
    close,
    inform_stakeholders,
    is_published,
    later,
    publish,
    publish_by_rule,
    set_severity,
)
from router.core.incident.undo import reopened, snoozed, unacknowledged
from router.core.oncall.business_hours import NextBusinessDay
from router.model.event import Command, Commanded
from router.model.incident import LEAD, Incident, Status
from router.model.notification import person_of
from router.model.reason import Reason

TOGETHER = 60.0
"""Seconds in which escalations by different people count as one: they saw the same message."""

ONE_PRESS = 1.0
"""Seconds in which two escalations by the same person count as one: a double click."""


def commanded(
    incident: Incident, event: Commanded, settings: Settings, other: Incident | None = None
) -> Decision | Reason:
    """Run a command. `other` is the second incident of a command about two: see `Related`."""
    late = _outdated(incident, event)
    if event.dated:
        about, since = event.dated
        incident = replace(
            incident, dated=incident.dated | {about: max(since, incident.dated.get(about, since))}
        )
    if late:
        return _too_late(incident, event, late)
    if not incident.is_open and event.command not in _AFTERWARDS:
        return _too_late(incident, event, Reason.ALREADY_CLOSED)
    if event.command in _RELATING:
        return _RELATING[event.command](incident, event, settings, other)
    return _COMMANDS[event.command](incident, event, settings)


def _outdated(incident: Incident, event: Commanded) -> Reason | None:
    """The reason to reject a command that is about an earlier state; None to accept it.

    A note is always accepted.
    """
    if event.command is Command.NOTE:
        return None
    if event.reopened is not None and event.reopened != incident.reopened:
        return Reason.COMMAND_OUTDATED
    if event.dated and event.dated[1] < incident.dated.get(event.dated[0], -math.inf):
        return Reason.COMMAND_OVERTAKEN
    return None


def _too_late(incident: Incident, event: Commanded, reason: Reason, **data: str) -> Decision:
    """Change nothing, but note who sent the command."""
    decision = Decision(reason, later(incident, event.at))
    decision.note(event.at, reason, event.by, command=event.command, **data)
    return decision


def _noted(incident: Incident, event: Commanded, settings: Settings) -> Decision:
    decision = Decision(Reason.NOTED, later(incident, event.at, news_at=event.at))
    decision.note(
        event.at,
        Reason.NOTED,
        event.by,
        text=event.text,
        **({"via": event.via} if event.via else {}),
    )
    decision.queue(event.at, Reason.NOTED, edited(incident, settings))
    return decision


def _published(incident: Incident, event: Commanded, settings: Settings) -> Decision:
    if incident.drill:
        return _too_late(incident, event, Reason.NOT_PUBLIC)
    if is_published(incident, event.at, settings, text=event.text, title=event.title):
        return _too_late(incident, event, Reason.ALREADY_DONE)
    decision = Decision(Reason.PUBLISHED, later(incident, event.at, news_at=event.at))
    publish(decision, event.at, settings, by=event.by, text=event.text, title=event.title)
    decision.queue(event.at, Reason.PUBLISHED, edited(incident, settings))
    return decision


def _announced(incident: Incident, event: Commanded, settings: Settings) -> Decision:
    """Mail the approved text to customers, once after each resolve."""
    if incident.drill:
        return _too_late(incident, event, Reason.NOT_PUBLIC)
    if not settings.customers:
        return _too_late(incident, event, Reason.NO_CUSTOMERS)
    if incident.status is not Status.RESOLVED:
        return _too_late(incident, event, Reason.NOT_RESOLVED)
    if incident.announced_at is not None:
        return _too_late(incident, event, Reason.ALREADY_DONE)
    decision = Decision(
        Reason.ANNOUNCED, later(incident, event.at, announced_at=event.at, news_at=event.at)
    )
    draft = settings.wording.to_customers(incident, (), event.at)
    title, text = event.title or draft.subject, event.text or draft.text
    decision.note(event.at, Reason.ANNOUNCED, event.by, title=title, text=text)
    decision.queue(event.at, Reason.ANNOUNCED, settings.customers)
    return decision


def _acknowledged(incident: Incident, event: Commanded, _settings: Settings) -> Decision:
    if incident.acknowledged_at is not None:
        return _too_late(incident, event, Reason.ALREADY_DONE)
    acknowledged = later(
        incident,
        event.at,
        acknowledged_at=event.at,
        acknowledged_by=event.by,
        lead=incident.lead or event.by,
        news_at=event.at,
    )
    decision = Decision(Reason.ACKNOWLEDGED, acknowledged)
    stop_reaching(decision)
    decision.note(event.at, Reason.ACKNOWLEDGED, event.by, text=event.text)
    decision.queue(event.at, Reason.ACKNOWLEDGED, incident.notified)
    return decision


def _escalated(incident: Incident, event: Commanded, settings: Settings) -> Decision:
    """Withdraw the acknowledgement and take the policy's next step now.

    Later steps keep their times. If there is no further step, everybody is notified again.
    """
    if _just_escalated(incident, event):
        return _too_late(incident, event, Reason.JUST_ESCALATED)
    policy = settings.policy_of(incident)
    unheard = later(
        incident,
        event.at,
        muted=None,
        snoozed_until=None,
        acknowledged_at=None,
        acknowledged_by="",
        lead="",
        escalated_at=event.at,
        escalated_by=event.by,
    )
    left = enumerate(policy.steps[incident.step :], incident.step)
    following = next((index for index, step in left if unneeded(step, unheard) is None), None)
    if following is None and not (policy.repeat and incident.repeats < policy.repeat.times):
        return _too_late(incident, event, Reason.ALREADY_DONE)
    decision = Decision(Reason.ESCALATED, unheard)
    decision.note(event.at, Reason.ESCALATED, event.by, text=event.text)
    decision.queue(event.at, Reason.ESCALATED, edited(incident, settings))
    if following is None:
        repeat_steps(decision, event.at, policy, settings)
    else:
        after = policy.steps[following].after
        if not isinstance(after, NextBusinessDay):
            decision.change(policy_since=min(incident.policy_since, event.at - after))
        run_steps(decision, event.at, Reason.STEP_DUE, settings, ahead=following + 1)
    if incident.snoozed_until is not None:
        decision.timers_cleared.append(SNOOZE)
    # An acknowledgement may have stopped the promotion, and has ended the wait for a response.
    if incident.acknowledged_at is not None:
        expect_response(decision, event.at, settings)
    if (due_at := promotion_due(unheard, policy)) is not None:
        decision.set_timer(PROMOTE, max(due_at, event.at))
    decision.reason = Reason.ESCALATED
    return decision


def _just_escalated(incident: Incident, event: Commanded) -> bool:
    """Check if another command took this step just before."""
    if incident.escalated_at is None or incident.acknowledged_at is not None:
        return False
    window = ONE_PRESS if event.by == incident.escalated_by else TOGETHER
    return event.at - incident.escalated_at < window


def _unacknowledged(incident: Incident, event: Commanded, settings: Settings) -> Decision:
    return unacknowledged(incident, event, settings) or _too_late(
        incident, event, Reason.ALREADY_DONE
    )


def _snoozed(incident: Incident, event: Commanded, settings: Settings) -> Decision:
    return snoozed(incident, event, settings) or _too_late(incident, event, Reason.ALREADY_DONE)


def _severity_set(incident: Incident, event: Commanded, settings: Settings) -> Decision:
    assert event.severity is not None, "checked where the command arrives"
    if event.severity is incident.severity:
        return _too_late(incident, event, Reason.ALREADY_DONE)
    decision = Decision(Reason.SEVERITY_SET, later(incident, event.at, news_at=event.at))
    set_severity(decision, event.severity, event.at, settings, by=event.by, text=event.text)
    return decision


def _assigned(incident: Incident, event: Commanded, settings: Settings) -> Decision:
    """Set the lead, or another role: `text` names the person, "" means the requester.

    The person is notified if somebody else assigned the role.
    """
    person, role = event.text or event.by, event.role or LEAD
    if incident.assigned.get(role) == person:
        return _too_late(incident, event, Reason.ALREADY_DONE)
    if role == LEAD:
        decision = Decision(Reason.ASSIGNED, later(incident, event.at, lead=person))
        decision.note(event.at, Reason.ASSIGNED, event.by, lead=person)
    else:
        roles = incident.roles | {role: person}
        decision = Decision(Reason.ROLE_SET, later(incident, event.at, roles=roles))
        decision.note(event.at, Reason.ROLE_SET, event.by, role=role, person=person)
    decision.change(news_at=event.at)
    decision.queue(event.at, decision.reason, edited(incident, settings))
    contact = settings.people.find(person)
    if contact and person != event.by:
        reached = settings.people.reach((f"contact:{contact}",), incident.severity, event.at)
        notify(decision, event.at, decision.reason, reached)
    return decision


def _status_set(incident: Incident, event: Commanded, settings: Settings) -> Decision:
    """Set the status of the work, and notify channels and stakeholders.

    People who were only paged aren't notified.
    """
    assert event.status is not None, "checked where the command arrives"
    if event.status is incident.status:
        return _too_late(incident, event, Reason.ALREADY_DONE)
    decision = Decision(
        Reason.STATUS_SET, later(incident, event.at, status=event.status, news_at=event.at)
    )
    decision.note(
        event.at,
        Reason.STATUS_SET,
        event.by,
        **{"from": incident.status, "status": event.status, "text": event.text},
    )
    channels = [address for address in incident.notified if not person_of(address)]
    decision.queue(event.at, Reason.STATUS_SET, channels)
    inform_stakeholders(decision, event.at, settings)
    publish_by_rule(decision, event.at, settings)
    return decision


def _closed(incident: Incident, event: Commanded, settings: Settings) -> Decision:
    status, reason = _ENDS[event.command]
    decision = Decision(reason, later(incident, event.at, news_at=event.at))
    close(decision, event.at, status, settings, by=event.by, text=event.text)
    return decision


def _reopened(
    incident: Incident, event: Commanded, settings: Settings, other: Incident | None
) -> Decision:
    if incident.is_open:
        return _too_late(incident, event, Reason.ALREADY_DONE)
    if other is not None:
        return _too_late(incident, event, Reason.ANOTHER_OPEN, other=other.name)
    return reopened(incident, event, settings)


def _merged(
    incident: Incident, event: Commanded, settings: Settings, other: Incident | None
) -> Decision | Reason:
    if other is None:
        return Reason.UNKNOWN_INCIDENT
    if why := not_mergeable(incident, other):
        return _too_late(incident, event, Reason.NOT_MERGED, other=other.name, why=why)
    return merged(incident, event, other, settings)


def _linked(
    incident: Incident, event: Commanded, settings: Settings, other: Incident | None
) -> Decision | Reason:
    if other is None:
        return Reason.UNKNOWN_INCIDENT
    if why := unrelated(incident, other):
        return _too_late(incident, event, Reason.NOT_LINKED, other=other.name, why=why)
    if other.id in incident.related:
        return _too_late(incident, event, Reason.ALREADY_DONE)
    return linked(incident, event, other, settings)


_RELATING = {Command.REOPEN: _reopened, Command.MERGE: _merged, Command.LINK: _linked}
"""Commands whose outcome depends on another incident: see `Related`."""

_ENDS = {
    Command.RESOLVE: (Status.RESOLVED, Reason.RESOLVED_BY_PERSON),
    Command.FALSE_POSITIVE: (Status.FALSE_POSITIVE, Reason.FALSE_POSITIVE),
}
_COMMANDS = {
    Command.ACKNOWLEDGE: _acknowledged,
    Command.UNACKNOWLEDGE: _unacknowledged,
    Command.SNOOZE: _snoozed,
    Command.ESCALATE: _escalated,
    Command.RESOLVE: _closed,
    Command.FALSE_POSITIVE: _closed,
    Command.NOTE: _noted,
    Command.SEVERITY: _severity_set,
    Command.ASSIGN: _assigned,
    Command.STATUS: _status_set,
    Command.PUBLISH: _published,
    Command.ANNOUNCE: _announced,
}
_AFTERWARDS = frozenset(
    {Command.NOTE, Command.PUBLISH, Command.ANNOUNCE, Command.REOPEN, Command.LINK}
)
"""Commands that a closed incident accepts."""
