"""Stored evidence of when each address last worked."""

from msgspec.structs import replace

from router.core.incident.snapshot import Writes
from router.core.reachability.channel_health import Health
from router.model.notification import NotificationState
from router.model.reason import Reason
from router.store import SqlStore
from tests.store.examples import NOW, entry, queued


async def deliver(store: SqlStore, incident: int, at: float, *, receipt: bool = False) -> None:
    """A message about the incident is delivered then; with `receipt`, the service says later that
    it wasn't.
    """
    await store.save(Writes(queued=[queued("sms/ana", at, incident_id=incident)]))
    (held,) = await store.claim_notifications("sms", at, "me", at + 60, 10, people=True)
    sent = replace(
        held, state=NotificationState.SENT, sent=held.sent + 1, lease="", lease_until=0.0
    )
    entries = [entry(incident, at, Reason.DELIVERED, channel="sms/ana", seq=1)]
    entries += [
        entry(incident, at + 1, Reason.DELIVERY_FAILED, channel="sms/ana", error="30003")
    ] * receipt
    await store.save(Writes(settled=[(sent, held.lease, held.seq)], entries=entries))


async def test_when_each_address_last_worked(store: SqlStore) -> None:
    """The newest incident counts whose message was delivered and not returned; "never" has no
    entry.
    """
    assert await store.proven() == {}
    await deliver(store, 1, NOW)
    await deliver(store, 2, NOW + 10)
    await deliver(store, 3, NOW + 20, receipt=True)
    await store.save(Writes(queued=[queued("log", NOW + 30)]))
    assert await store.proven() == {"sms/ana": Health(NOW + 10, error="30003")}
    await store.save(Writes(queued=[queued("sms/ana", NOW + 40, incident_id=2)]))
    known = await store.proven()
    assert known == {"sms/ana": Health(NOW + 10, error="30003")}, (
        "a message that is only pending changes nothing"
    )


async def test_a_message_that_never_arrived_counts_too(store: SqlStore) -> None:
    """The newest incident's message is dead and was never sent: its error is the address's
    health.
    """
    await deliver(store, 1, NOW)
    await store.save(Writes(queued=[queued("sms/ana", NOW + 20, incident_id=2)]))
    (held,) = await store.claim_notifications("sms", NOW + 20, "me", NOW + 60, 10, people=True)
    dead = replace(held, state=NotificationState.DEAD, attempts=1, lease="", lease_until=0.0)
    lost = [entry(2, NOW + 20, Reason.DELIVERY_FAILED, channel="sms/ana", seq=1, error="blocked")]
    await store.save(Writes(settled=[(dead, held.lease, held.seq)], entries=lost))
    assert await store.proven() == {"sms/ana": Health(NOW, error="blocked")}
