"""The client that a request comes from."""

from aiohttp import web

from router.core.text.plain import plain
from router.web.access.sessions import Client

LONGEST_AGENT = 200


def client_of(request: web.Request) -> Client:
    agent = plain(request.headers.get("User-Agent", ""))[:LONGEST_AGENT]
    return Client(request.remote or "", agent)
