"""`alert-router check --live`: log in to every service, without sending anything."""

import asyncio
from collections.abc import Iterable

import aiohttp

from router.cli.output import echo
from router.config.load import Config
from router.model.notification import Sent
from router.ports.services import Verifying
from router.senders import KINDS


def check_live(config: Config) -> bool:
    """Print the result for every channel. Returns False if a service refused."""
    return all(asyncio.run(_verify_all(config)))


async def _verify_all(config: Config) -> Iterable[bool]:
    session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar())
    async with session:
        names = [*config.channels]
        return await asyncio.gather(*(_verify(config, name, session) for name in names))


async def _verify(config: Config, name: str, session: aiohttp.ClientSession) -> bool:
    sender = KINDS[config.kinds[name]].build(name, config.channels[name], session)
    try:
        if not isinstance(sender, Verifying):
            echo(f"channel '{name}': not verified: only a message could check its service")
            return True
        result = await sender.verify()
    finally:
        await sender.close()
    if isinstance(result, str):
        echo(f"channel '{name}': {result}")
        return True
    reason = "" if isinstance(result, Sent) else result.reason
    echo(f"channel '{name}': {reason}", err=True)
    return False
