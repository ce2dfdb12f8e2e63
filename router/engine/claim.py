"""Claim messages to rate-limited addresses, combining several into one if the limit requires it.

A message that a limit delays is neither leased nor marked: it stays in the outbox and is checked
again. So a crash loses no message, and each replica counts with its own rate limit.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice

from router.core.outbox.bundle import Bundle, key_of, pack
from router.core.outbox.digest import DigestGroup, Throttle, Waiting, plan, split
from router.core.outbox.rate_limit import Limit, RateLimit
from router.model.incident import Severity
from router.ports.store import Store

LOOK = 500
"""Maximum messages to rate-limited addresses that one round reads."""

AGAIN = 1.0
"""Seconds between reads of all delayed messages; rounds in between read only new messages.

A delayed message can be sent early only because its incident has become a P0.
"""

OVERLAP = 1.0
"""Seconds to look back before the last full read, for messages that were committed after it."""


@dataclass(slots=True)
class Limits:
    """Limits of a channel, and of the people who can be reached over it, by address.

    `throttle` survives a reload. edits: the channel edits its messages in place. looked_at: when
    all delayed messages were last read.
    """

    of: Mapping[str, Limit] = field(default_factory=dict)
    throttle: Throttle = field(default_factory=Throttle)
    is_paging: bool = False
    edits: bool = False
    looked_at: float = -math.inf

    def window(self, address: str) -> RateLimit:
        return self.throttle.window(address, self.of[address])


async def claim_limited(  # noqa: PLR0913, PLR0917 - what to lease, and for how long
    store: Store, limits: Limits, now: float, owner: str, until: float, most: int
) -> list[Bundle]:
    """Lease the messages that rate-limited addresses may get now, in at most `most` bundles.

    Raises: StoreUnavailable.
    """
    rooms = {address: limits.window(address).free(now) for address in limits.of}
    roomy, since = {address: room > 0 for address, room in rooms.items()}, 0.0
    if abs(now - limits.looked_at) < AGAIN:
        since = limits.looked_at - OVERLAP
    found = await store.waiting(roomy, now, LOOK, since, edits=limits.edits)
    if not since:
        limits.looked_at = now
    groups = [
        group
        for address, waiting in split(
            [Waiting(row, of, limits.edits and bool(row.ref)) for row, of in found]
        ).items()
        for group in plan(waiting, rooms[address]).now
    ]
    groups = list(islice(sorted(groups, key=_worst), most))
    if not groups:
        return []
    keys = [waiting.message.key for group in groups for waiting in group]
    claimed = {key_of(row): row for row in await store.claim_waiting(keys, now, owner, until)}
    bundles = (
        pack(
            group, claimed, limits.window(group[0].message.channel), now, is_paging=limits.is_paging
        )
        for group in groups
    )
    return [bundle for bundle in bundles if bundle.messages]


def _worst(group: DigestGroup) -> tuple[Severity, float]:
    return group[0].incident.severity, group[0].message.due_at
