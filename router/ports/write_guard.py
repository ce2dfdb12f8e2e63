"""The last check before a request leaves.

A process can be stopped for minutes between any two steps, and while it connects others may take
over what it had leased. So each client that sends calls `check_write` right before it writes to its
connection. Only a stop between that check and the system call that writes remains possible.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


class WriteRefused(ConnectionAbortedError):
    """Nothing more of this attempt may be written: its lease or its time has ended."""


@dataclass(slots=True)
class WriteGuard:
    """Checks every write of an attempt. `refused`: a write was prevented."""

    may_write: Callable[[], bool]
    refused: bool = False
    is_over: bool = False


@contextmanager
def guarded(may_write: Callable[[], bool]) -> Iterator[WriteGuard]:
    """Check what is written within, and no longer."""
    guard = WriteGuard(may_write)
    token = _current.set(guard)
    try:
        yield guard
    finally:
        guard.is_over = True  # a thread may outlive its attempt
        _current.reset(token)


_current: ContextVar[WriteGuard | None] = ContextVar("write_guard", default=None)


def check_write() -> None:
    """Raises: WriteRefused, if the attempt in whose context this is called may write no more."""
    guard = _current.get()
    if guard and (guard.is_over or not guard.may_write()):
        guard.refused = True
        raise WriteRefused("the lease ended before the request was written")
