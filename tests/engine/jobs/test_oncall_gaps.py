"""Warn somebody before a time when nobody is on call."""

import logging
from dataclasses import replace

import pytest

from router.core.incident.policy import Policy, Step
from router.core.incident.settings import Settings
from router.core.oncall.recipients import People
from router.engine.jobs.oncall_gaps import EVERY, Coverage
from router.ports.clock import spawn
from router.telemetry import logs
from router.telemetry.metrics import Metrics
from tests import world
from tests.clock import SteppedClock, stop, turn
from tests.core.reachability.test_gaps import HOLED, NOW, WEEKLY


class DrillTimeline:
    """A coverage whose settings a test changes."""

    def __init__(self, clock: SteppedClock) -> None:
        policy = {
            name: Policy(name, (Step(after=0, notify=("schedule:primary",)),))
            for name in ("critical", "high", "low")
        }
        self.settings = world.settings(
            policies=policy, people=People({"ana": ()}, {}, {"primary": HOLED})
        )
        self.metrics = Metrics()
        self.coverage = Coverage(self.get, clock, self.metrics)

    def get(self) -> Settings:
        return self.settings

    def covered(self, flag: bool) -> None:
        people = People({"ana": ()}, {}, {"primary": WEEKLY if flag else HOLED})
        self.settings = replace(self.settings, people=people)

    @property
    def seconds(self) -> float | None:
        return self.metrics.registry.get_sample_value(
            "alert_router_oncall_gap_seconds", {"schedule": "primary"}
        )


def warnings(caplog: pytest.LogCaptureFixture) -> int:
    said = sum("nobody_on_call" in record.getMessage() for record in caplog.records)
    caplog.clear()
    return said


async def test_a_gap_is_in_the_metrics_and_warned_of_once(caplog: pytest.LogCaptureFixture) -> None:
    """Until it's gone and comes again, or a config is loaded."""
    logs.configure()
    logging.getLogger().addHandler(caplog.handler)
    clock = SteppedClock(NOW)
    scene = DrillTimeline(clock)
    scene.coverage.check(again=True)
    assert (scene.seconds, warnings(caplog)) == (86_400.0, 1)
    watching = spawn(scene.coverage.run(), "coverage", set())
    await turn()
    await clock.advance(EVERY)
    assert warnings(caplog) == 0
    scene.covered(True)
    await clock.advance(EVERY)
    assert (scene.seconds, warnings(caplog)) == (0.0, 0)
    scene.covered(False)
    await clock.advance(EVERY)
    assert (scene.seconds, warnings(caplog)) == (86_400.0, 1)
    scene.coverage.check(again=True)
    assert warnings(caplog) == 1
    await stop(watching)
