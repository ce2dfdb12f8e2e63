"""A decision in the making, and the part of it that is about time: which steps of the policy are due.

Telling people over time is a row, never a sleeping task: each run takes the steps that are due and sets one timer, for
the next.
"""

from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from router.core.settings import Settings
from router.model.decision import Entry, Owed, Timer
from router.model.incident import Incident
from router.model.policy import Unless
from router.model.reason import Reason

STEP = "step"


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
    """Take the policy's steps that are due, and set the timer of the next."""
    assert decision.incident is not None
    incident = decision.incident
    steps = settings.policy(incident.severity).steps
    step, told = incident.step, incident.told
    while step < len(steps) and incident.policy_since + steps[step].after <= at:
        due = steps[step]
        step += 1
        if due.unless is Unless.ACKNOWLEDGED and incident.acknowledged_at is not None:
            decision.note(at, Reason.STEP_SKIPPED, step=step, channels=list(due.channels))
            continue
        decision.owe(at, reason, due.channels)
        told += tuple(channel for channel in due.channels if channel not in told)
        if reason is Reason.STEP_DUE:
            decision.note(at, Reason.STEP_DUE, step=step, channels=list(due.channels))
    decision.incident = replace(incident, step=step, told=told)
    if step < len(steps):
        decision.timers.append(Timer(incident.id, STEP, incident.policy_since + steps[step].after))
    else:
        decision.timers_cleared.append(STEP)
        decision.note(at, Reason.STEPS_ENDED, steps=len(steps))
