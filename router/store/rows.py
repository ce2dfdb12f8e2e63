"""From a row to a struct whose fields are its columns, in order."""

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

S = TypeVar("S", bound=msgspec.Struct)


def struct(kind: type[S], row: Sequence[Any]) -> S:
    """Words become enums again; and SQLite's 0 and 1 booleans, where it isn't told that a column is
    one.
    """
    return msgspec.convert(dict(zip(kind.__struct_fields__, row, strict=True)), kind, strict=False)
