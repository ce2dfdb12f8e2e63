"""Write the status page as files, so that it's available while the router is down.

Each file is replaced in one step, after the files to which it links. So readers always find
complete files and working links, even after a crash.
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
from router.web.statuspage.documents import PageFile, documents
from router.web.statuspage.page_cache import StatusPageCache

log = logger(__name__)

IDLE = 60.0
"""Seconds between checks for an export in the config."""

_INCIDENT = re.compile(r"[0-9]+\.html")


def write(documents: Mapping[str, PageFile], folder: Path) -> None:
    """Write `documents` to `folder`, and delete incidents that are no longer shown.

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
    """The folder of the export, and the seconds between two exports without an update."""

    folder: Path
    every: float


class Exporter:
    """Keeps the files up to date. `on_exported` gets the time (UTC seconds) of each export."""

    def __init__(
        self,
        page_cache: StatusPageCache,
        clock: Clock,
        target: Callable[[], ExportTarget | None],
        on_exported: Callable[[float], None],
    ) -> None:
        self._page_cache = page_cache
        self._clock = clock
        self._target = target
        self._on_exported = on_exported
        self._writing = asyncio.Lock()
        self._closing = asyncio.Event()

    async def export(self) -> None:
        """Write the files now, if the config has a folder. Raises: OSError, StoreUnavailable."""
        if (target := self._target()) is None:
            await self._page_cache.record()
            return
        if (shown := await self._page_cache.shown()) is None:
            return
        found = documents(shown.page, subscribe=False)
        async with self._writing:
            await asyncio.to_thread(write, found, target.folder)
        self._on_exported(self._clock.now())

    def close(self) -> None:
        self._closing.set()

    async def run(self) -> None:
        """Write the files at every interval until `close`, because the page changes with time."""
        while not self._closing.is_set():
            try:
                await self.export()
            except (OSError, StoreUnavailable) as error:
                log.warning("status_export_failed", error=str(error))
            target = self._target()
            await self._clock.wait(self._closing, target.every if target else IDLE)
