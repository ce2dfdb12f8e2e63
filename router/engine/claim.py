"""What a channel may send now, leased: messages by themselves, and those that people with a limit
get in one.

What a limit holds isn't leased and isn't written anywhere: it's owed as before, and looked at
again. So a crash loses nothing of it, and whoever claims it next, here or on another replica, goes
by a window of their own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice

from router.core.outbox.bundle import Bundle, key_of, pack
from router.core.outbox.digest import DigestGroup, Throttle, Waiting, plan, split
from router.core.outbox.rate_limit import Limit, RateLimit
from router.model.incident import Incident, Severity
from router.model.notification import Notification
from router.ports.store import Store

LOOK = 500
"""Messages to people with a limit that are looked at in one round."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Those of the people who can be reached over a channel, by address.

    `throttle` outlives a reload.
    """

    of: Mapping[str, Limit] = field(default_factory=dict)
    throttle: Throttle = field(default_factory=Throttle)
    rings: bool = False

    def window(self, address: str) -> RateLimit:
        return self.throttle.window(address, self.of[address])


async def claim_limited(  # noqa: PLR0913, PLR0917 - what to lease, and for how long
    store: Store, limits: Limits, now: float, owner: str, until: float, most: int
) -> list[Bundle]:
    """What may be told now to the people who have a limit, in `most` messages.

    Raises: StoreUnavailable.
    """
    if not limits.of:
        return []
    rooms = {address: limits.window(address).free(now) for address in limits.of}
    waiting = await store.waiting({address: room > 0 for address, room in rooms.items()}, now, LOOK)
    bundles = [
        bundle
        for address, those in split([*map(_waiting, waiting)]).items()
        for bundle in plan(those, rooms[address]).now
    ]
    bundles = list(islice(sorted(bundles, key=_worst), most))
    if not bundles:
        return []
    keys = [key_of(one.message) for bundle in bundles for one in bundle]
    claimed = {
        key_of(message): message for message in await store.claim_waiting(keys, now, owner, until)
    }
    parcels = (
        pack(bundle, claimed, limits.window(bundle[0].message.channel), now, rings=limits.rings)
        for bundle in bundles
    )
    return [parcel for parcel in parcels if parcel.messages]


def _waiting(row: tuple[Notification, Incident]) -> Waiting:
    return Waiting(*row)


def _worst(bundle: DigestGroup) -> tuple[Severity, float]:
    return bundle[0].incident.severity, bundle[0].message.due_at
