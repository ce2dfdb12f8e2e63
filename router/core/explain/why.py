"""Explains why somebody was or wasn't paged: the decisions as they were made, from the store.

This module decides nothing. Each decision is on the timeline with its reason, policy, steps and
duties, so later changes of a rotation, role or policy don't change the answer. All times are UTC
epoch seconds.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from router.core.explain.alert import Explanation
from router.core.explain.pages import PAGING, IncidentHistory, Page, pages, recorded_duties
from router.core.incident.settings import Settings
from router.core.messages.timeline import describe
from router.core.oncall.business_hours import written
from router.core.oncall.recipients import Duty, read_duties
from router.core.oncall.schedule import turn
from router.core.text.plain import utc
from router.model.alert import RuleMatch
from router.model.decision import Entry
from router.model.incident import Incident, Severity
from router.model.notification import channel_of
from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reasons import having, row
from router.model.revision import Load

NEAR = 1800.0
"""A page matches a given time if it was sent within this many seconds of it."""

DISCUSSED = 5
"""Maximum open incidents, newest first, for which the answer says why a person wasn't paged."""

OBSTACLES = having(Trait.OBSTACLE)
"""Reasons that may keep somebody from being paged."""

_ATTEMPTS = having(Trait.ATTEMPT)
_SKIPS = having(Trait.SKIPS_STEP)

ENDING = having(Trait.TURNING_POINT)


class Why(Struct, frozen=True):
    """An answer in one sentence, with its evidence.

    `opened` has the value, the threshold and the grouping. `load` is the git commit of the rules at
    that time, and `changed` means that `explanation` uses newer rules. `joined` counts the alerts
    that joined. `on_call` are the duties at `at`: as recorded at that time if `on_call_recorded`,
    otherwise by the current schedules.
    """

    answer: str
    at: float
    incident: Incident | None = None
    opened: Entry | None = None
    revision: str = ""
    load: Load | None = None
    changed: bool = False
    joined: int = 0
    pages: tuple[Page, ...] = ()
    obstacles: tuple[Entry, ...] = ()
    ending: tuple[Entry, ...] = ()
    on_call: tuple[Duty, ...] = ()
    on_call_recorded: bool = False
    explanation: Explanation | None = None


def why_incident(
    history: IncidentHistory, settings: Settings, explanation: Explanation | None = None
) -> Why:
    """Explain who was paged about the incident and why, or the first reason why nobody was."""
    incident = history.incident
    found = pages(history)
    if arrived := _arrived(found):
        people = ", ".join(dict.fromkeys(page.person for page in arrived))
        answer = f"{_titled(incident)}: {people} paged; first {_paged(arrived[0])}"
    else:
        obstacle = _first_obstacle(history, found, settings)
        answer = f"Nobody was paged about {_titled(incident)}: {obstacle}"
    return _why(answer, incident.opened_at, history, settings, explanation)


def why_alert(
    matches: Collection[RuleMatch],
    histories: Sequence[IncidentHistory],
    settings: Settings,
    explanation: Explanation,
    at: float,
) -> Why:
    """Explain a stored alert: its incident, or the first reason why it has none."""
    if histories:
        why = why_incident(histories[0], settings, explanation)
        joined = [
            entry
            for entry in histories[0].timeline
            if entry.what is Reason.JOINED and _is_of(entry, explanation)
        ]
        if not joined:
            return why
        name = histories[0].incident.name
        return replace(why, answer=f"It joined {name}, which was already open. {why.answer}")
    stopped = (
        "; ".join(dict.fromkeys(_stopped(match, explanation) for match in matches))
        or "no rule has seen it"
    )
    return Why(f"Nobody was paged for this alert: {stopped}", at, explanation=explanation)


def why_person(
    contact: str, at: float, histories: Sequence[IncidentHistory], settings: Settings
) -> Why:
    """Explain why the contact was paged around `at`, or why no incident open then paged them."""
    own = [
        (page, history)
        for history in histories
        for page in pages(history)
        if page.person == contact and page.is_page
    ]
    near = [found for found in own if abs(found[0].at - at) <= NEAR]
    before = [found for found in own if found[0].at <= at and _is_open(found[1].incident, at)]
    if near or before:
        page, history = min(
            near or before, key=lambda found: (not found[0].arrived, abs(found[0].at - at))
        )
        was = "was" if page.arrived else "was not"
        since = "" if near else f", which was still open at {utc(at)}"
        answer = f"{contact} {was} paged {_paged(page)}, about {_titled(history.incident)}{since}"
        return _why(answer, page.at, history, settings, None)
    open_then = [history for history in histories if _is_open(history.incident, at)]
    if not open_then:
        on_call = _listed(on_duty(settings, at), recorded=False)
        answer = f"{contact} was not paged: no incident was open at {utc(at)}; {on_call}"
        return Why(answer, at, on_call=tuple(on_duty(settings, at)))
    reasons = [_why_not_about(contact, history, settings, at) for history in open_then[:DISCUSSED]]
    if (more := len(open_then) - len(reasons)) > 0:
        plural = "s" if more > 1 else ""
        reasons.append(f"{more} older open incident{plural} did not page them either")
    duties, recorded = _on_call(open_then[0], settings, at)
    on_call = _listed(duties, recorded=recorded)
    answer = f"{contact} was not paged at {utc(at)} {'; '.join(reasons)}; {on_call}"
    return _why(answer, at, open_then[0], settings, None)


def _why_not_about(contact: str, history: IncidentHistory, settings: Settings, at: float) -> str:
    """`about INC-1, which paged ben: no step of policy 'critical' notified them`."""
    others = [page for page in _arrived(pages(history)) if page.at <= at]
    instead = ", ".join(dict.fromkeys(page.person for page in others)) or "nobody"
    reason = _why_not(contact, history, settings, at)
    return f"about {history.incident.name}, which paged {instead}: {reason}"


def _why_not(contact: str, history: IncidentHistory, settings: Settings, at: float) -> str:
    """The reason by the decisions until `at`; for steps after that, by the current policy."""
    before = [entry for entry in history.timeline if entry.at <= at]
    if any(page.person == contact and page.stakeholder for page in pages(history) if page.at <= at):
        return "they are a stakeholder, who is informed and not paged"
    for entry in before:
        was_recipient = any(
            shift.contact == contact for shift in read_duties(entry.data.get("duties"))
        )
        unreachable = entry.data.get("target") == f"contact:{contact}"
        if entry.what in OBSTACLES and (was_recipient or unreachable):
            return describe(entry)
    policy = settings.policy(_severity(history, at), history.incident.rule)
    taken = _steps(before)
    for number, step in enumerate(policy.steps, 1):
        means = any(
            ":" in target and contact in settings.people.people(target, at)
            for target in step.notify
        )
        if means and number not in taken:
            after = f"{written(step.after)} after it began"
            return f"step {number} of policy '{policy.name}' notifies them {after}"
    marks = [entry for entry in before if entry.what in {Reason.FLAPPING, Reason.SETTLED}]
    if marks and marks[-1].what is Reason.FLAPPING:
        return describe(marks[-1])
    return f"no step of policy '{policy.name}' notified them"


def _severity(history: IncidentHistory, at: float) -> Severity:
    """The severity of the incident at that time."""
    changes = (
        entry for entry in reversed(history.timeline) if entry.at <= at and "severity" in entry.data
    )
    known = next((change for change in changes if change.what in _OF_SEVERITY), None)
    return Severity(known.data["severity"]) if known else history.incident.severity


_OF_SEVERITY = having(Trait.STARTS_POLICY)


# --- on-call people


def on_duty(settings: Settings, at: float) -> Iterator[Duty]:
    """The duties of each schedule at `at`, by the current schedules."""
    for name, schedule in settings.people.schedules.items():
        yield settings.people.duty(f"schedule:{name}", turn(schedule, at).contact, at)


def _on_call(
    history: IncidentHistory, settings: Settings, at: float
) -> tuple[tuple[Duty, ...], bool]:
    """The duties at `at`, and whether they were recorded then."""
    recorded = recorded_duties(history, at)
    return (recorded, True) if recorded else (tuple(on_duty(settings, at)), False)


def _listed(duties: Collection[Duty] | Iterator[Duty], *, recorded: bool) -> str:
    on_call = ", ".join(f"{shift.target}: {shift.contact or 'nobody'}" for shift in duties)
    if not on_call:
        return "there are no schedules"
    return (
        f"on call was {on_call}" if recorded else f"by the current schedules, on call was {on_call}"
    )


# --- texts


def _why(
    answer: str,
    at: float,
    history: IncidentHistory,
    settings: Settings,
    explanation: Explanation | None,
) -> Why:
    opened = next((entry for entry in history.timeline if entry.what is Reason.OPENED), None)
    revision = str(opened.data.get("revision", "")) if opened else ""
    duties, recorded = _on_call(history, settings, at)
    return Why(
        answer,
        at,
        history.incident,
        opened,
        revision,
        history.revision.at(history.incident.opened_at) if history.revision else None,
        revision not in {"", settings.rules.revision},
        sum(entry.what is Reason.JOINED for entry in history.timeline),
        pages(history),
        tuple(entry for entry in history.timeline if entry.what in OBSTACLES),
        tuple(entry for entry in history.timeline if entry.what in ENDING),
        duties,
        recorded,
        explanation,
    )


def _arrived(found: Iterable[Page]) -> list[Page]:
    """The pages of people that arrived."""
    return [page for page in found if page.person and page.is_page and page.arrived]


def _titled(incident: Incident) -> str:
    return f"{incident.name} [{incident.severity}] {incident.title}"


def _paged(page: Page) -> str:
    """A page's time, contact method and reason, and its failure or delay by a limit."""
    cause = f" ({describe(page.cause)})" if page.cause else ""
    who = "; ".join(_because(shift) for shift in page.duties or ())
    failed = "" if page.arrived or not page.deliveries else f": {describe(page.deliveries[-1])}"
    over = f"at {utc(page.at)} over {channel_of(page.address)}"
    return f"{over}{f', as {who}' if who else ''}{cause}{failed}{_delay(page)}"


def _delay(page: Page) -> str:
    held = next((delivery for delivery in page.deliveries if delivery.data.get("held")), None)
    return f", held by a limit until {utc(held.at)}" if held and page.arrived else ""


def _because(shift: Duty) -> str:
    """`schedule:primary by layer 1`."""
    if shift.override is not None:
        instead = f" instead of {shift.override.replaces}" if shift.override.replaces else ""
        return f"{shift.target} by an override{instead}"
    return f"{shift.target} by layer {shift.layer}" if shift.layer else shift.target


def _first_obstacle(history: IncidentHistory, found: Sequence[Page], settings: Settings) -> str:
    """The earliest page that has not arrived, or obstacle to all pages; else a skipped step."""
    entries = [entry for entry in history.timeline if entry.what in OBSTACLES - _ATTEMPTS]
    causes = [(entry.at, describe(entry)) for entry in entries if entry.what not in _SKIPS]
    causes += [
        (page.at, _not_arrived(page))
        for page in found
        if page.person and page.is_page and not page.arrived
    ]
    if causes:
        return min(causes, key=lambda cause: cause[0])[1]
    if entries and not _awaited(history, settings):
        return describe(entries[0])
    return _nothing_sent(history, settings) + _notified_only(found)


def _nothing_sent(history: IncidentHistory, settings: Settings) -> str:
    """The reason why no page was to be sent, where nothing stopped one."""
    incident, policy = history.incident, settings.policy_of(history.incident)
    meant = next(
        (
            f"a page to {shift.contact} was sent"
            for entry in history.timeline
            if entry.what in PAGING
            for shift in read_duties(entry.data.get("duties"))
            if shift.contact
        ),
        "",
    )
    if not incident.is_open:
        return f"it was over before {meant or 'a step that notifies a person was due'}"
    if incident.reaching:
        when, address = incident.reaching[0]
        return f"the message to {address} is due at {utc(when)}, unless somebody acknowledges"
    if meant and incident.acknowledged_at is not None:
        return f"it was acknowledged before {meant}"
    if not any(":" in target for step in policy.steps for target in step.notify):
        return f"its policy '{policy.name}' notifies no person"
    return "no step that notifies a person is due yet"


def _not_arrived(page: Page) -> str:
    if page.deliveries:
        return describe(page.deliveries[-1])
    return f"the message to {page.address} has not been sent yet"


def _awaited(history: IncidentHistory, settings: Settings) -> bool:
    """Check if a step that notifies a person was neither taken nor skipped, by the policy now."""
    handled = _steps(history.timeline)
    return any(
        number not in handled and any(":" in target for target in step.notify)
        for number, step in enumerate(settings.policy_of(history.incident).steps, 1)
    )


def _steps(timeline: Iterable[Entry]) -> set[int]:
    """The numbers of the steps that were taken or skipped."""
    return {
        step
        for entry in timeline
        for step in (*entry.data.get("taken", ()), entry.data.get("step"))
        if step
    }


def _notified_only(found: Sequence[Page]) -> str:
    notified = ", ".join(dict.fromkeys(page.address for page in found if page.arrived))
    return f"; notified: {notified}" if notified else ""


def _stopped(match: RuleMatch, explanation: Explanation) -> str:
    """The reason why the rule opened nothing for the alert, with the evidence."""
    why = row(match.reason).refusal or match.reason.replace("_", " ")
    outcome = next(
        (outcome for outcome in explanation.outcomes if outcome.rule.name == match.rule), None
    )
    if match.reason is Reason.BELOW_THRESHOLD and outcome and outcome.judgement.threshold:
        why += (
            f", {outcome.judgement.read or 'no value'} against {outcome.judgement.threshold.text}"
        )
    if explanation.quiet and explanation.quiet.reason is match.reason:
        why += f", by {explanation.quiet.by} until {utc(explanation.quiet.until)}"
    return f"{why} (rule {match.rule})"


def _is_of(entry: Entry, explanation: Explanation) -> bool:
    return bool(entry.data.get("fingerprint") == explanation.alert.fingerprint)


def _is_open(incident: Incident, at: float) -> bool:
    return incident.opened_at <= at and (incident.closed_at is None or at < incident.closed_at)
