"""A decision in the making, and the part of it that is about time: which steps of the policy are due.

Telling people over time is a row, never a sleeping task: each run takes the steps that are due and sets one timer, for
the next; another timer is for the further ways in which people want to be reached, while nobody has acknowledged.
"""

from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from router.core.reach import Reached
from router.core.settings import Settings
from router.model.decision import Entry, Owed, Timer
from router.model.incident import Incident
from router.model.policy import Unless
from router.model.reason import Reason

STEP = "step"
REACH = "reach"


@dataclass(slots=True)
class Decision:
    """What becomes of the incident, and all that follows. `incident` is None where nothing changes in it."""

    reason: Reason
    incident: Incident | None = None
    entries: list[Entry] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)
    timers_cleared: list[str] = field(default_factory=list)
    owed: list[Owed] = field(default_factory=list)
    detached: bool = False

    def note(self, at: float, what: Reason, by: str = "", **data: Any) -> None:
        """Put a line on the timeline."""
        assert self.incident is not None
        self.entries.append(Entry(self.incident.id, at, what, by, data))

    def owe(self, at: float, reason: Reason, channels: tuple[str, ...] | frozenset[str]) -> None:
        """Owe each channel a message about the incident."""
        assert self.incident is not None
        self.owed += [Owed(self.incident.id, channel, reason, at) for channel in channels]


def run_steps(decision: Decision, at: float, reason: Reason, settings: Settings) -> None:
    """Take the policy's steps that are due, and set the timer of the next.

    A step that means people and reaches none isn't waited out: the next one is due at once.
    """
    assert decision.incident is not None
    incident = decision.incident
    steps = settings.policy(incident.severity).steps
    step, nobody = incident.step, False
    while step < len(steps) and (nobody or incident.policy_since + steps[step].after <= at):
        due = steps[step]
        step += 1
        if due.unless is Unless.ACKNOWLEDGED and incident.acknowledged_at is not None:
            decision.note(at, Reason.STEP_SKIPPED, step=step, channels=list(due.notify))
            nobody = False
            continue
        reached = settings.people.reach(due.notify, incident.severity, at)
        tell(decision, at, reason, reached)
        if reason is Reason.STEP_DUE:
            decision.note(at, Reason.STEP_DUE, step=step, channels=list(reached.addresses))
        nobody = reached.nobody
    decision.incident = replace(decision.incident, step=step)
    if step < len(steps):
        decision.timers.append(Timer(incident.id, STEP, incident.policy_since + steps[step].after))
    else:
        decision.timers_cleared.append(STEP)
        decision.note(at, Reason.STEPS_ENDED, steps=len(steps))


def tell(decision: Decision, at: float, reason: Reason, reached: Reached) -> None:
    """Owe a message to all of these, those that come later by a timer; and note who can't be reached."""
    for target, why in reached.problems:
        decision.note(at, Reason.NOBODY_REACHED, target=target, why=why)
    _owe(decision, at, reason, reached.now)
    incident = decision.incident
    assert incident is not None
    if reached.later and incident.is_open and incident.acknowledged_at is None:
        _reach_later(decision, {*incident.reaching, *((at + after, address) for after, address in reached.later)})


def try_next_ways(decision: Decision, at: float) -> None:
    """Nobody has acknowledged: tell people over their further ways that are due."""
    assert decision.incident is not None
    reaching = decision.incident.reaching
    due = tuple(address for when, address in reaching if when <= at)
    if due:
        decision.note(at, Reason.NEXT_WAY, channels=list(due))
        _owe(decision, at, Reason.NEXT_WAY, due)
    _reach_later(decision, {one for one in reaching if one[0] > at})


def stop_reaching(decision: Decision) -> None:
    """Somebody has answered, or the policy starts over: no further ways to reach people are tried."""
    assert decision.incident is not None
    if decision.incident.reaching:
        decision.incident = replace(decision.incident, reaching=())
        decision.timers_cleared.append(REACH)


def _owe(decision: Decision, at: float, reason: Reason, addresses: tuple[str, ...]) -> None:
    assert decision.incident is not None
    decision.owe(at, reason, addresses)
    told = tuple(dict.fromkeys((*decision.incident.told, *addresses)))
    decision.incident = replace(decision.incident, told=told)


def _reach_later(decision: Decision, reaching: set[tuple[float, str]]) -> None:
    assert decision.incident is not None
    decision.incident = replace(decision.incident, reaching=tuple(sorted(reaching)))
    if reaching:
        decision.timers.append(Timer(decision.incident.id, REACH, min(reaching)[0]))
