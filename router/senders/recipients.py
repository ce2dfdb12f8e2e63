"""One message to several recipients, each with a separate result."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from hashlib import sha256

import msgspec
import structlog
from msgspec.structs import replace

from router.model.notification import Message, Rejected, Result, Retry, Sent, Uncertain

log = structlog.get_logger(__name__)

SendAll = Callable[[Sequence[str]], Awaitable[Mapping[str, Result]]]
"""Sends a message to the given recipients, and returns the result for each."""

_decoder = msgspec.json.Decoder(dict[str, Sent | Rejected])


def ending(number: str) -> str:
    """The last digits of a telephone number, for a log."""
    return f"…{number[-3:]}"


class RecipientList:
    """Skips recipients who already have the message, so that a retry doesn't notify them again.

    Their digests are stored in the message's outbox row, so they survive a restart.
    shown: formats a recipient for the log.
    """

    def __init__(self, shown: Callable[[str], str] = ending) -> None:
        self._shown = shown

    async def send(self, message: Message, recipients: Sequence[str], send_all: SendAll) -> Result:
        """Send to each recipient. The result's `ref` joins the refs of all.

        `Sent` once the message was accepted or permanently rejected for each recipient, and was
        accepted for at least one.

        Args:
            message: the message.
            recipients: at least one.
            send_all: sends to the given recipients; see `side_by_side`.
        """
        settled = _decoder.decode(message.progress) if message.progress else {}
        left = [to for to in dict.fromkeys(recipients) if _digest(to) not in settled]
        results = await send_all(left)
        for to, result in results.items():
            if isinstance(result, Sent | Rejected):
                settled[_digest(to)] = result
            if isinstance(result, Rejected):
                log.warning(
                    "recipient_refused",
                    channel=message.channel,
                    to=self._shown(to),
                    why=result.reason,
                )
        # Both are retried, but an uncertain result must be recorded, so it takes precedence.
        for kind in (Uncertain, Retry):
            for result in results.values():
                if isinstance(result, kind):
                    return replace(result, progress=_progress(settled))
        if taken := [result.ref for result in settled.values() if isinstance(result, Sent)]:
            return Sent(" ".join(filter(None, taken)))
        return next(iter(settled.values()))


def side_by_side(send: Callable[[str], Awaitable[Result]]) -> SendAll:
    """Return a function that sends to all concurrently, as they share the time of one attempt."""

    async def send_all(recipients: Sequence[str]) -> Mapping[str, Result]:
        return dict(zip(recipients, await asyncio.gather(*map(send, recipients)), strict=True))

    return send_all


def _progress(settled: Mapping[str, Sent | Rejected]) -> str:
    return msgspec.json.encode(settled).decode() if settled else ""


def _digest(recipient: str) -> str:
    return sha256(recipient.encode()).hexdigest()[:16]
