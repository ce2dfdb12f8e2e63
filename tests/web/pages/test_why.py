"""The picture of why somebody was paged: from the alert to each delivery."""

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from router.model.incident import Measured
from router.web.pages.why import WIDTH, scale
from tests.clock import SteppedClock
from tests.daemon import Daemon, alert
from tests.web.pages.test_incident import text
from tests.world import World
from tests.world import alert as seen

Router = Callable[..., Daemon]

PEOPLE = {
    "contacts": {"ana": {"name": "Ana", "reach": [{"via": "text"}]}},
    "schedules": {
        "primary": {"layers": [{"rotate": "weekly", "handover": "Mon 09:00", "contacts": ["ana"]}]}
    },
    "channels": {"log": {"type": "console"}, "text": {"type": "console"}},
    "policies": {
        "all": {
            "steps": [
                {"notify": ["channel:log", "schedule:primary"]},
                {"after": "5m", "notify": ["channel:log"]},
            ]
        }
    },
}


async def test_each_page_is_drawn_from_its_decision_to_its_delivery(
    router: Router, clock: SteppedClock
) -> None:
    """Rule, value and threshold, duty, channel and result; then the pages that are not due."""
    async with router(clock=clock, **PEOPLE) as daemon:
        await daemon.alert(alert())

        async def delivered() -> bool:
            shown = (await daemon.get("/api/v1/notifications?state=sent")).json
            return bool(shown["total"] == 2)

        await clock.settle(delivered)
        page = text(await daemon.get("/incidents/1/why"))
        shown = {
            "ana paged",
            "<code>payment-failures</code>",
            "Measured 2.3%, threshold &gt; 1%",
            "ana by schedule:primary, layer 1",
            "Message delivered to text/ana",
            "Step 2: notifies log",
        }
        assert {part for part in shown if part not in page} == set()


async def test_an_incident_that_paged_nobody_says_why(router: Router) -> None:
    """The first obstacle is the answer."""
    async with router(channels={"log": {"type": "console"}}) as daemon:
        await daemon.alert(alert("DiskFull", instance="a"))
        page = text(await daemon.get("/incidents/1/why"))
        assert "Nobody was paged about INC-1" in page
        assert (await daemon.get("/incidents/7/why")).status == 404


@pytest.mark.parametrize(
    ("value", "threshold", "at"),
    [(0.02, "> 1%", (0.8, 0.4)), (0.005, "> 1%", (0.4, 0.8)), (-1.0, "> 1%", (0.0, 0.008))],
)
def test_a_value_is_drawn_beside_its_threshold(
    value: float, threshold: str, at: tuple[float, float]
) -> None:
    """Both on one scale from zero, with room above the larger."""
    world = World()
    world.see(seen())
    measured = Measured(value, str(value), threshold, world.now)
    drawn = scale(replace(world.incident, measured=measured))
    assert drawn is not None
    assert (drawn.value / WIDTH, drawn.limit / WIDTH) == pytest.approx(at)


def test_an_incident_without_a_value_has_no_scale() -> None:
    """Nothing was measured, or the threshold can't be read any more."""
    world = World()
    world.see(seen())
    assert scale(replace(world.incident, measured=None)) is None
    odd = Measured(1.0, "1", "above all", world.now)
    assert scale(replace(world.incident, measured=odd)) is None
