"""The comparison while the store fails: no difference is lost, none is repaired or shown twice."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from router.engine.jobs import reconcile
from router.model.event import Event
from router.model.reasons import Reason
from router.ports.errors import StoreUnavailable
from router.ports.services import Inbox
from tests.clock import SteppedClock
from tests.daemon import Daemon, alert
from tests.engine.jobs.test_reconcile import compare, delivered, found_in, ticket
from tests.senders.github.test_sender import GitHub
from tests.senders.kit import Peer

Router = Callable[..., Daemon]


class Failing:
    """An inbox after whose n-th repair the whole store is down."""

    def __init__(self, daemon: Daemon, repairs: int) -> None:
        self.inbox: Inbox = daemon.app.parts.inbox
        self.store = daemon.store
        self.left = repairs

    async def submit(self, events: Sequence[Event]) -> Sequence[Reason]:
        if not self.left:
            self.store.down = True
        self.left -= 1
        return await self.inbox.submit(events)


@pytest.fixture
async def closed(router: Router, clock: SteppedClock) -> AsyncIterator[tuple[GitHub, Daemon]]:
    """Three incidents are open whose tickets somebody has closed."""
    double = GitHub()
    double.at = clock.now()
    async with Peer(answer=double) as peer, router(clock, **ticket(peer.url)) as daemon:
        await daemon.alert(*(alert(service=name) for name in ("api", "db", "web")))
        await delivered(daemon)
        for issue in double.issues.values():
            issue["state"] = "closed"
        yield double, daemon


def counted(daemon: Daemon) -> float | None:
    labels = {"place": "log", "kind": "closed_there"}
    return daemon.app.metrics.registry.get_sample_value("alert_router_differences", labels)


async def outage(daemon: Daemon, repairs: int) -> None:
    """Compare while the store goes down after so many repairs; then it is back."""
    reconciler = daemon.app.parts.reconciler
    whole = reconciler._inbox
    reconciler._inbox = Failing(daemon, repairs)
    with pytest.raises(StoreUnavailable):
        await reconciler.compare()
    reconciler._inbox = whole
    daemon.store.down = False


@pytest.mark.parametrize("repairs", [0, 1, 2])
async def test_an_outage_halfway_loses_no_difference(
    closed: tuple[GitHub, Daemon], repairs: int
) -> None:
    """All are on the page and in the metric; the next comparison repairs those that are left."""
    double, daemon = closed
    await outage(daemon, repairs)
    shown = found_in(await daemon.get("/api/v1/reconciliation"))
    assert sorted(subject for _, _, subject, _ in shown) == ["INC-1", "INC-2", "INC-3"]
    left = sorted(subject for _, _, subject, repair in shown if repair == "none")
    assert len(left) == 3 - repairs
    assert counted(daemon) == 3
    page = (await daemon.get("/reconciliation")).body.decode()
    assert (page.count("none: look at it"), page.count("sent again")) == (3 - repairs, repairs)
    await delivered(daemon)
    assert sorted(await compare(daemon)) == [
        ("log", "closed_there", subject, "sent_again") for subject in left
    ]
    await delivered(daemon)
    assert {issue["state"] for issue in double.issues.values()} == {"open"}
    assert await compare(daemon) == []
    assert counted(daemon) is None


async def test_a_repair_before_an_outage_is_remembered(closed: tuple[GitHub, Daemon]) -> None:
    """Who closes the ticket again has meant it, though the result could not be stored."""
    double, daemon = closed
    await outage(daemon, 1)
    await delivered(daemon)
    (repaired,) = (number for number, one in double.issues.items() if one["state"] == "open")
    double.issues[repaired]["state"] = "closed"
    found = {subject: repair for _, _, subject, repair in await compare(daemon)}
    assert sorted(found.values()) == ["none", "sent_again", "sent_again"]
    await delivered(daemon)
    assert double.issues[repaired]["state"] == "closed"


async def test_the_places_after_an_outage_are_shown_as_not_compared(
    router: Router, clock: SteppedClock
) -> None:
    """And an outage before the first place leaves the last result."""
    first, second = GitHub(), GitHub()
    first.at = second.at = clock.now()
    async with Peer(answer=first) as one, Peer(answer=second) as other:
        config = ticket(one.url)
        config["channels"]["other"] = ticket(other.url)["channels"]["log"]
        config["policies"] = {"all": {"steps": [{"notify": ["channel:log", "channel:other"]}]}}
        async with router(clock, **config) as daemon:
            await daemon.alert(alert())
            await delivered(daemon)
            first.issues[1]["state"] = second.issues[1]["state"] = "closed"
            await outage(daemon, 0)
            answer = await daemon.get("/api/v1/reconciliation")
            assert found_in(answer) == [("log", "closed_there", "INC-1", "none")]
            assert answer.json["compared"] == ["log"]
            reason = "not compared: the store took no more repairs"
            assert answer.json["failed"] == [{"place": "other", "reason": reason}]
            daemon.store.down = True
            assert (await daemon.ask("POST", "/api/v1/reconciliation")).status == 503
            daemon.store.down = False
            assert (await daemon.get("/api/v1/reconciliation")).json == answer.json
            await delivered(daemon)
            assert await compare(daemon) == [
                (place, "closed_there", "INC-1", "sent_again") for place in ("log", "other")
            ]


async def test_two_comparisons_at_once_repair_a_difference_once(
    closed: tuple[GitHub, Daemon],
) -> None:
    """The second leaves incidents that the first has just changed."""
    _, daemon = closed
    found = await asyncio.gather(compare(daemon), compare(daemon))
    repairs = sorted(repair for one in found for *_, repair in one)
    assert repairs == ["sent_again"] * 3


async def test_an_incident_is_compared_however_many_were_closed_since(
    router: Router, clock: SteppedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The limit is on open incidents, not on messages of a channel."""
    monkeypatch.setattr(reconcile, "INCIDENTS", 1)
    double = GitHub()
    double.at = clock.now()
    async with Peer(answer=double) as peer, router(clock, **ticket(peer.url)) as daemon:
        await daemon.alert(alert())
        await delivered(daemon)
        for name in ("a", "b", "c"):
            await daemon.alert(alert(service=name))
            await daemon.alert(alert(service=name, status="resolved"))
        await delivered(daemon)
        double.issues[1]["state"] = "closed"
        assert await compare(daemon) == [("log", "closed_there", "INC-1", "sent_again")]
