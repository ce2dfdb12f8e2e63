"""Compresses pages and JSON for clients that accept gzip."""

from aiohttp import web

SMALLEST = 1_000
"""Minimum bytes of a body: for less, gzip wouldn't save a packet."""

TYPES = frozenset({"text/html", "application/json", "application/problem+json", "image/svg+xml"})


def compress(request: web.Request, answer: web.StreamResponse) -> None:
    """Compress the answer if the client accepts that, and if it's long enough."""
    if answer.content_type not in TYPES or "Content-Encoding" in answer.headers:
        return
    answer.headers.add("Vary", "Accept-Encoding")
    size = answer.body_length or len(getattr(answer, "body", None) or b"")
    if size >= SMALLEST and "gzip" in request.headers.get("Accept-Encoding", ""):
        answer.enable_compression(web.ContentCoding.gzip)
