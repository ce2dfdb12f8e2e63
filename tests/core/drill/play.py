"""A drill in a virtual router, played by a test."""

from typing import Any

from msgspec.structs import replace

from router.core.drill import progress
from router.core.drill.progress import DrillState, DrillTimeline, ExpectationOutcome
from router.core.oncall.recipients import ContactMethod, People
from router.model.drill import Drill, DrillPlan, DrillStep, Kind, PosedAlert
from tests.world import NOW, World, settings

FIRES = DrillStep(
    Kind.ALERT,
    "it fires",
    alert=PosedAlert({"alertname": "Payments", "service": "api"}, {"value": "20%"}),
)
PEOPLE = People(
    {"ana": (ContactMethod("sms"),), "ben": (ContactMethod("sms"),)},
    roles={"cto": ("ana",)},
    called={"ana lee": "ana"},
)


def plan(*steps: DrillStep, **changed: Any) -> DrillPlan:
    return DrillPlan(**({"name": "p0", "steps": (FIRES, *steps), "time_out": 3600.0} | changed))


class Play:
    """One drill of a plan, whose alerts have fired in `world`."""

    def __init__(self, *steps: DrillStep) -> None:
        self.world = World(settings(people=PEOPLE))
        self.drill: Drill = progress.started(plan(*steps), "p0-1", "ana", NOW)
        self.fire()

    def fire(self) -> None:
        for number in progress.due(self.drill, self.world.now):
            alert = progress.alert_of(self.drill, number)
            keys = [rule.key(alert) for rule in self.world.settings.rules.matching_rules(alert)]
            self.world.see(alert)
            self.drill = progress.fired(self.drill, number, keys)

    @property
    def scene(self) -> DrillTimeline:
        numbered = [
            replace(entry, id=number) for number, entry in enumerate(self.world.timeline, 1)
        ]
        return DrillTimeline(tuple(self.world.incidents.values()), tuple(numbered))

    @property
    def outcomes(self) -> list[ExpectationOutcome]:
        return progress.outcomes(self.drill, self.scene, PEOPLE, self.world.now)

    @property
    def states(self) -> list[DrillState]:
        return [outcome.state for outcome in self.outcomes]
