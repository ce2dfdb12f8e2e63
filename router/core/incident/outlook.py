"""Outlook of an open incident for readers: next steps, overdue promises, and on-call people.

This module decides nothing: it reads the incident and its timeline as the escalation will.
"""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from router.core.incident.escalation import (
    promotion_due,
    reminders_left,
    repeated_targets,
    targets_of,
    time_to_answer,
    unneeded,
    waits_for_answer,
)
from router.core.incident.policy import Unless
from router.core.incident.settings import Settings
from router.core.oncall.schedule import on_call
from router.model.decision import Entry
from router.model.incident import Incident
from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reasons import having

NOTIFIED = having(Trait.STARTS_REPEAT) | {Reason.STEPS_ENDED}
"""Entries after which a repeat of the policy, or its end, starts to wait."""


class Upcoming(Struct, frozen=True):
    """An event planned for `at` (UTC seconds), unless somebody prevents it.

    `targets` are as in the config, `addresses` the resulting channels and people.
    """

    at: float
    what: str
    targets: tuple[str, ...] = ()
    addresses: tuple[str, ...] = ()


class Overdue(Struct, frozen=True):
    """A promise that has been late since `since` (UTC seconds)."""

    what: str
    since: float


class Outlook(Struct, frozen=True):
    """The outlook. `upcoming` is in order of time.

    `silences` are (name, active until) of matching silences. `on_call` has the contacts of each
    schedule that the policy notifies.
    """

    upcoming: tuple[Upcoming, ...] = ()
    overdue: tuple[Overdue, ...] = ()
    silences: tuple[tuple[str, float], ...] = ()
    on_call: tuple[tuple[str, tuple[str, ...]], ...] = ()


def outlook(
    incident: Incident, timeline: Sequence[Entry], settings: Settings, now: float
) -> Outlook:
    """Return the outlook of the incident at `now`."""
    overdue = tuple(_overdue(incident, timeline, settings, now))
    if not incident.is_open or incident.canary:
        return Outlook(overdue=overdue)
    known = _silences(incident, settings, now)
    # While pages are muted, the policy is paused.
    upcoming = [] if incident.muted else [*_steps(incident, timeline, settings)]
    if incident.snoozed_until is not None:
        upcoming.append(Upcoming(incident.snoozed_until, "the snooze ends"))
    if (at := promotion_due(incident, settings.policy_of(incident))) is not None:
        upcoming += _promotion(incident, settings, at)
    return Outlook(
        upcoming=tuple(sorted(upcoming, key=lambda step: step.at)),
        overdue=overdue,
        silences=known,
        on_call=tuple(_on_call(incident, settings, now)),
    )


def _steps(incident: Incident, timeline: Sequence[Entry], settings: Settings) -> Iterator[Upcoming]:
    """Yield the next step or repeat of the policy, and the next contact method."""
    policy = settings.policy_of(incident)
    if incident.acknowledged_at is None:
        for at, address in sorted(incident.reaching)[:1]:
            yield Upcoming(at, "next contact method", addresses=(address,))
    left = policy.steps[incident.step :]
    for number, step in enumerate(left, incident.step + 1):
        if unneeded(step, incident) is None:
            at = settings.calendar.after(step.after, incident.policy_since)
            yield _notifies(incident, settings, at, f"step {number}", step.notify)
            return
    if left:  # they will be skipped
        ended = settings.calendar.after(left[-1].after, incident.policy_since)
    else:
        ended = max(
            (entry.at for entry in timeline if entry.what in NOTIFIED), default=incident.opened_at
        )
    yield from _after_steps(incident, ended, timeline, settings)


def _after_steps(
    incident: Incident, ended: float, timeline: Sequence[Entry], settings: Settings
) -> Iterator[Upcoming]:
    """Yield the next repeat, or else the end of the escalation, after its steps `ended`."""
    policy = settings.policy_of(incident)
    at = ended + time_to_answer(policy)
    if policy.repeat and reminders_left(incident, policy):
        what = f"repeat {incident.repeats + 1} of {policy.repeat.times}"
        targets = repeated_targets(incident, policy)
        yield _notifies(incident, settings, at, what, targets)
    elif (
        waits_for_answer(policy)
        and incident.acknowledged_at is None
        and not _gave_up(timeline, ended)
    ):
        fallback = settings.people.reach(policy.fallback, incident.severity, at).now
        addresses = tuple(dict.fromkeys((*incident.notified, *fallback)))
        yield Upcoming(at, "the escalation ends without an answer", addresses=addresses)


def _gave_up(timeline: Sequence[Entry], since: float) -> bool:
    return any(entry.what is Reason.UNANSWERED and entry.at >= since for entry in timeline)


def _notifies(
    incident: Incident, settings: Settings, at: float, what: str, targets: tuple[str, ...]
) -> Upcoming:
    reached = settings.people.reach(targets, incident.severity, at)
    return Upcoming(at, what, targets, reached.now)


def _promotion(incident: Incident, settings: Settings, at: float) -> Iterator[Upcoming]:
    promote = settings.policy_of(incident).promote
    acknowledged = incident.acknowledged_at is not None
    if promote and not (promote.unless is Unless.ACKNOWLEDGED and acknowledged):
        yield Upcoming(at, f"severity rises to {promote.to}")


def _overdue(
    incident: Incident, timeline: Sequence[Entry], settings: Settings, now: float
) -> Iterator[Overdue]:
    if incident.is_open and incident.acknowledged_at is None:
        late = [entry.at for entry in timeline if entry.what is Reason.RESPONSE_OVERDUE]
        if late and late[-1] >= incident.policy_since:
            yield Overdue("acknowledgement", late[-1])
    every = settings.plan_of(incident).update_every
    if incident.is_open and every is not None and _spoken(incident) + every < now:
        yield Overdue("update", _spoken(incident) + every)
    if incident.postmortem_due is not None and incident.postmortem_due < now:
        yield Overdue("post-mortem", incident.postmortem_due)
    for item in incident.items:
        if item.is_open and item.due_at < now:
            yield Overdue(f"action item {item.number}", item.due_at)


def _spoken(incident: Incident) -> float:
    """Return when a person last reported on the incident, or else its opening."""
    return max(incident.news_at, incident.opened_at)


def _silences(incident: Incident, settings: Settings, now: float) -> tuple[tuple[str, float], ...]:
    found = [
        (
            f"{silence.name} ({silence.comment})" if silence.comment else silence.name,
            silence.until(incident.labels, now),
        )
        for silence in settings.silences
    ]
    return tuple((name, until) for name, until in found if until is not None)


def _on_call(
    incident: Incident, settings: Settings, now: float
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield the schedules that the policy notifies, with the contacts on call."""
    schedules = settings.people.schedules
    for target in targets_of(settings.policy_of(incident).steps):
        kind, _, name = target.partition(":")
        if kind == "schedule" and name in schedules:
            yield name, on_call(schedules[name], now)
