"""The system's clock is set by an hour: steps stay in time, messages go out, the log tells it."""

import pytest
import structlog

from router.core.outbox.rate_limit import RateLimit
from router.engine.jobs.clock_jumps import ClockJumps
from router.engine.timers import Timers
from router.model.reason import Reason
from tests.clock import START, SteppedClock
from tests.engine.office import Office, seen

HOUR = 3600.0


class Jumping(SteppedClock):
    """Steps as another clock does, `by` seconds ahead of it."""

    def __init__(self, steady: SteppedClock) -> None:
        super().__init__()
        self._steady = steady
        self.by = 0.0

    def now(self) -> float:
        return self._steady.now() + self.by


async def test_a_clock_that_is_set_back_makes_no_step_late(
    office: Office, clock: SteppedClock
) -> None:
    """Deadlines and the pause before a retry move with it."""
    wall = Jumping(clock)
    jumps = ClockJumps(office.store, wall, clock)
    timers = Timers(office.store, office.applier, wall, office.ownership)
    await office.submit(seen())
    before = await office.row()
    due = await office.store.claim_timers(START + 900, "me", 0.0, 99)
    (step,) = [timer for timer in due if timer.name == "step"]
    wall.by = -HOUR
    with structlog.testing.capture_logs() as logs:
        await jumps.check()
    assert (await office.row()).due_at == before.due_at - HOUR
    await clock.advance(step.due_at - START)
    assert await timers.tick() > 0
    assert Reason.STEP_DUE in await office.timeline()
    [line] = [log for log in logs if log["event"] == "clock_jumped"]
    assert (line["by"], line["deadlines_moved"]) == (-HOUR, True)
    assert "NTP" in line["what_to_do"]


async def test_a_clock_that_is_set_forward_makes_steps_due_at_once(
    office: Office, clock: SteppedClock
) -> None:
    """A page too early is better than one too late."""
    wall = Jumping(clock)
    jumps = ClockJumps(office.store, wall, clock)
    timers = Timers(office.store, office.applier, wall, office.ownership)
    await office.submit(seen())
    wall.by = HOUR
    with structlog.testing.capture_logs() as logs:
        await jumps.check()
    assert await timers.tick() > 0
    assert [log["deadlines_moved"] for log in logs if log["event"] == "clock_jumped"] == [False]


async def test_small_corrections_are_no_jump(office: Office, clock: SteppedClock) -> None:
    wall = Jumping(clock)
    jumps = ClockJumps(office.store, wall, clock)
    with structlog.testing.capture_logs() as logs:
        for _ in range(10):
            wall.by -= 0.5
            await jumps.check()
    assert logs == []


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_a_rate_limit_blocks_no_channel_after_a_jump(jump: float) -> None:
    limit = RateLimit(1, 60.0)
    limit.take(START)
    assert limit.free(START + jump) == 1
