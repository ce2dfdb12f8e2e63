"""Turn a row into a struct whose fields are its columns, in order."""

from collections.abc import Sequence
from typing import Any, TypeVar

import msgspec

S = TypeVar("S", bound=msgspec.Struct)


def struct(kind: type[S], row: Sequence[Any]) -> S:
    """Texts become enums again, and SQLite's 0 and 1 booleans."""
    return msgspec.convert(dict(zip(kind.__struct_fields__, row, strict=True)), kind, strict=False)
