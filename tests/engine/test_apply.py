"""The only writer: group commit, and answers to submitters after failures."""

import asyncio
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from msgspec.structs import replace

from router.core.incident.settings import Settings
from router.core.incident.snapshot import Conflict
from router.engine.apply import GROUP, OPENINGS, TRIES, WAITING, Applier
from router.model.event import Command, Event
from router.model.incident import Incident, Status
from router.model.notification import Notification
from router.model.reason import Reason
from router.ports.errors import Overloaded, StoreUnavailable
from router.store import migrate, open_store
from router.telemetry.metrics import Metrics
from tests.clock import SteppedClock, stop, turn
from tests.engine.office import Office, command, seen
from tests.faults import FaultyStore


async def test_whoever_comes_at_the_same_time_shares_a_transaction(office: Office) -> None:
    """Fifty requests, one commit, and an answer for each."""
    requests = [office.submit(seen(service=f"s{i}")) for i in range(50)]
    answers = await asyncio.gather(*requests)
    assert answers == [[Reason.OPENED]] * 50
    assert office.store.calls["save"] == 1


async def test_an_alert_joins_an_older_incident_that_is_open_again(office: Office) -> None:
    """A newer one of the same key is closed. Opening it too would be refused, again and again."""
    await office.submit(seen())
    await office.submit(command(Command.FALSE_POSITIVE))
    await office.submit(seen(status="resolved"))
    assert await office.submit(seen()) == [Reason.OPENED]
    await office.submit(command(Command.FALSE_POSITIVE, 2))
    assert await office.submit(command(Command.REOPEN)) == [Reason.REOPENED_BY_PERSON]
    assert await office.submit(seen(pod="b")) == [Reason.JOINED]


async def test_whoever_comes_during_a_commit_shares_the_next(office: Office) -> None:
    """Nobody waits for more than the transaction under way and his own."""
    first = asyncio.ensure_future(office.submit(seen(service="first")))
    await office.clock.settle(lambda: office.store.calls["load"] >= 1)
    assert (
        await asyncio.gather(*(office.submit(seen(service=f"s{i}")) for i in range(5)))
        == [[Reason.OPENED]] * 5
    )
    assert await first == [Reason.OPENED]
    assert office.store.calls["save"] == 2


async def test_a_group_has_an_end(office: Office) -> None:
    """No transaction grows beyond its limit by joining; a larger submission runs alone."""
    sizes = [GROUP + 1, GROUP // 2, GROUP // 2, 1]
    requests = [office.submit(*[seen(service=f"s{i}")] * size) for i, size in enumerate(sizes)]
    answers = await asyncio.gather(*requests)
    assert [len(answer) for answer in answers] == sizes
    assert office.store.calls["save"] == 3


async def test_each_answer_is_about_its_own_events_in_their_order(office: Office) -> None:
    """Reasons are in the order of the submitter's events, whatever else is in the transaction."""
    answers = await asyncio.gather(
        office.submit(seen(service="a"), seen(service="a"), seen("DiskFull")),
        office.submit(seen("DiskFull", instance="b"), seen(service="a", status="resolved")),
        office.submit(),
        office.submit(seen(service="nobody", status="resolved")),
    )
    assert answers == [
        [Reason.OPENED, Reason.REPEATED, Reason.OPENED],
        [Reason.OPENED, Reason.CLEARED],
        [],
        [Reason.NEVER_FIRED],
    ]
    assert (await office.store.incident(1)).status is Status.RESOLVED


async def test_a_repeat_writes_nothing(office: Office) -> None:
    """An unchanged alert costs a read and no write."""
    await office.submit(seen())
    assert await office.submit(seen()) == [Reason.REPEATED]
    assert office.store.calls["save"] == 1


async def test_a_faulty_submission_fails_alone(office: Office) -> None:
    """A fault in the core over one event isn't the fault of those who share its transaction."""
    await office.submit(seen())
    without_severity = command(Command.SEVERITY)
    answers = await asyncio.gather(
        office.submit(seen(service="before")),
        office.submit(without_severity),
        office.submit(seen(service="after")),
        return_exceptions=True,
    )
    assert answers[0] == answers[2] == [Reason.OPENED]
    assert isinstance(answers[1], AssertionError)
    assert await office.submit(command(Command.ACKNOWLEDGE)) == [Reason.ACKNOWLEDGED]


async def test_a_lost_race_is_decided_again(office: Office) -> None:
    """After a conflict the events are decided over what is there by then."""
    office.store.plan["save"].extend([Conflict("somebody was faster"), Conflict("and again")])
    assert await office.submit(seen()) == [Reason.OPENED]
    assert len(await office.store.incidents()) == 1
    assert await office.timeline() == [Reason.OPENED]


async def test_two_writers_open_one_incident(
    office: Office, faulty: FaultyStore, settings: Settings, clock: SteppedClock
) -> None:
    """Two replicas that see alerts of one group at the same moment: one opens the incident, the
    other joins it.
    """
    other = Applier(faulty, settings, clock, Metrics(), lambda _: None)
    loop = asyncio.ensure_future(other.run())
    answers = await asyncio.gather(
        *(a.submit([seen(pod=f"p{i}")]) for i, a in enumerate((office.applier, other)))
    )
    await stop(loop)
    assert sorted(answers) == [[Reason.JOINED], [Reason.OPENED]]
    (incident,) = await office.store.incidents()
    assert (incident.firing, incident.alerts) == (2, 2)


async def test_a_race_lost_for_ever_is_given_back(office: Office) -> None:
    """After several conflicts the submitter is asked to retry, and the next one isn't delayed."""
    office.store.plan["save"].extend([Conflict("always")] * TRIES)
    with pytest.raises(StoreUnavailable):
        await office.submit(seen())
    assert await office.submit(seen()) == [Reason.OPENED]


@pytest.mark.parametrize("call", ["load", "save"])
async def test_all_of_a_group_hear_that_the_store_is_down(office: Office, call: str) -> None:
    """Nobody is answered as if it had been committed; once the store is back all goes on."""
    office.store.plan[call].append(StoreUnavailable("disk full"))
    requests = [office.submit(seen(service=f"s{i}")) for i in range(3)]
    answers = await asyncio.gather(*requests, return_exceptions=True)
    assert [type(answer) for answer in answers] == [StoreUnavailable] * 3
    assert await office.store.incidents() == []
    assert await office.submit(seen()) == [Reason.OPENED]


async def test_too_much_is_refused_at_the_door(
    faulty: FaultyStore, settings: Settings, clock: SteppedClock
) -> None:
    """Work that can't be committed soon is refused; an oversized request is accepted when idle."""
    idle = Applier(faulty, settings, clock, Metrics(), lambda _: None)
    waiting = asyncio.ensure_future(idle.submit([seen()] * (WAITING + 1)))
    await turn()
    with pytest.raises(Overloaded):
        await idle.submit([seen()])
    assert not waiting.done()
    waiting.cancel()


@pytest.mark.parametrize(
    ("service", "order"), [("other", ["few", "many", "more"]), ("s61", ["many", "more", "few"])]
)
async def test_few_events_go_before_many(office: Office, service: str, order: list[str]) -> None:
    """Unless they report an alert of theirs: its reports stay in order."""
    office.applier._is_storm = True  # so that a turn has one of the large ones
    done: list[str] = []

    async def submit(name: str, *services: str) -> None:
        await office.applier.submit([seen(service=service) for service in services])
        done.append(name)

    many = [f"s{i}" for i in range(120)]
    await asyncio.gather(
        submit("many", *many[:60]), submit("more", *many[60:]), submit("few", service)
    )
    assert done == order


async def test_openings_share_a_transaction_with_fewer_events(office: Office) -> None:
    """A storm's requests are committed one by one, and together once their alerts only join."""
    groups = [[seen(service=f"{i}-{n}") for n in range(OPENINGS)] for i in range(4)]
    joining = [[seen(service="0-0", pod=f"{i}-{n}") for n in range(OPENINGS)] for i in range(4)]
    await office.submit(*groups[0])
    for requests, saves in ((groups[1:], 3), (joining, 2), (joining, 0)):
        before = office.store.calls["save"]
        await asyncio.gather(*map(office.applier.submit, requests))
        assert office.store.calls["save"] - before == saves


async def test_a_submitter_who_leaves_harms_nobody(office: Office) -> None:
    """When a client disconnects, its events are committed all the same, and so are the others'."""
    leaving = asyncio.ensure_future(office.submit(seen(service="leaving")))
    staying = asyncio.ensure_future(office.submit(seen(service="staying")))
    await office.clock.settle(lambda: office.store.calls["load"] >= 1)
    leaving.cancel()
    assert await staying == [Reason.OPENED]
    assert {incident.labels["service"] for incident in await office.store.incidents()} == {
        "leaving",
        "staying",
    }


async def test_a_submitter_who_leaves_before_a_failure_harms_nobody(office: Office) -> None:
    """Nobody is left to answer, and nothing else fails."""
    office.store.plan["save"].append(StoreUnavailable("disk full"))
    leaving = asyncio.ensure_future(office.submit(seen()))
    await office.clock.settle(lambda: office.store.calls["load"] >= 1)
    leaving.cancel()
    await office.clock.settle(lambda: office.store.calls["save"] >= 1)
    assert await office.submit(seen()) == [Reason.OPENED]


async def test_channels_hear_of_debts_only_after_the_commit(
    faulty: FaultyStore, settings: Settings, clock: SteppedClock
) -> None:
    """A worker that is woken finds the message; without a commit none is woken."""
    woken: list[set[str]] = []
    applier = Applier(
        faulty, settings, clock, Metrics(), lambda channels: woken.append(set(channels))
    )
    loop = asyncio.ensure_future(applier.run())
    faulty.plan["save"].append(StoreUnavailable("disk full"))
    with pytest.raises(StoreUnavailable):
        await applier.submit([seen()])
    assert woken == []
    await applier.submit([seen(), seen("DiskFull")])
    assert woken == [{"hook", "other"}]
    await stop(loop)


EVENTS = st.sampled_from(
    [
        seen(),
        seen(value="0.005"),
        seen(pod="b"),
        seen(status="resolved"),
        seen(pod="b", status="resolved"),
        command(Command.ACKNOWLEDGE),
        command(Command.NOTE, text="hm"),
        command(Command.RESOLVE),
    ]
)


async def _applied(
    new: Path,
    folder: Path,
    settings: Settings,
    events: Sequence[Event],
    cuts: set[int],
    *,
    together: bool,
) -> tuple[list[Reason], list[Incident], list[Notification]]:
    """Result of the events, cut into submissions that run at the same time or in sequence."""
    ends = sorted({cut for cut in cuts if cut < len(events)} | {len(events)})
    parts = [events[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    shutil.copy(new, folder)
    store = await open_store(f"sqlite:///{folder / new.name}")
    applier = Applier(store, settings, SteppedClock(), Metrics(), lambda _: None)
    loop = asyncio.ensure_future(applier.run())
    if together:
        answers = await asyncio.gather(*(applier.submit(part) for part in parts))
    else:
        answers = [await applier.submit(part) for part in parts]
    await stop(loop)
    # A commit is one version, so only that may differ; two messages queued together are one.
    incidents = [replace(incident, version=0) for incident in await store.incidents()]
    queued = [replace(row, seq=0) for row in await store.notifications()]
    await store.close()
    return [reason for answer in answers for reason in answer], incidents, queued


@pytest.fixture(scope="module")
def new(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new store's file: to make one takes longer than what a test does with it."""
    path = tmp_path_factory.mktemp("new") / "store.db"
    asyncio.run(migrate(f"sqlite:///{path}"))
    return path


@hypothesis_settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(events=st.lists(EVENTS, min_size=1, max_size=8), cuts=st.sets(st.integers(1, 7)))
async def test_grouping_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory,
    new: Path,
    settings: Settings,
    events: list[Event],
    cuts: set[int],
) -> None:
    """The result doesn't depend on how events are spread over submissions and transactions."""
    folder = tmp_path_factory.mktemp("grouping")
    (folder / "together").mkdir()
    (folder / "apart").mkdir()
    together = await _applied(new, folder / "together", settings, events, cuts, together=True)
    apart = await _applied(new, folder / "apart", settings, events, cuts, together=False)
    assert together == apart
