"""The last check before a request leaves.

A process can be stopped for minutes between any two steps, and while it connects others may take
over what it had leased. So each client that sends calls `check_write` right before it writes to its
connection. Only a stop between that check and the system call that writes remains possible.
"""

from collections.abc import Callable
from contextvars import ContextVar, Token
from typing import Self


class WriteRefused(ConnectionAbortedError):
    """Nothing more of this attempt may be written: its lease or its time has ended."""


class WriteGuard:
    """Within `with`, every write of an attempt is checked. `refused`: a write was prevented."""

    def __init__(self, holds: Callable[[], bool]) -> None:
        self.refused = False
        self._holds = holds
        self._over = False
        self._token: Token[WriteGuard | None] | None = None

    def __enter__(self) -> Self:
        self._token = _current.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        # A thread may outlive its attempt.
        self._over = True
        if self._token:
            _current.reset(self._token)

    def check(self) -> None:
        """Raises: WriteRefused."""
        if self._over or not self._holds():
            self.refused = True
            raise WriteRefused("the lease ended before the request was written")


_current: ContextVar[WriteGuard | None] = ContextVar("write_guard", default=None)


def check_write() -> None:
    """Raises: WriteRefused, if the attempt in whose context this is called may write no more."""
    if guard := _current.get():
        guard.check()
