"""A TCP proxy before PostgreSQL, to take the server away from its clients and bring it back."""

import asyncio
from contextlib import suppress
from typing import Self
from urllib.parse import parse_qs, urlsplit

CHUNK = 65_536


class Proxy:
    """`async with Proxy(url) as proxy:`; `proxy.url` is the same database through the proxy.

    It refuses connections before `open` and after `cut`. While `frozen`, it passes on nothing.
    """

    def __init__(self, url: str) -> None:
        self._parts = urlsplit(url)
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._port = 0
        self._pieces = 0
        self._flows = asyncio.Event()
        self._flows.set()

    @property
    def url(self) -> str:
        user = self._parts.username or "postgres"
        return f"postgresql://{user}@127.0.0.1:{self._port}{self._parts.path}"

    def point_to(self, url: str) -> None:
        """Connect new clients to another server."""
        self._parts = urlsplit(url)

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.cut()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def open(self) -> None:
        """Accept connections, always on the same port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def cut(self) -> None:
        """End all connections and accept none."""
        if self._server:
            self._server.close()
            self._server = None
        self._abort()

    def _abort(self) -> None:
        for writer in list(self._writers):
            writer.transport.abort()

    def cut_after(self, pieces: int) -> None:
        """End all connections once, after so many pieces from either side."""
        self._pieces = pieces

    @property
    def is_through(self) -> bool:
        return self._pieces == 0

    def freeze(self) -> None:
        self._flows.clear()

    def thaw(self) -> None:
        self._flows.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await self._connect()
        self._writers |= {writer, back}
        for one, other in ((reader, back), (there, writer)):
            task = asyncio.ensure_future(self._pass_on(one, other))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        socket = parse_qs(self._parts.query).get("host", [""])[0]
        if socket:
            return await asyncio.open_unix_connection(f"{socket}/.s.PGSQL.5432")
        return await asyncio.open_connection(self._parts.hostname, self._parts.port or 5432)

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(CHUNK):
                await self._flows.wait()
                if self._pieces:
                    self._pieces -= 1
                    if self.is_through:
                        self._abort()
                writer.write(data)
        writer.close()
        self._writers.discard(writer)
