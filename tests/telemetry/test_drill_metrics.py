"""A drill is in no statistics of incidents."""

from router.model.alert import DRILL
from router.model.event import AlertSeen, Command, Commanded
from router.telemetry.metrics import Metrics
from tests.world import NOW, World, alert


def test_a_drill_is_not_counted_as_an_incident() -> None:
    """Neither that it opened nor how soon it was acknowledged; a real one beside it is."""
    metrics, world = Metrics(), World()
    for events in (
        [AlertSeen(NOW, alert("d", source=DRILL, drill="d1")), AlertSeen(NOW, alert())],
        [Commanded(NOW + 9, which, "ana", Command.ACKNOWLEDGE) for which in (1, 2)],
    ):
        changes, _ = world.decide(*events)
        world.happen(*events)
        metrics.committed(events, changes, world.incidents)
    value = metrics.registry.get_sample_value
    labels = {"severity": "P0", "rule": "payments"}
    assert value("alert_router_incidents_opened_total", labels) == 1
    assert value("alert_router_time_to_acknowledge_seconds_count", {"severity": "P0"}) == 1
