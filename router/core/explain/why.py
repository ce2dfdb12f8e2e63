"""Why somebody was paged, or wasn't: an account of what was decided then, made from what the store
keeps of it.

Nothing here decides. What was decided is on the timeline, with its reason; who was on call then is
asked of the schedules with their overrides, and what the rules say of an alert of the rules in
force, by the functions that decide. All times are UTC epoch seconds.
"""

from collections.abc import Collection, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from router.core.explain.alert import Explanation
from router.core.incident.escalation import unneeded
from router.core.incident.settings import Settings
from router.core.messages.timeline import describe
from router.core.oncall.business_hours import written
from router.core.oncall.schedule import Override, turn
from router.core.text.plain import utc
from router.model.alert import RuleMatch
from router.model.decision import Entry
from router.model.incident import Incident, Severity
from router.model.notification import Notification, channel_of, person_of
from router.model.reason import Reason
from router.model.reason_row import Trait
from router.model.reasons import having, row
from router.model.revision import Load, Revision

NEAR = 1800.0
"""Seconds around the time in question within which somebody's page is meant."""

TELLING = having(Trait.NOTIFIES)
"""Why people are paged, rather than told how it goes on."""

OBSTACLES = having(Trait.OBSTACLE)
"""What may keep somebody from being paged."""

ENDING = having(Trait.TURNING_POINT)

_BEGINNING = having(Trait.STARTS_POLICY)
"""What the policy starts over with."""

_SETTLED = having(Trait.ATTEMPT)
_ARRIVED = having(Trait.ARRIVED)


class Story(Struct, frozen=True):
    """What the store has of one incident: `timeline` oldest first, `revision` that of the rules
    that opened it.
    """

    incident: Incident
    timeline: Sequence[Entry]
    notifications: Sequence[Notification]
    revision: Revision | None = None


class Duty(Struct, frozen=True):
    """Why a target meant somebody: who has the turn of which layer, or stands in by which override."""

    target: str
    contact: str
    layer: int = 0
    override: Override | None = None


class Page(Struct, frozen=True):
    """A message that was decided on at `at`: `cause` is the line that says why, `deliveries` what
    came of it.

    `duties` say why it was this person. `ref` is the service's receipt for what it was sent last.
    """

    at: float
    address: str
    cause: Entry | None
    deliveries: tuple[Entry, ...]
    duties: tuple[Duty, ...] = ()
    ref: str = ""

    @property
    def arrived(self) -> bool:
        return any(one.what in _ARRIVED for one in self.deliveries)

    @property
    def is_telling(self) -> bool:
        return self.cause is None or self.cause.what in TELLING


class Account(Struct, frozen=True):
    """`answer` is one sentence, and the rest is what it rests on.

    `opened` has the value, the threshold and the grouping; `load` is the commit of the rules in
    force then, and `changed` says that they aren't those that `explanation` is by. `joined`: how
    many alerts joined. `on_call` is who had which turn at `at`.
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
    explanation: Explanation | None = None


def of_incident(
    story: Story, settings: Settings, explanation: Explanation | None = None
) -> Account:
    """Who was told of it, and why; if nobody was paged, what stopped it first."""
    incident, found = story.incident, pages(story, settings)
    paged = [page for page in found if person_of(page.address) and page.is_telling and page.arrived]
    if paged:
        people = ", ".join(dict.fromkeys(person_of(page.address) for page in paged))
        answer = f"{_titled(incident)}: {people} paged; first {_paged(paged[0])}"
    else:
        answer = (
            f"Nobody was paged about {_titled(incident)}: {_first_obstacle(story, found, settings)}"
        )
    return _account(answer, incident.opened_at, story, found, settings, explanation)


def of_alert(
    rule_matches: Collection[RuleMatch],
    stories: Sequence[Story],
    settings: Settings,
    explanation: Explanation,
    at: float,
) -> Account:
    """What became of an alert that is stored: its incident, or else the first reason that it has
    none.
    """
    if stories:
        account = of_incident(stories[0], settings, explanation)
        joined = [
            entry
            for entry in stories[0].timeline
            if entry.what is Reason.JOINED and _is_of(entry, explanation)
        ]
        if not joined:
            return account
        return replace(
            account,
            answer=f"It joined {stories[0].incident.name}, which was open already. {account.answer}",
        )
    stopped = (
        "; ".join(dict.fromkeys(_stopped(rule_match, explanation) for rule_match in rule_matches))
        or "no rule has seen it"
    )
    return Account(f"Nobody was paged for this alert: {stopped}", at, explanation=explanation)


def of_person(contact: str, at: float, stories: Sequence[Story], settings: Settings) -> Account:
    """Why they were paged around `at`; or why not, by what was open then."""
    own = [
        (page, story)
        for story in stories
        for page in pages(story, settings)
        if person_of(page.address) == contact
    ]
    near = [one for one in own if abs(one[0].at - at) <= NEAR and one[0].is_telling]
    if near:
        page, story = min(near, key=lambda one: (not one[0].arrived, abs(one[0].at - at)))
        what = (
            f"{contact} was paged {_paged(page)}"
            if page.arrived
            else f"{contact} wasn't paged {_paged(page)}"
        )
        return _account(
            f"{what}, about {_titled(story.incident)}",
            page.at,
            story,
            pages(story, settings),
            settings,
            None,
        )
    duties = tuple(on_duty(settings, at))
    there = ", ".join(f"{one.target}: {one.contact or 'nobody'}" for one in duties)
    turns = f"on call was {there}" if there else "there are no schedules"
    open_then = [one for one in stories if _is_open(one.incident, at)]
    if not open_then:
        return Account(
            f"{contact} wasn't paged: no incident was open at {utc(at)}; {turns}",
            at,
            on_call=duties,
        )
    story = open_then[0]
    others = [
        one
        for one in pages(story, settings)
        if person_of(one.address) and one.is_telling and one.at <= at
    ]
    instead = ", ".join(dict.fromkeys(person_of(one.address) for one in others)) or "nobody"
    why = _why_not(contact, story, settings, at)
    answer = f"{contact} wasn't paged at {utc(at)} about {story.incident.name}, which paged {instead}: {why}; {turns}"
    return _account(answer, at, story, pages(story, settings), settings, None)


def _why_not(contact: str, story: Story, settings: Settings, at: float) -> str:
    """By the first step of the policy that means them."""
    policy = settings.policy(_severity(story, at))
    for number, step in enumerate(policy.steps, 1):
        if not any(
            ":" in target and contact in settings.people.people(target, at)
            for target in step.notify
        ):
            continue
        lines = [one for one in story.timeline if one.at <= at and one.what in OBSTACLES]
        skipped = next((one for one in lines if one.data.get("step") == number), None)
        failed = next(
            (one for one in lines if one.data.get("target") == f"contact:{contact}"), None
        )
        if line := skipped or failed:
            return describe(line)
        return f"step {number} of policy '{policy.name}' means them, {written(step.after)} after it began"
    return f"no step of policy '{policy.name}' means them"


# --- pages


def pages(story: Story, settings: Settings) -> tuple[Page, ...]:
    """Every message about the incident, in the order in which they were decided on."""
    settled: dict[tuple[str, int], list[Entry]] = {}
    for entry in story.timeline:
        if entry.what in _SETTLED:
            address = str(entry.data.get("channel", ""))
            newest = max((seq for known, seq in settled if known == address), default=0)
            settled.setdefault((address, entry.data.get("seq", newest)), []).append(entry)
    rows = {row.channel: row for row in story.notifications}
    found = [
        _page(story, address, those[0].at - those[0].data.get("late", 0.0), those, settings)
        for (address, _), those in settled.items()
    ]
    waiting = [row for row in rows.values() if (row.channel, row.seq) not in settled]
    found += [_page(story, row.channel, row.owed_at, [], settings) for row in waiting]
    return tuple(sorted(found, key=lambda page: (page.at, page.address)))


def _page(
    story: Story, address: str, at: float, deliveries: Sequence[Entry], settings: Settings
) -> Page:
    reason = (
        next((row.reason for row in story.notifications if row.channel == address), None)
        if not deliveries
        else None
    )
    cause = _cause(story.timeline, address, at, reason)
    ref = next((str(one.data["ref"]) for one in deliveries if one.data.get("ref")), "")
    duties = tuple(_duties(story, settings, person_of(address), at)) if person_of(address) else ()
    return Page(at, address, cause, tuple(deliveries), duties, ref)


def _cause(
    timeline: Sequence[Entry], address: str, at: float, reason: Reason | None
) -> Entry | None:
    """The line of that moment which names the address, or else the first: what opens an incident
    names nobody.

    `reason` is why the message is owed, where that's known.
    """
    then = [one for one in timeline if abs(one.at - at) < 0.001 and one.what not in _SETTLED]
    then = [one for one in then if one.what is reason] or then
    return next(
        (one for one in then if address in one.data.get("channels", ())), then[0] if then else None
    )


def _severity(story: Story, at: float) -> Severity:
    """What it was then."""
    changes = (one for one in reversed(story.timeline) if one.at <= at and "severity" in one.data)
    known = next((one for one in changes if one.what in TELLING), None)
    return Severity(known.data["severity"]) if known else story.incident.severity


def _duties(story: Story, settings: Settings, contact: str, at: float) -> Iterator[Duty]:
    """By which targets the contact was meant: of the steps that were due by then and are for this
    incident.
    """
    severity = _severity(story, at)
    policy, incident = settings.policy(severity), story.incident
    began = max(
        (one.at for one in story.timeline if one.what in _BEGINNING and one.at <= at), default=at
    )
    steps = [one for one in policy.steps if unneeded(one, incident) is not Reason.CONDITION_FAILED]
    # A step that comes to nobody brings the next forward, and so may somebody who escalates.
    due = [one for one in steps if settings.calendar.after(one.after, began) <= at]
    stakeholders = settings.severities[severity].stakeholders
    for those in (due, steps):
        targets = dict.fromkeys(
            (*(target for step in those for target in step.notify), *policy.fallback, *stakeholders)
        )
        meaning = [
            one for one in targets if ":" in one and contact in settings.people.people(one, at)
        ]
        if meaning:
            yield from (_duty(settings, target, contact, at) for target in meaning)
            return


def _duty(settings: Settings, target: str, contact: str, at: float) -> Duty:
    kind, _, name = target.partition(":")
    if kind != "schedule":
        return Duty(target, contact)
    found = turn(settings.people.schedules[name], at)
    return Duty(target, contact, found.layer, found.overrides[-1] if found.overrides else None)


def on_duty(settings: Settings, at: float) -> Iterator[Duty]:
    """Who has the turn of each schedule, and by what."""
    for name, schedule in settings.people.schedules.items():
        yield _duty(settings, f"schedule:{name}", turn(schedule, at).contact, at)


# --- words


def _account(  # noqa: PLR0913, PLR0917 - what there is to say
    answer: str,
    at: float,
    story: Story,
    found: tuple[Page, ...],
    settings: Settings,
    explanation: Explanation | None,
) -> Account:
    opened = next((one for one in story.timeline if one.what is Reason.OPENED), None)
    revision = str(opened.data.get("revision", "")) if opened else ""
    return Account(
        answer,
        at,
        story.incident,
        opened,
        revision,
        story.revision.at(story.incident.opened_at) if story.revision else None,
        revision not in {"", settings.rules.revision},
        sum(one.what is Reason.JOINED for one in story.timeline),
        found,
        tuple(one for one in story.timeline if one.what in OBSTACLES),
        tuple(one for one in story.timeline if one.what in ENDING),
        tuple(on_duty(settings, at)),
        explanation,
    )


def _titled(incident: Incident) -> str:
    return f"{incident.name} [{incident.severity}] {incident.title}"


def _paged(page: Page) -> str:
    """When, over what, why, and what came of it if it hasn't arrived."""
    why = f" ({describe(page.cause)})" if page.cause else ""
    who = "; ".join(_because(duty) for duty in page.duties)
    failed = "" if page.arrived or not page.deliveries else f": {describe(page.deliveries[-1])}"
    return f"at {utc(page.at)} over {channel_of(page.address)}{f', being {who}' if who else ''}{why}{failed}"


def _because(duty: Duty) -> str:
    """`schedule:primary by layer 1`."""
    if duty.override is not None:
        instead = f" instead of {duty.override.replaces}" if duty.override.replaces else ""
        return f"{duty.target} by an override{instead}"
    return f"{duty.target} by layer {duty.layer}" if duty.layer else duty.target


def _first_obstacle(story: Story, found: Sequence[Page], settings: Settings) -> str:
    first = next((one for one in story.timeline if one.what in OBSTACLES), None)
    if first is not None:
        return describe(first)
    waiting = [page for page in found if person_of(page.address) and not page.deliveries]
    if waiting:
        return f"the message to {waiting[0].address} hasn't been sent yet"
    policy = settings.policy(story.incident.severity)
    if not any(":" in target for step in policy.steps for target in step.notify):
        told = ", ".join(dict.fromkeys(page.address for page in found)) or "nothing"
        return f"its policy '{policy.name}' tells {told}, and no person"
    return (
        "it was over before"
        if not story.incident.is_open
        else "no step that means people is due yet"
    )


def _stopped(rule_match: RuleMatch, explanation: Explanation) -> str:
    """Why the rule opened nothing for the alert, with what that rests on."""
    why = row(rule_match.reason).refusal or rule_match.reason.replace("_", " ")
    outcome = next((one for one in explanation.outcomes if one.rule.name == rule_match.rule), None)
    if rule_match.reason is Reason.BELOW_THRESHOLD and outcome and outcome.judgement.threshold:
        why += (
            f", {outcome.judgement.read or 'no value'} against {outcome.judgement.threshold.text}"
        )
    if explanation.quiet and explanation.quiet.reason is rule_match.reason:
        why += f", by {explanation.quiet.by} until {utc(explanation.quiet.until)}"
    return f"{why} (rule {rule_match.rule})"


def _is_of(entry: Entry, explanation: Explanation) -> bool:
    return bool(entry.data.get("fingerprint") == explanation.alert.fingerprint)


def _is_open(incident: Incident, at: float) -> bool:
    return incident.opened_at <= at and (incident.closed_at is None or at < incident.closed_at)
