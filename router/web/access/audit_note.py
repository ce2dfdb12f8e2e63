"""Notes for the audit log: a handler describes the write that it did."""

from aiohttp import web

NOTE = web.RequestKey("note", str)
"""The description of a handler."""

SUMMARY = web.RequestKey("summary", str)
"""The description of an operation, for a handler that gives none."""


def note(request: web.Request, text: str) -> None:
    """Describe what the request changed, such as `silence 5f0c1a2b: alertname="DiskFull"`."""
    request[NOTE] = text
