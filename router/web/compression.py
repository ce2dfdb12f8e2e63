"""Compresses pages and JSON for clients that accept gzip."""

from aiohttp import web

SMALLEST = 1_000
"""Bytes of a body below which gzip would not save a packet."""

TYPES = frozenset({"text/html", "application/json", "application/problem+json", "image/svg+xml"})


def compress(request: web.Request, answer: web.StreamResponse) -> None:
    """Compress the answer if its client accepts that, and it is long enough to gain from it."""
    if answer.content_type not in TYPES or "Content-Encoding" in answer.headers:
        return
    answer.headers.add("Vary", "Accept-Encoding")
    size = answer.body_length or len(getattr(answer, "body", None) or b"")
    if size >= SMALLEST and "gzip" in request.headers.get("Accept-Encoding", ""):
        answer.enable_compression(web.ContentCoding.gzip)
