"""One message to several recipients, each of whom may accept it, refuse it or be out of reach."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import structlog

from router.model.notification import Message, Rejected, Result, Retry, Sent, Uncertain

MAX_REMEMBERED = 1000

log = structlog.get_logger(__name__)

TellAll = Callable[[Sequence[str]], Awaitable[Mapping[str, Result]]]
"""Sends a message to some recipients, with a result for each."""


def ending(number: str) -> str:
    """The end of a telephone number, for a log."""
    return f"…{number[-3:]}"


class RecipientList:
    """Remembers which recipients have the message, so that a retry for one doesn't ring all others.

    A restart forgets them, so they may be notified twice.

    shown: writes a recipient for the log.
    """

    def __init__(self, shown: Callable[[str], str] = ending) -> None:
        self._shown = shown
        self._settled: dict[tuple[int, str, int], dict[str, Sent | Rejected]] = {}

    async def tell(self, message: Message, recipients: Sequence[str], tell_all: TellAll) -> Result:
        """Send to each recipient. `ref` joins the refs of all.

        `Sent` once each has accepted it or refused it for good, and at least one has accepted it.

        Args:
            message: the message.
            recipients: at least one.
            tell_all: sends it to some of them; see `side_by_side`.
        """
        key = (message.incident.id, message.channel, message.seq)
        settled = self._settled.setdefault(key, {})
        results = await tell_all([to for to in dict.fromkeys(recipients) if to not in settled])
        for to, result in results.items():
            if isinstance(result, Sent | Rejected):
                settled[to] = result
            if isinstance(result, Rejected):
                log.warning(
                    "recipient_refused",
                    channel=message.channel,
                    to=self._shown(to),
                    why=result.reason,
                )
        # An uncertain result outweighs a certain failure: both are tried again.
        for kind in (Uncertain, Retry):
            if found := [result for result in results.values() if isinstance(result, kind)]:
                while len(self._settled) > MAX_REMEMBERED:
                    del self._settled[next(iter(self._settled))]
                return found[0]
        self._settled.pop(key, None)
        if taken := [result.ref for result in settled.values() if isinstance(result, Sent)]:
            return Sent(" ".join(filter(None, taken)))
        return next(iter(settled.values()))


def side_by_side(tell: Callable[[str], Awaitable[Result]]) -> TellAll:
    """Send to all at once, because they share the time of one attempt."""

    async def tell_all(recipients: Sequence[str]) -> Mapping[str, Result]:
        return dict(zip(recipients, await asyncio.gather(*map(tell, recipients)), strict=True))

    return tell_all
