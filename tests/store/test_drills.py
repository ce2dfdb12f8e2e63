"""The databases recognise a drill's incident by its key."""

from router.core.incident.snapshot import Writes
from router.model.incident import Severity, Status
from router.ports.store import Gauges
from router.store import SqlStore
from tests.store.examples import NOW, incident, queued

REAL = (
    'pay{service="api"}',
    'pay{service="} drill d1"}',
    "pay{} drill d1 of the key of no rule {}",
)
DRILL = 'pay{service="api"} drill d1'


async def test_a_drill_isnt_counted_among_the_incidents(store: SqlStore) -> None:
    """Nor is a real one left out whose labels look like a drill's key."""
    incidents = {n: incident(n, key=key) for n, key in enumerate((*REAL, DRILL), 1)}
    await store.save(Writes(incidents=incidents))
    assert await store.gauges(NOW) == Gauges({(Severity.P1, Status.INVESTIGATING): 3}, {}, {}, 0.0)


async def test_a_drill_waits_for_nobodys_room(store: SqlStore) -> None:
    """Its messages are sent to people whose limit is used up."""
    await store.save(
        Writes(
            incidents={1: incident(1, key=REAL[0]), 2: incident(2, key=DRILL)},
            queued=[queued("log/ana", incident_id=n) for n in (1, 2)],
        )
    )
    assert [standing.id for _, standing in await store.waiting({"log/ana": False}, NOW, 10)] == [2]


async def test_a_drill_is_sent_before_nothing_real(store: SqlStore) -> None:
    """A P0 of a drill waits its turn, where a real one would be first."""
    worst = {"severity": Severity.P0}
    first, second = incident(1, key=REAL[0]), incident(2, key=DRILL, **worst)
    real = incident(3, key=REAL[1], **worst)
    owing = [queued("log", NOW + n, incident_id=n) for n in (1, 2, 3)]
    await store.save(Writes(incidents={1: first, 2: second, 3: real}, queued=owing))
    claimed = [await store.claim_notifications("log", NOW + 9, "me", NOW + 60, 1) for _ in range(3)]
    assert [row.incident_id for batch in claimed for row in batch] == [3, 1, 2]
