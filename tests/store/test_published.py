"""Data read by the status page, and published text in messages."""

from msgspec.structs import replace

from router.core.incident.snapshot import Writes
from router.model.decision import Entry
from router.model.incident import Incident
from router.model.reason import Reason
from router.ports.store import Store
from tests.core.statuspage.published import NOW, published, said


def numbered(number: int, **changes: object) -> Incident:
    return replace(published().incident, id=number, version=1, key=f"key-{number}", **changes)


def of(number: int, what: Reason, at: float = NOW) -> Entry:
    return replace(said(0, at), incident_id=number, what=what)


async def test_only_incidents_of_which_something_was_published_are_there(store: Store) -> None:
    """With all that was, in order, and nothing that wasn't."""
    entries = [
        of(1, Reason.NOTED),
        of(2, Reason.PUBLISHED),
        of(2, Reason.NOTED),
        of(3, Reason.PUBLISHED, NOW + 1),
    ]
    entries.append(of(2, Reason.PUBLISHED, NOW + 2))
    await store.save(Writes(incidents={n: numbered(n) for n in (1, 2, 3)}, entries=entries))
    found = await store.published(NOW - 60)
    assert [(row.incident.id, [entry.at for entry in row.entries]) for row in found] == [
        (2, [NOW, NOW + 2]), (3, [NOW + 1]),
    ]  # fmt: skip
    assert all(
        entry.what is Reason.PUBLISHED and entry.data["text"]
        for one in found
        for entry in one.entries
    )


async def test_what_was_over_before_is_left_out_and_what_goes_on_is_not(store: Store) -> None:
    incidents = {
        1: numbered(1, closed_at=NOW - 100), 2: numbered(2), 3: numbered(3, closed_at=NOW - 10),
        4: numbered(4, closed_at=NOW - 100),
    }  # fmt: skip
    await store.save(
        Writes(incidents=incidents, entries=[of(n, Reason.PUBLISHED, NOW - 500) for n in incidents])
    )
    assert [row.incident.id for row in await store.published(NOW - 60)] == [2, 3]


async def test_an_empty_store_has_nothing_published(store: Store) -> None:
    assert await store.published(0.0) == []


async def test_a_letter_has_all_that_was_published_however_much_else_happened(store: Store) -> None:
    """A storm of alerts doesn't push out the words for the public."""
    entries = [of(1, Reason.PUBLISHED), *(of(1, Reason.JOINED, NOW + n) for n in range(100))]
    await store.save(Writes(incidents={1: numbered(1)}, entries=entries))
    _, timeline, _ = (await store.messages([1]))[1]
    assert [entry.what for entry in timeline] == [Reason.PUBLISHED] + [Reason.JOINED] * 30
    assert [entry.id for entry in timeline] == sorted(entry.id for entry in timeline)
