"""Messages on standard output: a channel that needs no account and can replace any other."""

import sys

import aiohttp

from router.config.channel_options import Capabilities, ChannelOptions
from router.core.messages.render import content, other_lines
from router.core.messages.summary import TOP, further
from router.core.text.plain import plain
from router.model.notification import Message, Result, Retry, Sent
from router.ports.write_guard import check_write


class ConsoleConfig(ChannelOptions, frozen=True, kw_only=True):
    """brief: one line instead of the plan's internal alert. Messages to people are always brief."""

    brief: bool = False

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(reaches="name")


class ConsoleSender:
    def __init__(self, name: str, *, brief: bool) -> None:
        self._name = name
        self._brief = brief

    async def send(self, message: Message) -> Result:
        # A `?` is better than a lost page on a terminal that can't show an emoji.
        encoding = sys.stdout.encoding or "utf-8"
        brief = self._brief or bool(message.to)
        text = f"{line(message, self._name)}\n" if brief else f"\n{content(message).text}\n"
        try:
            check_write()
            sys.stdout.write(text.encode(encoding, "replace").decode(encoding))
            sys.stdout.flush()
        except (
            OSError,
            ValueError,
        ) as error:  # the reader of the pipe is gone, or the stream is closed
            return Retry(f"standard output: {type(error).__name__}")
        return Sent()

    async def verify(self) -> str:
        return "prints to the router's standard output"

    async def close(self) -> None: ...


def build(name: str, config: ConsoleConfig, _session: aiohttp.ClientSession) -> ConsoleSender:
    return ConsoleSender(name, brief=config.brief)


def line(message: Message, channel: str) -> str:
    """One line with recipient, incident, reason and the further incidents of a bundle."""
    incident = message.incident
    whom = f"{channel} -> {plain(message.to)}" if message.to else channel
    why = message.reason.replace("_", " ")
    also = (
        f"; {further(others)} {'; '.join(what for what, _ in other_lines(message))}"
        f"{f' {message.list_url}' if others[TOP:] else ''}"
        if (others := message.other_incidents)
        else ""
    )
    return f"[{whom}] {incident.name} {incident.severity} {plain(incident.title)} ({why}){also}"
