"""Run one program without a shell, keep its output, and leave no process behind."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO, NamedTuple

KEPT = 64 * 1024
"""Maximum bytes to keep of the beginning and of the end of a program's output.

The middle is dropped.
"""

KILL_AFTER = 2.0
"""Seconds from SIGTERM to SIGKILL, and for reading the rest of the pipe after the program's end."""


class Ended(NamedTuple):
    """The end of a program.

    `code` is the exit status, negative for a signal; None after a time-out.
    """

    code: int | None
    output: bytes


class _Output:
    """The beginning and the end of the output."""

    def __init__(self) -> None:
        self._head = bytearray()
        self._tail = bytearray()
        self._dropped = False

    def add(self, piece: bytes) -> None:
        room = KEPT - len(self._head)
        self._head += piece[:room]
        self._tail += piece[room:]
        if len(self._tail) > KEPT:
            self._dropped = True
            del self._tail[:-KEPT]

    def __bytes__(self) -> bytes:
        return bytes(self._head) + (b"\n[...]\n" if self._dropped else b"") + bytes(self._tail)


async def run(argv: Sequence[str], *, env: Mapping[str, str], cwd: str, seconds: float) -> Ended:
    """Run `argv` in a new process group, with standard output and error combined, and no input.

    After `seconds`, or when cancelled, the whole group is killed; so are its leftover processes.
    Raises: OSError, if it can't be started.
    """
    # A separate pipe: asyncio's own would keep `wait` blocked until leftover processes close it.
    ours, theirs = os.pipe()
    output = _Output()
    with os.fdopen(ours, "rb", buffering=0) as pipe:
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=theirs,
                stderr=asyncio.subprocess.STDOUT,
                env=dict(env),
                cwd=cwd,
                start_new_session=True,
            )
        finally:
            os.close(theirs)
        reading = asyncio.ensure_future(_read(pipe, output))
        code: int | None = None
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    code = await process.wait()
            if code is None:
                await _terminate(process)
        finally:
            _signal(process.pid, signal.SIGKILL)
            ending = asyncio.ensure_future(process.wait())
            await asyncio.wait((reading, ending), timeout=KILL_AFTER)
            for task in (reading, ending):
                task.cancel()
            await asyncio.gather(reading, ending, return_exceptions=True)
    return Ended(code, bytes(output))


async def _read(pipe: IO[bytes], output: _Output) -> None:
    stream = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), pipe
    )
    try:
        while piece := await stream.read(KEPT):
            output.add(piece)
    finally:
        transport.close()


async def _terminate(process: asyncio.subprocess.Process) -> None:
    _signal(process.pid, signal.SIGTERM)
    with suppress(TimeoutError):
        async with asyncio.timeout(KILL_AFTER):
            await process.wait()


def _signal(group: int, number: signal.Signals) -> None:
    """Signal the whole group.

    Its id stays reserved while a process is in it. An empty group needs no signal.
    """
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)
