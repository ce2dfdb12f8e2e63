"""Faults of a database: what each means for the caller, and what an operator can do about it."""

from sqlalchemy.exc import DBAPIError

from router.core.incident.snapshot import Conflict
from router.ports.errors import StoreUnavailable

# PostgreSQL's SQLSTATE, https://www.postgresql.org/docs/current/errcodes-appendix.html
_LOST_RACES = ("40001", "40P01", "23505")  # serialization failure, deadlock, unique violation
_OUR_MISTAKES = ("21", "22", "23", "42")  # cardinality, data, integrity, syntax or access

_UNIQUE = {"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY"}

_SQLITE = {
    "SQLITE_FULL": "free space on the disk of the store",
    "SQLITE_READONLY": "make the store's file and folder writable for the router",
    "SQLITE_CANTOPEN": "make the store's folder exist and writable for the router",
    "SQLITE_BUSY": "end the program that keeps the store's file locked",
    "SQLITE_LOCKED": "end the program that keeps the store's file locked",
    "SQLITE_CORRUPT": "stop the router and restore the store's file from a backup",
    "SQLITE_NOTADB": "stop the router and restore the store's file from a backup",
    "SQLITE_IOERR": "check the disk of the store, and the kernel's log",
}
"""Remedies by the name of SQLite's error (https://www.sqlite.org/rescode.html) or its beginning."""

_POSTGRES = {
    "53100": "free space on the disk of PostgreSQL",
    "53300": "raise max_connections of PostgreSQL, or run fewer replicas",
    "25006": "point `storage` at the primary: this server is read-only",
    "28": "check the user and the password in `storage`",
    "3D": "create the database that `storage` names",
    "57P": "wait for PostgreSQL to start, or start it",
}
"""Remedies by SQLSTATE or its beginning."""

_LASTING = ("28", "3D")
"""Beginnings of SQLSTATEs that a wrong `storage` causes."""

_PASSING = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_FULL")

REACH = "check that the database of `storage` runs and can be reached"


def cause_of(error: BaseException | None) -> BaseException | None:
    """Return the error of the driver."""
    return error.orig if isinstance(error, DBAPIError) else error


def meaning(error: Exception) -> Exception | None:
    """Return the exception for the caller, without URL, SQL or data in its text.

    None: the statement or its data is wrong, so another try won't help.
    """
    cause = cause_of(error)
    state = getattr(cause, "sqlstate", None) or ""
    name = getattr(cause, "sqlite_errorname", "")
    text = str(cause.args[0]) if cause and cause.args else str(cause)
    if state in _LOST_RACES or name in _UNIQUE:
        return Conflict(text)
    if state[:2] in _OUR_MISTAKES or name in {"SQLITE_ERROR", "SQLITE_MISMATCH"}:
        return None
    if "CONSTRAINT" in name:
        return None
    lasting = state.startswith(_LASTING) or (bool(name) and not name.startswith(_PASSING))
    return StoreUnavailable(text, lasting=lasting)


def remedy(error: BaseException | None) -> str:
    """Return what an operator can do about the fault that made the store unavailable."""
    cause = cause_of(error)
    name = getattr(cause, "sqlite_errorname", "")
    state = getattr(cause, "sqlstate", None) or ""
    for start, words in _SQLITE.items():
        if name.startswith(start):
            return words
    for start, words in _POSTGRES.items():
        if state.startswith(start):
            return words
    return REACH
