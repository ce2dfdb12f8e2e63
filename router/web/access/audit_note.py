"""Notes for the audit log, by which a handler describes what it wrote."""

from aiohttp import web

NOTE = web.RequestKey("note", str)
"""The handler's description of its write."""

SUMMARY = web.RequestKey("summary", str)
"""The summary of the operation, if its handler gives no description."""


def note(request: web.Request, text: str) -> None:
    """Describe what the request changed, such as `silence 5f0c1a2b: alertname="DiskFull"`."""
    request[NOTE] = text
