"""Compresses pages and JSON for clients that accept gzip."""

from aiohttp import web

from router.web.problem import Handler

SMALLEST = 1_000
"""Bytes of a body below which gzip would not save a packet."""

TYPES = frozenset({"text/html", "application/json", "application/problem+json", "image/svg+xml"})


@web.middleware
async def compressed(request: web.Request, handler: Handler) -> web.StreamResponse:
    answer = await handler(request)
    if answer.content_type not in TYPES or "Content-Encoding" in answer.headers:
        return answer
    answer.headers.add("Vary", "Accept-Encoding")
    size = answer.body_length or len(getattr(answer, "body", None) or b"")
    if size >= SMALLEST and "gzip" in request.headers.get("Accept-Encoding", ""):
        answer.enable_compression(web.ContentCoding.gzip)
    return answer
