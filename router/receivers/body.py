"""Reads the JSON of a webhook: what can't be stored is taken out, and what can't be read is named
by its pointer.
"""

import re
from typing import TypeVar

import msgspec

from router.ports.errors import InvalidInput

T = TypeVar("T")

# From left to right, so that an escaped backslash and a proper pair are stepped over.
_ESCAPE = re.compile(
    rb"""(?P<fine>\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})
    |\\u0000|\\u[dD][89a-fA-F][0-9a-fA-F]{2}""",
    re.VERBOSE,
)
_LOCATED = " - at `$"
_DETAIL_LENGTH = 200
_MISSING = re.compile(r"Object missing required field `(.+)`")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")


def clean(body: bytes) -> bytes:
    """The JSON with NUL characters and halves of surrogate pairs replaced by U+FFFD.

    PostgreSQL can't store the first, and the second, which are left when a message is cut within an
    emoji, aren't
    text at all: either would lose an alert that is otherwise fine.
    """
    if b"\\u0000" not in body and b"\\ud" not in body and b"\\uD" not in body:
        return body
    return _ESCAPE.sub(lambda found: found["fine"] or rb"\ufffd", body)


def decode(decoder: msgspec.json.Decoder[T], body: bytes | msgspec.Raw, at: str = "") -> T:
    """What `decoder` makes of `body`, which is found at the JSON Pointer `at` of the whole.

    Raises: Bad, pointing at the field that is wrong or missing.
    """
    try:
        return decoder.decode(body)
    except msgspec.DecodeError as error:
        detail, pointer = _locate(str(error))
        raise InvalidInput(detail, at + pointer) from None
    except UnicodeDecodeError:
        raise InvalidInput("Text that isn't UTF-8", at) from None
    except RecursionError:
        raise InvalidInput("Nested too deeply", at) from None


def _locate(message: str) -> tuple[str, str]:
    """Splits msgspec's message into what is wrong, and where as a JSON Pointer."""
    before, located, after = message.rpartition(_LOCATED)
    detail, path = (before, after) if located else (message, "")
    # msgspec doesn't name the key of a mapping: the pointer ends at the mapping itself.
    steps = _STEP.findall(path.rstrip("`").split("[...]")[0])
    if missing := _MISSING.fullmatch(detail):
        steps.append((missing[1], ""))
    # A wrong value is quoted in full, however long.
    return detail[:_DETAIL_LENGTH], "".join(f"/{name or index}" for name, index in steps)
