"""An alert that only joins has a path of its own, whose writes are those of the general path."""

from collections.abc import Sequence
from unittest.mock import patch

from hypothesis import example, given
from hypothesis import settings as run
from hypothesis import strategies as st

from router.core.incident import alerts
from router.core.incident.settings import Settings
from router.model.alert import Alert, AlertStatus
from router.model.event import AlertSeen, Command, Commanded, Event
from router.model.incident import Severity, Status
from router.model.reason import Reason
from tests.core.incident.test_properties import CONFIGS
from tests.world import NOW, World, alert, over, rule, settings

ALL = [
    *CONFIGS,
    settings(rule(thresholds={"P1": "> 1% until < 0.5%"}, expire_after=900.0)),
    settings(rule(severity=Severity.P1), expire_after={"alertmanager": 600.0}),
]

reports = st.builds(
    alert,
    st.sampled_from([f"f{number}" for number in range(12)]),
    st.sampled_from(["30%", "20%", "2%", "0.1%", "lots"]),
    service=st.sampled_from(["api", "api", "web"]),
    status=st.sampled_from([AlertStatus.FIRING] * 5 + [AlertStatus.RESOLVED]),
    starts_at=st.sampled_from([NOW, NOW + 1, 0.0]),
    by=st.sampled_from(["", "", "ana"]),
    source=st.sampled_from(["alertmanager", "alertmanager", "drill"]),
)
commands = st.builds(
    Commanded,
    st.just(NOW),
    st.sampled_from([1, 2]),
    st.just("ana"),
    st.sampled_from([Command.ACKNOWLEDGE, Command.RESOLVE, Command.MERGE, Command.FALSE_POSITIVE]),
    status=st.just(Status.MONITORING),
    other=st.sampled_from([1, 2]),
)
batches = st.lists(
    st.one_of(
        st.lists(st.one_of(reports, reports, reports, commands), max_size=8), st.integers(1, 900)
    ),
    max_size=6,
)


def events(at: float, batch: Sequence[Alert | Commanded]) -> list[Event]:
    return [AlertSeen(at, event) if isinstance(event, Alert) else event for event in batch]


@run(max_examples=100, deadline=None)
@given(st.sampled_from(ALL), batches)
@example(settings(rule(resolve_after=300.0)), [[alert("f1")], [over("f1")], [alert("f2")]])
@example(settings(rule(expire_after=900.0)), [[alert("f1")], 1000, [alert("f2")]])
@example(
    settings(rule(count_over=300.0, thresholds={"P2": ">= 0"})), [[alert("f1")], [alert("f2")]]
)
def test_both_paths_write_the_same(
    config: Settings, steps: list[list[Alert | Commanded] | int]
) -> None:
    narrow, general = World(config), World(config)
    for step in steps:
        if isinstance(step, int):
            narrow.advance(step)
            with patch.object(alerts, "join", lambda *_: False):
                general.advance(step)
            continue
        batch = events(narrow.now, step)
        decided = narrow.decide(*batch)
        with patch.object(alerts, "join", lambda *_: False):
            assert general.decide(*batch) == decided
            general.happen(*batch)
        narrow.happen(*batch)


def test_an_alert_joins_by_the_narrow_path() -> None:
    """A resolved or worse one doesn't."""
    world = World()
    world.see(alert("f0"))
    taken: list[bool] = []
    whole = alerts.join
    with patch.object(alerts, "join", lambda *args: taken.append(whole(*args)) or taken[-1]):
        assert world.see(alert("f1"), alert("f2")) == [Reason.JOINED] * 2
        assert world.see(over("f1"), alert("f2")) == [Reason.CLEARED, Reason.REPEATED]
    assert taken == [True, True]
