"""Escalation: the steps of the policy, the recipients so far, and the next deadline.

A deadline is a row, never a sleeping task. An open incident has at most one timer of each name:
STEP for the policy's next step, then its repeats, then noting that nobody answered; REACH for
further contact methods; PROMOTE for the worse severity; RESPOND for the promised response; REMIND
for the promised update; SNOOZE for the end of a snooze.
"""

from collections.abc import Iterable
from typing import Any

from router.core.incident.policy import Policy, Step, Unless
from router.core.incident.settings import Settings
from router.core.incident.transaction import Decision
from router.core.oncall.recipients import Recipients
from router.model.event import TimerDue
from router.model.incident import Incident
from router.model.notification import person_of
from router.model.reason import Reason

STEP = "step"
REACH = "reach"
PROMOTE = "promote"
RESPOND = "respond"
REMIND = "remind"
SNOOZE = "snooze"
CLOCKS = (PROMOTE, RESPOND, REMIND)
"""The deadlines that a severity sets at its start, and that end with it."""

PAGING = frozenset({STEP, REACH, PROMOTE})
"""The deadlines that page people. They're delayed while the incident is muted."""

PATIENCE = 900.0
"""Seconds to wait for an answer after the last step of a policy without repeats."""


# --- the policy's steps, and what follows


def run_steps(
    decision: Decision, at: float, reason: Reason, settings: Settings, *, ahead: int = 0
) -> None:
    """Take all due steps of the policy, the first `ahead` of them in any case; set the next timer.

    If a step names people but reaches none, the next step is due at once.
    """
    incident = decision.incident
    policy, people, calendar = settings.policy_of(incident), settings.people, settings.calendar
    steps, since, severity = policy.steps, incident.policy_since, incident.severity
    step, nobody = incident.step, False
    taken, meant = list[int](), list[dict[str, Any]]()
    while step < len(steps) and (
        nobody
        or step < ahead
        or not steps[step].after
        or calendar.after(steps[step].after, since) <= at
    ):
        due, number = steps[step], step + 1
        step, by = number, people.duties(due.notify, at)
        facts: dict[str, Any] = {"policy": policy.name, "duties": by}
        if skipped := unneeded(due, incident):
            decision.note(at, skipped, step=number, channels=list(due.notify), **facts)
            nobody = nobody and skipped is Reason.CONDITION_FAILED
            continue
        reached = people.reach(due.notify, severity, at)
        notify(decision, at, reason, reached)
        if reason is Reason.STEP_DUE:
            decision.note(at, reason, step=number, **noted(reached, incident), **facts)
        taken.append(number)
        meant += by
        nobody = reached.nobody
    if taken and reason is not Reason.STEP_DUE:
        decision.annotate(reason, policy=policy.name, taken=taken, duties=meant)
    decision.change(step=step)
    if step < len(steps):
        decision.set_timer(STEP, calendar.after(steps[step].after, since))
    else:
        follow: dict[str, Any] = (
            {"reminders": left} if (left := reminders_left(incident, policy)) else {}
        )
        decision.note(at, Reason.STEPS_ENDED, steps=len(steps), **follow)
        _wait_for_answer(decision, at, policy)


def unneeded(step: Step, incident: Incident) -> Reason | None:
    """The reason to skip the step, if there is one."""
    if step.when and not step.when.holds(labels=incident.labels, annotations=incident.annotations):
        return Reason.CONDITION_FAILED
    if step.unless is Unless.ACKNOWLEDGED and incident.acknowledged_at is not None:
        return Reason.STEP_SKIPPED
    return None


def reminders_left(incident: Incident, policy: Policy) -> int:
    """The number of repeats that follow, as long as nobody answers."""
    repeat = policy.repeat
    if repeat is None:
        return 0
    answered = repeat.unless is Unless.ACKNOWLEDGED and incident.acknowledged_at is not None
    return 0 if answered else max(0, repeat.times - incident.repeats)


def repeated_targets(incident: Incident, policy: Policy) -> tuple[str, ...]:
    """The targets of a repeat: of all steps, except those whose condition fails."""
    return targets_of(
        step for step in policy.steps if unneeded(step, incident) is not Reason.CONDITION_FAILED
    )


def targets_of(steps: Iterable[Step]) -> tuple[str, ...]:
    """The targets of the steps, each once."""
    return tuple(dict.fromkeys(target for step in steps for target in step.notify))


def waits_for_answer(policy: Policy) -> bool:
    """Check if somebody must acknowledge. A policy that only opens a ticket needs no answer."""
    return policy.repeat is not None or any(
        step.unless is Unless.ACKNOWLEDGED for step in policy.steps
    )


def time_to_answer(policy: Policy) -> float:
    """Seconds from the last step, or a repeat, to what follows without an answer."""
    return policy.repeat.every if policy.repeat else PATIENCE


def _wait_for_answer(decision: Decision, at: float, policy: Policy) -> None:
    """Set the timer after the last step: the next repeat, or noting that nobody answered."""
    goes_on = policy.repeat is not None and policy.repeat.unless is Unless.RESOLVED
    if waits_for_answer(policy) and (goes_on or decision.incident.acknowledged_at is None):
        decision.set_timer(STEP, at + time_to_answer(policy))
    else:
        decision.timers_cleared.append(STEP)


def go_on(decision: Decision, at: float, settings: Settings) -> None:
    """Handle the timer STEP: take the next step, repeat all, or note that nobody answered."""
    incident = decision.incident
    policy = settings.policy_of(incident)
    if incident.step < len(policy.steps):
        decision.reason = Reason.STEP_DUE
        run_steps(decision, at, Reason.STEP_DUE, settings)
    elif reminders_left(incident, policy):
        repeat_steps(decision, at, policy, settings)
    elif incident.acknowledged_at is None:
        _unanswered(decision, at, policy, settings)


def resume(decision: Decision, timer: TimerDue, settings: Settings) -> None:
    """Resume a paused policy: its remaining steps keep their distance from each other."""
    incident = decision.incident
    steps = settings.policy_of(incident).steps
    if incident.step >= len(steps):
        decision.change(muted=None)
    elif timer.name == STEP:
        after = steps[incident.step].after
        since = (
            incident.policy_since
            + timer.due_at
            - settings.calendar.after(after, incident.policy_since)
        )
        # Keep the start of a period in business days: a later start might delay it further.
        moved = since > incident.policy_since and settings.calendar.after(after, since) <= timer.at
        decision.change(muted=None, policy_since=since if moved else incident.policy_since)


def repeat_steps(decision: Decision, at: float, policy: Policy, settings: Settings) -> None:
    """Notify the targets of all steps again."""
    incident = decision.incident
    targets = repeated_targets(incident, policy)
    reached = settings.people.reach(targets, incident.severity, at)
    decision.reason = Reason.STEPS_REPEATED
    decision.change(repeats=incident.repeats + 1)
    decision.note(
        at,
        Reason.STEPS_REPEATED,
        time=incident.repeats + 1,
        **noted(reached, incident),
        policy=policy.name,
        duties=settings.people.duties(targets, at),
    )
    notify(decision, at, Reason.STEPS_REPEATED, reached)
    _wait_for_answer(decision, at, policy)


def _unanswered(decision: Decision, at: float, policy: Policy, settings: Settings) -> None:
    """Note the end of the escalation, and notify everybody and the fallback."""
    incident = decision.incident
    decision.reason = Reason.UNANSWERED
    by = settings.people.duties(policy.fallback, at)
    decision.note(
        at,
        Reason.UNANSWERED,
        steps=incident.step,
        repeats=incident.repeats,
        policy=policy.name,
        duties=by,
    )
    fallback = settings.people.reach(policy.fallback, incident.severity, at).without(
        incident.notified
    )
    decision.queue(at, Reason.UNANSWERED, incident.notified)
    notify(decision, at, Reason.UNANSWERED, fallback)


# --- recipients


def notify(decision: Decision, at: float, reason: Reason, reached: Recipients) -> None:
    """Notify these recipients, and set a timer for their further contact methods. Note problems."""
    for target, why in reached.problems:
        decision.note(at, Reason.NOBODY_REACHED, target=target, why=why)
    incident = decision.incident
    changes: dict[str, Any] = {}
    if reached.now:
        decision.queue(at, reason, reached.now)
        changes["notified"] = tuple(dict.fromkeys((*incident.notified, *reached.now)))
    if reached.later and incident.is_open and incident.acknowledged_at is None:
        later = [(at + after, address) for after, address in reached.later]
        changes["reaching"] = reaching = tuple(sorted({*incident.reaching, *later}))
        decision.set_timer(REACH, reaching[0][0])
    if changes:
        decision.change(**changes)


def noted(reached: Recipients, incident: Incident) -> dict[str, Any]:
    """The recipients as noted on the timeline: later ones only if nobody has acknowledged."""
    return reached.noted(waits=incident.acknowledged_at is None)


def try_next_methods(decision: Decision, at: float) -> None:
    """Notify people by their further contact methods that are due, as nobody has acknowledged."""
    reaching = decision.incident.reaching
    due = tuple(address for when, address in reaching if when <= at)
    if due:
        decision.note(at, Reason.NEXT_METHOD, channels=list(due))
        notify(decision, at, Reason.NEXT_METHOD, Recipients(due))
    left = tuple(sorted({(when, address) for when, address in reaching if when > at}))
    decision.change(reaching=left)
    if left:
        decision.set_timer(REACH, left[0][0])


def stop_reaching(decision: Decision) -> None:
    """Cancel further contact methods: somebody answered, or the policy starts over."""
    if decision.incident.reaching:
        decision.change(reaching=())
        decision.timers_cleared.append(REACH)


# --- promises of the severity


def start_clocks(decision: Decision, at: float, settings: Settings) -> None:
    """Set the deadlines of a severity that starts now."""
    incident = decision.incident
    plan, policy = settings.plan_of(incident), settings.policy_of(incident)
    if plan.respond_within is not None and incident.acknowledged_at is None:
        expect_response(decision, at, settings)
    if plan.update_every is not None:
        decision.set_timer(REMIND, at + plan.update_every)
    if policy.promote and (due_at := promotion_due(incident, policy)) is not None:
        decision.set_timer(PROMOTE, max(at, due_at))


def expect_response(decision: Decision, at: float, settings: Settings) -> None:
    """Set the deadline for the response that the severity promises."""
    within = settings.plan_of(decision.incident).respond_within
    if within is not None:
        decision.set_timer(RESPOND, settings.calendar.after(within, at))


def promotion_due(incident: Incident, policy: Policy) -> float | None:
    """The time of the promotion (UTC epoch seconds). Time open before a brief resolve counts."""
    promote = policy.promote
    if promote is None or not promote.to.worse_than(incident.severity):
        return None
    return incident.severity_since + promote.after - incident.spent


def remind(decision: Decision, at: float, settings: Settings) -> None:
    """Handle the timer REMIND: ask for an update, or wait again if there was one."""
    incident = decision.incident
    every = settings.plan_of(incident).update_every
    if every is None:
        return
    if at < incident.news_at + every:
        decision.set_timer(REMIND, incident.news_at + every)
        return
    decision.set_timer(REMIND, at + every)
    if incident.acknowledged_at is None:
        return  # the escalation is still running, which is more urgent
    decision.reason = Reason.UPDATE_OVERDUE
    decision.note(
        at,
        Reason.UPDATE_OVERDUE,
        since=incident.news_at,
        say=f'alert-router update {incident.id} "…"',
    )
    decision.queue(at, Reason.UPDATE_OVERDUE, to_lead(incident, at, settings))


def to_lead(incident: Incident, at: float, settings: Settings) -> tuple[str, ...]:
    """The addresses of the lead, and the channels that get every change.

    A lead who isn't a contact, such as a name from a chat, has no address. Then the people of the
    policy's first step are reminded, or its channels if it has no people.
    """
    lead = settings.people.find(incident.lead)
    steps = settings.policy_of(incident).steps
    people = (target for target in steps[0].notify if ":" in target) if steps else ()
    targets = (f"contact:{lead}",) if lead else tuple(people)
    reached = settings.people.reach(targets, incident.severity, at).now
    channels = (
        () if reached else tuple(address for address in incident.notified if not person_of(address))
    )
    return tuple(dict.fromkeys((*edited(incident, settings), *reached, *channels)))


def edited(incident: Incident, settings: Settings) -> tuple[str, ...]:
    """The channels that get every change, because they edit their message."""
    return tuple(channel for channel in incident.notified if channel in settings.edited)
