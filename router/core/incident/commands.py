"""What people ask of an incident.

Whoever comes too late changes nothing, and the timeline says that they tried.
"""

import math

from msgspec.structs import replace

from router.core.incident.escalation import (
    PROMOTE,
    Decision,
    edited,
    expect_response,
    promotion_due,
    run_steps,
    stop_reaching,
    tell,
    tell_again,
    unneeded,
)
from router.core.incident.settings import Settings
from router.core.incident.transitions import (
    close,
    inform_stakeholders,
    later,
    publish,
    publish_by_rule,
    set_severity,
)
from router.core.oncall.business_hours import NextBusinessDay
from router.model.event import Command, Commanded
from router.model.incident import Incident, Status
from router.model.notification import person_of
from router.model.reason import Reason


def commanded(incident: Incident, event: Commanded, settings: Settings) -> Decision:
    """What becomes of the incident by what somebody asks."""
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
    return _COMMANDS[event.command](incident, event, settings)


def _outdated(incident: Incident, event: Commanded) -> Reason | None:
    """Why what's asked is about what isn't so any more, if it is.

    A note is never: what was said is worth keeping.
    """
    if event.command is Command.NOTE:
        return None
    if event.reopened is not None and event.reopened != incident.reopened:
        return Reason.COMMAND_OUTDATED
    if event.dated and event.dated[1] < incident.dated.get(event.dated[0], -math.inf):
        return Reason.COMMAND_OVERTAKEN
    return None


def _too_late(incident: Incident, event: Commanded, reason: Reason) -> Decision:
    """Nothing changes, and the timeline says who tried."""
    decision = Decision(reason, later(incident, event.at))
    decision.note(event.at, reason, event.by, command=event.command)
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
    decision.owe(event.at, Reason.NOTED, edited(incident, settings))
    return decision


def _published(incident: Incident, event: Commanded, settings: Settings) -> Decision:
    if incident.drill:
        return _too_late(incident, event, Reason.NOT_PUBLIC)
    decision = Decision(Reason.PUBLISHED, later(incident, event.at, news_at=event.at))
    publish(decision, event.at, settings, by=event.by, text=event.text, title=event.title)
    decision.owe(event.at, Reason.PUBLISHED, edited(incident, settings))
    return decision


def _announced(incident: Incident, event: Commanded, settings: Settings) -> Decision:
    """Mail customers, once in each life of the incident, the words that were approved."""
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
    decision.owe(event.at, Reason.ANNOUNCED, settings.customers)
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
    decision.owe(event.at, Reason.ACKNOWLEDGED, incident.told)
    return decision


def _escalated(incident: Incident, event: Commanded, settings: Settings) -> Decision:
    """Whoever answers can't see to it: an acknowledgement is void, and the policy runs ahead to its
    next step.

    The steps after that one follow it in their time. When all are taken, everybody is told again.
    """
    policy = settings.policy_of(incident)
    unheard = later(
        incident, event.at, muted=None, acknowledged_at=None, acknowledged_by="", lead=""
    )
    left = enumerate(policy.steps[incident.step :], incident.step)
    following = next((index for index, step in left if unneeded(step, unheard) is None), None)
    if following is None and not (policy.repeat and incident.repeats < policy.repeat.times):
        return _too_late(incident, event, Reason.ALREADY_DONE)
    decision = Decision(Reason.ESCALATED, unheard)
    decision.note(event.at, Reason.ESCALATED, event.by, text=event.text)
    decision.owe(event.at, Reason.ESCALATED, edited(incident, settings))
    if following is None:
        tell_again(decision, event.at, policy, settings)
    else:
        after = policy.steps[following].after
        if not isinstance(after, NextBusinessDay):
            decision.change(policy_since=min(incident.policy_since, event.at - after))
        run_steps(decision, event.at, Reason.STEP_DUE, settings, ahead=following + 1)
    # An acknowledgement may have kept it from being promoted, and has ended the wait for a
    # response.
    if incident.acknowledged_at is not None:
        expect_response(decision, event.at, settings)
    if (due_at := promotion_due(unheard, policy)) is not None:
        decision.set_timer(PROMOTE, max(due_at, event.at))
    decision.reason = Reason.ESCALATED
    return decision


def _severity_set(incident: Incident, event: Commanded, settings: Settings) -> Decision:
    assert event.severity is not None, "the edge requires it"
    if event.severity is incident.severity:
        return _too_late(incident, event, Reason.ALREADY_DONE)
    decision = Decision(Reason.SEVERITY_SET)
    incident = later(incident, event.at, news_at=event.at)
    set_severity(
        decision, incident, event.severity, event.at, settings, by=event.by, text=event.text
    )
    return decision


def _assigned(incident: Incident, event: Commanded, settings: Settings) -> Decision:
    """Somebody leads from now on: `text` says who, "" that it's whoever asks.

    Who is made to is told.
    """
    lead = event.text or event.by
    if lead == incident.lead:
        return _too_late(incident, event, Reason.ALREADY_DONE)
    decision = Decision(Reason.ASSIGNED, later(incident, event.at, lead=lead, news_at=event.at))
    decision.note(event.at, Reason.ASSIGNED, event.by, lead=lead)
    decision.owe(event.at, Reason.ASSIGNED, edited(incident, settings))
    contact = settings.people.find(lead)
    if contact and lead != event.by:
        reached = settings.people.reach((f"contact:{contact}",), incident.severity, event.at)
        tell(decision, event.at, Reason.ASSIGNED, reached)
    return decision


def _status_set(incident: Incident, event: Commanded, settings: Settings) -> Decision:
    """How far it is, in the plan's words.

    Channels hear of it, and stakeholders; who was only paged doesn't.
    """
    assert event.status is not None, "the edge requires it"
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
    channels = [address for address in incident.told if not person_of(address)]
    decision.owe(event.at, Reason.STATUS_SET, channels)
    inform_stakeholders(decision, event.at, settings)
    publish_by_rule(decision, event.at, settings)
    return decision


def _closed(incident: Incident, event: Commanded, settings: Settings) -> Decision:
    status, reason = _ENDS[event.command]
    decision = Decision(reason, later(incident, event.at, news_at=event.at))
    close(decision, event.at, status, settings, by=event.by, text=event.text)
    return decision


_ENDS = {
    Command.RESOLVE: (Status.RESOLVED, Reason.RESOLVED_BY_PERSON),
    Command.FALSE_POSITIVE: (Status.FALSE_POSITIVE, Reason.FALSE_POSITIVE),
}
_COMMANDS = {
    Command.ACKNOWLEDGE: _acknowledged,
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
_AFTERWARDS = frozenset({Command.NOTE, Command.PUBLISH, Command.ANNOUNCE})
"""What may still be said when all is over."""
