"""The head of a request, for checks before its body is read."""

from collections.abc import Mapping
from typing import Protocol

from multidict import MultiMapping


class Head(Protocol):
    """Implemented by aiohttp's Request, and by the heads that the front reads.

    path: decoded, without the query. raw_path: path and query as in the request line. match_info:
    the parts of the path that the route names. remote: the peer's address.
    """

    @property
    def method(self) -> str: ...
    @property
    def path(self) -> str: ...
    @property
    def raw_path(self) -> str: ...
    @property
    def host(self) -> str: ...
    @property
    def remote(self) -> str | None: ...
    @property
    def headers(self) -> MultiMapping[str]: ...
    @property
    def match_info(self) -> Mapping[str, str]: ...
