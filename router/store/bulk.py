"""Read and write many rows in one step. Also holds the SQL that differs between the databases.

Why not `executemany` and a cursor: Python's sqlite3 releases the GIL at every step, one per row,
and under load waits up to 5 ms (`sys.getswitchinterval`) to get it back. Measured beside a busy
event loop, `executemany` writes 1,600 rows/s, and one statement with all rows 25,000. Reading is
the same: a thousand rows packed into one JSON array are one step.

SQLite gets the rows to write as VALUES, which takes a quarter of the time of unpacking them from
JSON (3.9 instead of 14.8 µs for a row of ten columns). The number of rows in a statement is a power
of two, so that few different statements are prepared. PostgreSQL gets them as one JSON parameter:
one round trip, and a statement that is planned once for any number of rows. Keys to look up are a
JSON parameter on both.

Times are read as whole ticks, because SQLite prints a double in JSON with 15 digits. A double after
2004 is a multiple of 2**-22 s, so it stays exact; an earlier one is rounded to 0.24 µs.
"""

# ruff: noqa: S608 - the names in the SQL are the schema's own, and all data goes in as parameters

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
from sqlalchemy import BigInteger, Boolean, Column, ColumnClause, Double, Integer

S = TypeVar("S", bound=msgspec.Struct)

TICKS = 4194304  # 2**22
"""`packed` returns times as whole numbers of this many units in a second."""

_NUL = re.compile(rb"(?<!\\)((?:\\\\)*)\\u0000")


@dataclass(frozen=True)
class Dialect:
    """The SQL that differs between the databases.

    `unpack` turns the parameter :rows into rows; `pack` turns the rows of a query into a JSON
    array. `last` is the last number of a column's JSON array, `document` a column's text as JSON.
    `no_index` before a term keeps the planner from looking it up in an index. `by_values`: rows to
    write are VALUES instead of a parameter. `clock`: UTC seconds by the database's clock.
    """

    unpack: str
    pack: str
    array: str
    last: str
    document: str
    no_index: str
    skip_locked: str
    by_values: bool
    clock: str


SQLITE = Dialect(
    unpack="json_each(:rows)",
    pack="json_group_array({})",
    array="json_array",
    last="json_extract({}, '$[#-1]')",
    document="{}",
    no_index="+",
    skip_locked="",
    by_values=True,
    clock="((julianday('now') - 2440587.5) * 86400)",
)
POSTGRES = Dialect(
    unpack="jsonb_array_elements(CAST(:rows AS JSONB)) AS unpacked(value)",
    pack="CAST(COALESCE(json_agg({}), '[]') AS TEXT)",
    array="json_build_array",
    last="CAST(CAST({} AS JSONB) ->> -1 AS DOUBLE PRECISION)",
    document="CAST({} AS JSON)",
    no_index="",
    skip_locked="FOR UPDATE SKIP LOCKED",
    by_values=False,
    clock="extract(epoch FROM clock_timestamp())",
)

_VALUES = "(VALUES :rows)"


def encode(rows: Sequence[Sequence[Any]]) -> str:
    """Encode the value of :rows.

    PostgreSQL can't store NUL in a text, so each NUL becomes U+FFFD in both databases.
    """
    raw = msgspec.json.encode(rows)
    if b"\\u0000" in raw:
        raw = _NUL.sub(rb"\1\\ufffd", raw)
    return raw.decode()


def clean(value: str) -> str:
    """Return a text in the form in which `encode` stores it, to search for it."""
    return value.replace("\0", "\ufffd")


def given(dialect: Dialect, *columns: Column[Any] | ColumnClause[Any]) -> str:
    """A table expression named `given`: the rows of the parameter :rows, with these columns."""
    picked = ", ".join(f"{_pick(i, column)} AS {column.name}" for i, column in enumerate(columns))
    return f"(SELECT {picked} FROM {dialect.unpack}) AS given"


def written(dialect: Dialect, *columns: Column[Any] | ColumnClause[Any]) -> str:
    """Return the same expression as `given`, for a statement that writes these rows."""
    if not dialect.by_values:
        return given(dialect, *columns)
    picked = ", ".join(f"column{i} AS {column.name}" for i, column in enumerate(columns, 1))
    return f"(SELECT {picked} FROM {_VALUES}) AS given"


def _pick(i: int, column: Column[Any] | ColumnClause[Any]) -> str:
    match column.type:
        case Double():
            return f"CAST(value ->> {i} AS DOUBLE PRECISION)"
        case BigInteger() | Integer():
            return f"CAST(value ->> {i} AS BIGINT)"
        case Boolean():
            return f"CAST(value ->> {i} AS BOOLEAN)"
        case _:
            return f"value ->> {i}"


def packed(dialect: Dialect, *columns: Column[Any] | ColumnClause[Any]) -> str:
    """Return the SQL that reads all rows as one JSON array, with an array of columns for each row.

    Times are in `TICKS`.
    """
    return dialect.pack.format(f"{dialect.array}({', '.join(map(_put, columns))})")


def _put(column: Column[Any] | ColumnClause[Any]) -> str:
    name = f"{column.table.name}.{column.name}" if isinstance(column, Column) else column.name
    return f"CAST({name} * {TICKS} AS BIGINT)" if isinstance(column.type, Double) else name


def struct(kind: type[S], row: Sequence[Any]) -> S:
    """Convert a row to a struct whose fields are its columns, in order.

    Texts become enums again. SQLite's 0 and 1 become booleans, where the query doesn't declare the
    column as boolean.
    """
    return msgspec.convert(
        dict(zip(kind.__struct_encode_fields__, row, strict=True)), kind, strict=False
    )
