"""The last check before a request is written to the network.

A process can be paused for minutes at any step. Meanwhile another replica may take over its leases.
So each client that sends calls `check_write` right before it writes to its connection. The only gap
left is a pause between this check and the system call that writes.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


class WriteRefused(ConnectionAbortedError):
    """The attempt may not write any more, because its lease or its time has ended."""


@dataclass(slots=True)
class WriteGuard:
    """Checks every write of an attempt. `refused`: a write was prevented."""

    may_write: Callable[[], bool]
    refused: bool = False
    is_over: bool = False


@contextmanager
def guarded(may_write: Callable[[], bool]) -> Iterator[WriteGuard]:
    """Check all writes within this context."""
    guard = WriteGuard(may_write)
    token = _current.set(guard)
    try:
        yield guard
    finally:
        guard.is_over = True  # a thread may outlive its attempt
        _current.reset(token)


_current: ContextVar[WriteGuard | None] = ContextVar("write_guard", default=None)


def check_write() -> None:
    """Raises: WriteRefused, if the current attempt may not write any more."""
    guard = _current.get()
    if guard and (guard.is_over or not guard.may_write()):
        guard.refused = True
        raise WriteRefused("the lease ended before the request was written")
