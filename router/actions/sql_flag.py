"""An action that sets a feature flag in a PostgreSQL table, and can restore it.

It changes exactly one row: a missing or ambiguous name is a failure and changes nothing. The names
of the table and columns are checked by the config and quoted; the flag's name and the values are
parameters of the statement.
"""

import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import asyncpg

from router.actions.job import ActionOutcome, Job
from router.config.actions import ActionConfig
from router.core.incident.action_binding import fill
from router.model.action import ActionRequest, ActionState

_FAULTS = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, ssl.SSLError)
_WORDS = {True: "true", False: "false", None: "null"}
_VALUES = {word: value for value, word in _WORDS.items()}


class SqlFlag:
    """`memo` is the flag's previous value: `true`, `false` or `null`."""

    def __init__(self, document: ActionConfig) -> None:
        assert document.sql_flag is not None
        self._flag = flag = document.sql_flag
        self._seconds = document.timeout
        table, name, value = map(_quoted, (flag.table, flag.name_column, flag.value_column))
        # S608: the names have been checked to be letters, digits and _, and are quoted.
        self._select = f"SELECT {value} FROM {table} WHERE {name} = $1"  # noqa: S608
        self._update = f"UPDATE {table} SET {value} = $2::boolean WHERE {name} = $1"  # noqa: S608

    async def check(self, job: Job) -> ActionOutcome:
        """Report the current value of the flag."""
        name = self._named(job.request)
        try:
            async with self._connected() as connection:
                found = await connection.fetch(self._select, name)
        except _FAULTS as error:
            return ActionOutcome(ActionState.FAILED, _why(error))
        if wrong := _wrong(name, found):
            return wrong
        return ActionOutcome(ActionState.DONE, f"{name} is {_WORDS[found[0][0]]}".encode())

    async def run(self, job: Job) -> ActionOutcome:
        return await self._set(self._named(job.request), self._flag.value)

    async def undo(self, job: Job) -> ActionOutcome:
        """Restore the value from before the run."""
        memo = job.undone.memo if job.undone else ""
        if memo not in _VALUES:
            return ActionOutcome(
                ActionState.FAILED, b"what the flag was before isn't known; nothing was changed"
            )
        return await self._set(self._named(job.request), _VALUES[memo])

    def shown(self, request: ActionRequest) -> list[str]:
        value = "its previous value" if request.undoes else _WORDS[self._flag.value]
        return [
            self._update.replace("$1", f"'{self._named(request)}'").replace("$2::boolean", value)
        ]

    async def _set(self, name: str, value: bool | None) -> ActionOutcome:
        written = False
        try:
            async with self._connected() as connection, connection.transaction():
                found = await connection.fetch(f"{self._select} FOR UPDATE", name)
                if wrong := _wrong(name, found):
                    return wrong
                written = True  # from now on the change may be committed, whatever error occurs
                await connection.execute(self._update, name, value)
        except asyncpg.PostgresError as error:
            return ActionOutcome(
                ActionState.FAILED, _why(error)
            )  # the database confirms the failure
        except _FAULTS as error:
            return ActionOutcome(
                ActionState.MAY_HAVE_RUN if written else ActionState.FAILED, _why(error)
            )
        before = _WORDS[found[0][0]]
        return ActionOutcome(
            ActionState.DONE, f"{name} was {before}, and is {_WORDS[value]}".encode(), before
        )

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[asyncpg.Connection]:
        connection = await asyncpg.connect(
            self._flag.database.reveal(),
            timeout=self._seconds / 2,
            command_timeout=self._seconds / 2,
            statement_cache_size=0,  # a connection pooler may not support prepared statements
            server_settings={"application_name": "alert-router"},
        )
        try:
            yield connection
        finally:
            connection.terminate()

    def _named(self, request: ActionRequest) -> str:
        return fill(self._flag.flag, request.parameters)


def _quoted(name: str) -> str:
    return ".".join(f'"{part}"' for part in name.split("."))


def _wrong(name: str, found: Sequence[Sequence[object]]) -> ActionOutcome | None:
    """The reason why `found` can't be the flag; "" if it can."""
    if len(found) != 1:
        problem = f"there are {len(found)} rows named {name}, and exactly one is needed"
    elif not isinstance(found[0][0], bool | None):
        problem = f"{name} isn't a boolean"
    else:
        return None
    return ActionOutcome(ActionState.FAILED, f"{problem}; nothing was changed".encode())


def _why(error: Exception) -> bytes:
    """PostgreSQL's own errors contain no secret; connection errors may name the host."""
    problem = str(error) if isinstance(error, asyncpg.PostgresError) else ""
    return f"{type(error).__name__}: {problem}".rstrip(": ").encode()
