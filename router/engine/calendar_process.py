"""Read external calendars in a separate process, with limits on time and memory.

A calendar is untrusted input, and a few lines of it can describe an endless number of events.
Validation can't exclude that, and a thread can't be stopped.
"""

import resource
import sys

import msgspec
from msgspec import Struct

from router.core.oncall.ical_import import Turn, read_turns
from router.engine.child_process import run_module

DEADLINE = 15.0
"""Seconds to read a calendar: ten times as long as 10,000 events take."""

MEMORY = 512 * 1024 * 1024
"""Bytes of address space."""


class _Answer(Struct):
    turns: tuple[Turn, ...] = ()
    error: str = ""


async def turns_of(calendar: str, start: float, end: float) -> tuple[Turn, ...]:
    """Run `read_turns` in a separate process, which ends when the caller does, or earlier.

    Raises: ValueError.
    """
    try:
        code, written = await run_module(
            __name__, str(start), str(end), within=DEADLINE, given=calendar.encode()
        )
    except TimeoutError:
        raise ValueError(f"events that take more than {DEADLINE:.0f}s to read") from None
    if code != 0:
        raise ValueError(f"events that take more than {MEMORY // 1024**2} MiB of memory to read")
    answer = msgspec.json.decode(written, type=_Answer)
    if answer.error:
        raise ValueError(answer.error)
    return answer.turns


def main() -> None:
    """Read a calendar from stdin and write its turns to stdout."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (int(DEADLINE), int(DEADLINE)))
    start, end = map(float, sys.argv[1:3])
    try:
        answer = _Answer(read_turns(sys.stdin.buffer.read(), start, end))
    except ValueError as error:
        answer = _Answer(error=str(error))
    sys.stdout.buffer.write(msgspec.json.encode(answer))


if __name__ == "__main__":
    main()
