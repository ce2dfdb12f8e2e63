"""One message to several recipients, each of whom may take it, refuse it or be out of reach."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from router.model.notification import Letter, Rejected, Result, Retry, Sent, Uncertain

MAX_REMEMBERED = 1000

log = structlog.get_logger(__name__)


class Recipients:
    """Remembers who is done with a message, so that one slow phone doesn't ring the others again on each retry.

    A restart forgets it: whoever was told may then be told twice.
    """

    def __init__(self) -> None:
        self._settled: dict[tuple[int, str, int], dict[str, Sent | Rejected]] = {}

    async def tell(self, letter: Letter, recipients: Sequence[str], tell: Callable[[str], Awaitable[Result]]) -> Result:
        """Sent once each has taken or refused it for good, and at least one has taken it. `ref` joins theirs.

        Args:
            letter: what it's about.
            recipients: at least one.
            tell: sends it to one of them.
        """
        key = (letter.incident.id, letter.channel, letter.seq)
        settled = self._settled.setdefault(key, {})
        results = await _each([to for to in dict.fromkeys(recipients) if to not in settled], tell)
        for to, result in results.items():
            if isinstance(result, Sent | Rejected):
                settled[to] = result
            if isinstance(result, Rejected):
                log.warning("recipient_refused", channel=letter.channel, to=f"…{to[-3:]}", why=result.reason)
        # A doubt outweighs a certain failure: both are tried again, and only the doubt is told of.
        for kind in (Uncertain, Retry):
            if found := [result for result in results.values() if isinstance(result, kind)]:
                while len(self._settled) > MAX_REMEMBERED:
                    del self._settled[next(iter(self._settled))]
                return found[0]
        self._settled.pop(key, None)
        if taken := [result.ref for result in settled.values() if isinstance(result, Sent)]:
            return Sent(" ".join(taken))
        return next(iter(settled.values()))


async def _each(recipients: Sequence[str], tell: Callable[[str], Awaitable[Result]]) -> dict[str, Result]:
    """Side by side, since the time for one attempt is for all of them together."""
    return dict(zip(recipients, await asyncio.gather(*map(tell, recipients)), strict=True))
