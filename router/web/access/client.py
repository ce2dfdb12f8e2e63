"""The client that a request comes from."""

from collections.abc import Sequence

from aiohttp import web

from router.config.networks import is_within
from router.core.text.plain import plain
from router.web.access.sessions import Client
from router.web.head import Head
from router.web.pages.frame import FRAME

LONGEST_AGENT = 200
LONGEST_ADDRESS = 60


def client_of(request: web.Request) -> Client:
    agent = plain(request.headers.get("User-Agent", ""))[:LONGEST_AGENT]
    return Client(address_of(request), agent)


def address_of(request: web.Request) -> str:
    """Return the client's address, also behind the config's `trusted_proxies`."""
    frame = request.app.get(FRAME)
    return address_behind(request, frame.config_file().trusted_proxies if frame else ())


def address_behind(head: Head, trusted: Sequence[str]) -> str:
    """Return the client's address. The header of proxies not in `trusted` is ignored."""
    peer = head.remote or ""
    if not trusted:
        return peer
    header = ",".join(head.headers.getall("X-Forwarded-For", []))
    return last_untrusted([*header.split(","), peer], trusted)


def last_untrusted(addresses: Sequence[str], trusted: Sequence[str]) -> str:
    """Return the last address that isn't a trusted proxy. Earlier addresses can be forged."""
    found = ""
    for address in reversed(addresses):
        if not (address := _without_port(plain(address).strip()[:LONGEST_ADDRESS])):
            break
        found = address
        if not is_within(address, trusted):
            break
    return found


def _without_port(address: str) -> str:
    """Some proxies write `192.0.2.1:55012`, or `[2001:db8::1]:55012`."""
    if address.startswith("["):
        return address[1:].partition("]")[0]
    return address.partition(":")[0] if address.count(":") == 1 else address
