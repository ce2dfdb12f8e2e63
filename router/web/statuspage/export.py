"""Writes the page as files, so that it's there when the router isn't.

Each file is replaced in one step, what is linked before what links to it: whoever reads meanwhile
finds every file whole and every link alive, and a crash leaves nothing half written.
"""

import asyncio
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path

from msgspec import Struct

from router.ports.clock import Clock
from router.ports.errors import StoreUnavailable
from router.telemetry.logs import logger
from router.web.statuspage.board import Board
from router.web.statuspage.documents import PageFile, documents

log = logger(__name__)

IDLE = 60.0
"""Seconds between two looks at whether a reload has asked for an export."""

_INCIDENT = re.compile(r"[0-9]+\.html")


def write(documents: Mapping[str, PageFile], folder: Path) -> None:
    """Put all of `documents` into `folder`, and take away the incidents that aren't shown any more.

    Raises: OSError.
    """
    for name, document in documents.items():
        _replace(folder / name, document.body)
    incidents = folder / "incidents"
    for path in incidents.iterdir() if incidents.is_dir() else ():
        if _INCIDENT.fullmatch(path.name) and f"incidents/{path.name}" not in documents:
            path.unlink()


def _replace(path: Path, body: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with draft.open("wb") as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)


class ExportTarget(Struct, frozen=True):
    """Where the page is exported to, and how often (seconds) beside after each update."""

    folder: Path
    every: float


class Exporter:
    """Keeps the files as the page is.

    `on_exported` is told when (UTC seconds) they were last written.
    """

    def __init__(
        self,
        board: Board,
        clock: Clock,
        target: Callable[[], ExportTarget | None],
        on_exported: Callable[[float], None],
    ) -> None:
        self._board = board
        self._clock = clock
        self._target = target
        self._on_exported = on_exported
        self._writing = asyncio.Lock()
        self._closing = asyncio.Event()

    async def export(self) -> None:
        """Write the files now. Raises: OSError, StoreUnavailable."""
        target, shown = self._target(), await self._board.shown()
        if target is None or shown is None:
            return
        found = documents(shown.page, subscribe=False)
        async with self._writing:
            await asyncio.to_thread(write, found, target.folder)
        self._on_exported(self._clock.now())

    def close(self) -> None:
        self._closing.set()

    async def run(self) -> None:
        """Write them every so often until `close`: the bars move on by themselves."""
        while not self._closing.is_set():
            try:
                await self.export()
            except (OSError, StoreUnavailable) as error:
                log.warning("status_export_failed", error=str(error))
            target = self._target()
            await self._clock.wait(self._closing, target.every if target else IDLE)
