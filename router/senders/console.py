"""Prints the plan's internal alert on standard output: the channel that needs no account."""

import sys

import aiohttp

from router.core.render import message
from router.model.notification import Letter, Result, Retry, Sent
from router.senders.options import ChannelOptions


class ConsoleConfig(ChannelOptions, frozen=True, kw_only=True):
    """Nothing to set beyond what every channel has."""


class ConsoleSender:
    async def send(self, letter: Letter) -> Result:
        # A terminal that can't show an emoji is no reason to lose a page.
        encoding = sys.stdout.encoding or "utf-8"
        text = message(letter).text.encode(encoding, "replace").decode(encoding)
        try:
            sys.stdout.write(f"\n{text}\n")
            sys.stdout.flush()
        except (OSError, ValueError) as error:  # a pipe whose reader has gone, or a closed stream
            return Retry(f"standard output: {type(error).__name__}")
        return Sent()

    async def close(self) -> None: ...


def build(_name: str, _config: ConsoleConfig, _session: aiohttp.ClientSession) -> ConsoleSender:
    return ConsoleSender()
