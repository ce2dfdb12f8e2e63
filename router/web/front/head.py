"""Reads the head of a plain webhook: POST, a length, and no feature that needs a full server.

aiohttp gets all other requests: another path or method, a chunked or compressed body, `Expect`, an
upgrade, a repeated header, a browser, or anything malformed. So the two parsers never disagree
about where a request ends.
"""

import re

from httptools import HttpParserError, HttpParserUpgrade, HttpRequestParser
from msgspec import Struct
from multidict import CIMultiDict

START = b"POST /webhooks/"
END = b"\r\n\r\n"

LONGEST = 8192
"""Maximum bytes of a head, so that each part of it is within aiohttp's limits."""

_PATH = re.compile(r"/webhooks/(?P<source>[\w-][\w.~-]*)(?P<rest>(?:/[\w-][\w.~-]*)*)", re.ASCII)
"""Matches paths without escapes, a query, or a segment that is empty or begins with a dot."""

_NOT_PLAIN = ("Transfer-Encoding", "Expect", "Upgrade", "Content-Encoding")


class PlainHead(Struct, frozen=True):
    """Implements `router.web.head.Head`. `size` is its own, `length` that of the body, in bytes."""

    path: str
    host: str
    headers: CIMultiDict[str]
    match_info: dict[str, str]
    size: int
    length: int
    raw_path: str
    method: str = "POST"
    remote: str | None = None

    @property
    def route(self) -> str:
        """The route for logs, as in `router.web.problem.route_of`."""
        return "/webhooks/" + "/".join(f"{{{name}}}" for name in self.match_info)


class _Fields(Struct):
    """Collects a head from httptools. A header that is repeated or not ASCII is an error."""

    headers: CIMultiDict[str]
    target: bytes = b""

    def on_url(self, url: bytes) -> None:
        self.target += url

    def on_header(self, name: bytes, value: bytes) -> None:
        text = name.decode("ascii")
        if text in self.headers:
            raise ValueError
        self.headers[text] = value.decode("ascii").rstrip(" \t")  # httptools leaves tabs


def find_head(data: bytearray) -> bytes | None:
    """Cut out the head at a request's start; b"" if it's incomplete, None if it isn't plain."""
    if not data.startswith(START):
        return b"" if len(data) < len(START) and START.startswith(data) else None
    end = data.find(END, 0, LONGEST)
    if end < 0:
        return b"" if len(data) < LONGEST else None
    return bytes(memoryview(data)[: end + len(END)])


def read_head(data: bytes) -> PlainHead | None:
    """Read a head that begins with START, and ends with END; None if it isn't plain."""
    fields = _Fields(CIMultiDict())
    parser = HttpRequestParser(fields)
    try:
        parser.feed_data(data)
    except (HttpParserError, HttpParserUpgrade):
        return None
    found = _PATH.fullmatch(fields.target.decode("latin-1"))
    if found is None or parser.get_http_version() != "1.1" or not _is_plain(fields.headers):
        return None
    match_info = {"source": found["source"]}
    if found["rest"]:
        match_info["segment"] = found["rest"][1:]
    headers = fields.headers
    length = int(headers["Content-Length"])
    path = found[0]
    return PlainHead(path, headers["Host"], headers, match_info, len(data), length, raw_path=path)


def _is_plain(headers: CIMultiDict[str]) -> bool:
    return (
        "Host" in headers
        and headers.get("Content-Length", "0").strip("0").isdigit()
        and headers.get("Connection", "keep-alive").lower() == "keep-alive"
        and "text/html" not in headers.get("Accept", "")
        and not any(name in headers for name in _NOT_PLAIN)
    )
