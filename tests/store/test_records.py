"""Documents beside incidents, and the history of events, on both databases."""

import asyncio

import msgspec
import pytest
from msgspec import Struct

from router.core.incident.snapshot import Writes
from router.model.event import AlertSeen, Command, Commanded, TimerDue
from router.model.record import Record
from router.ports.errors import StaleRecord
from router.records.records import Records
from router.store import SqlStore
from router.store.driver import Driver
from tests.store.examples import NOW, alert, rule_match


class Cup(Struct, frozen=True):
    tea: str
    sips: int = 0


@pytest.fixture
def cups(store: SqlStore) -> Records[Cup]:
    return Records(store, "cup", Cup)


def sip(cup: Cup | None) -> Cup:
    return Cup(cup.tea if cup else "black", cup.sips + 1 if cup else 1)


async def test_a_document_is_found_as_it_was_put(cups: Records[Cup], store: SqlStore) -> None:
    """Lookup by id within its kind only."""
    assert await cups.add("mine", Cup("green"), NOW)
    assert await cups.get("mine") == Cup("green")
    assert await cups.get("yours") is None
    assert await Records(store, "mug", Cup).get("mine") is None


async def test_what_is_there_is_not_added_again(cups: Records[Cup]) -> None:
    """The first stays as it is."""
    assert await cups.add("mine", Cup("green"), NOW)
    assert not await cups.add("mine", Cup("mint"), NOW)
    assert await cups.get("mine") == Cup("green")


async def test_documents_are_listed_newest_first_within_a_span(cups: Records[Cup]) -> None:
    """`since` is in it, `until` isn't."""
    for hour in range(4):
        await cups.add(f"c{hour}", Cup("green", hour), NOW + 3600 * hour)
    assert [name for name, _ in await cups.find()] == ["c3", "c2", "c1", "c0"]
    assert [name for name, _ in await cups.find(since=NOW + 3600, until=NOW + 10_800)] == [
        "c2",
        "c1",
    ]
    assert [name for name, _ in await cups.find(limit=1)] == ["c3"]


async def test_changes_at_the_same_time_are_all_made(cups: Records[Cup]) -> None:
    """Each is made on what the one before it wrote."""
    await asyncio.gather(*(cups.change("shared", sip, NOW) for _ in range(8)))
    assert await cups.get("shared") == Cup("black", 8)


async def test_a_change_that_makes_nothing_of_it_writes_nothing(cups: Records[Cup]) -> None:
    """With and without a stored document."""
    assert await cups.change("mine", lambda _: None, NOW) is None
    assert await cups.get("mine") is None


async def test_a_document_can_be_removed(cups: Records[Cup]) -> None:
    """Once."""
    await cups.add("mine", Cup("green"), NOW)
    assert await cups.remove("mine")
    assert not await cups.remove("mine")


async def test_a_stale_document_fails_the_whole_transaction(store: SqlStore) -> None:
    """The other rows of the transaction aren't stored either."""
    await store.save(Writes(records=[Record("cup", "a", NOW, 1, "{}")]))
    with pytest.raises(StaleRecord):
        await store.save(
            Writes(
                records=[Record("cup", "b", NOW, 1, "{}"), Record("cup", "a", NOW, 1, "{}")],
                receipts={"r": NOW},
            )
        )
    assert await store.record("cup", "b") is None
    assert await store.record("cup", "a") == Record("cup", "a", NOW, 1, "{}")


async def test_the_history_has_events_as_they_were_in_order(store: SqlStore) -> None:
    """In the order of writing, whatever their times; pages continue after a row of events."""
    seen = AlertSeen(NOW, alert())
    events = [
        seen,
        Commanded(NOW + 2, 1, "ana", Command.ACKNOWLEDGE, "on it"),
        TimerDue(NOW + 1, 1, "step", NOW + 0.5),
    ]
    matches = {("f1", "r"): (rule_match(), seen.alert)}
    await store.save(Writes(history=list(events), rule_matches=matches))
    await store.save(Writes(history=[seen] * 250))
    (first, some), *others = await store.history()
    assert some == events
    assert sum(len(kept) for _, kept in others) == 250
    assert (await store.history(after=first, limit=1)) == others[:1]
    assert [kept for _, kept in await store.history(since=NOW + 1)] == [events[1:]]


async def test_a_history_row_of_an_earlier_version_is_one_event(
    store: SqlStore,
) -> None:
    event = Commanded(NOW, 1, "ana", Command.NOTE, "an old one")

    def write(driver: Driver) -> None:
        doc = msgspec.json.encode(event).decode()
        driver.rows(
            "INSERT INTO history (at, doc) VALUES (:at, :doc) RETURNING id",
            {"at": NOW, "doc": doc},
        )

    await store._database.transact(write)
    assert [events for _, events in await store.history()] == [[event]]


async def test_old_history_is_forgotten(store: SqlStore) -> None:
    """With receipts and resolved alerts, after the time that the config says."""
    for at in (NOW, NOW + 60):
        await store.save(Writes(history=[AlertSeen(at, alert())]))
    assert await store.prune(NOW + 30) == 1
    assert [[event.at for event in row] for _, row in await store.history()] == [[NOW + 60]]


async def test_old_documents_of_some_kinds_are_forgotten(
    cups: Records[Cup], store: SqlStore
) -> None:
    """Other kinds are kept: a subscriber is never deleted."""
    mugs = Records(store, "mug", Cup)
    for records in (cups, mugs):
        assert await records.add("old", Cup("green"), NOW)
        assert await records.add("new", Cup("black"), NOW + 60)
    assert await store.prune(NOW + 30, ["mug"]) == 1
    assert [key for key, _ in await cups.find()] == ["new", "old"]
    assert [key for key, _ in await mugs.find()] == ["new"]


async def test_documents_are_paged_and_counted(cups: Records[Cup]) -> None:
    """Those of the same time follow each other by id."""
    for key, at in (("a", NOW), ("b", NOW), ("c", NOW - 1), ("d", NOW + 1)):
        await cups.add(key, Cup(key), at)

    async def found(**wanted: object) -> list[str]:
        return [key for key, _ in await cups.find(**wanted)]  # type: ignore[arg-type]

    assert await found(limit=2) == ["d", "a"]
    assert await found(after=(NOW, "a"), limit=2) == ["b", "c"]
    assert await found(after=(NOW - 1, "c")) == []
    assert (await cups.count(), await cups.count(until=NOW)) == (4, 1)
