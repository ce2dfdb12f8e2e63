"""Reads the JSON of a webhook.

Text that cannot be stored is replaced; a field that cannot be read is named.
"""

import re
from typing import TypeVar

import msgspec

from router.ports.errors import InvalidInput

T = TypeVar("T")

# Matches from left to right, so that an escaped backslash and a complete surrogate pair are
# skipped.
_ESCAPE = re.compile(
    rb"""(?P<fine>\\\\|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})
    |\\u0000|\\u[dD][89a-fA-F][0-9a-fA-F]{2}""",
    re.VERBOSE,
)
BOM = b"\xef\xbb\xbf"
_LOCATED = " - at `$"
_DETAIL_LENGTH = 200
_MISSING = re.compile(r"Object missing required field `(.+)`")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")


def clean(body: bytes) -> bytes:
    """Remove a byte order mark; replace NUL characters and halves of surrogate pairs by U+FFFD.

    PostgreSQL cannot store NUL. Half a pair, left when a message is cut within an emoji, is not
    text at all. Either would lose an alert that is otherwise fine.
    """
    body = body.removeprefix(BOM)
    if b"\\u" not in body:
        return body
    if b"\\u0000" not in body and b"\\ud" not in body and b"\\uD" not in body:
        return body
    return _ESCAPE.sub(lambda found: found["fine"] or rb"\ufffd", body)


def decode(decoder: msgspec.json.Decoder[T], body: bytes | msgspec.Raw, at: str = "") -> T:
    """Decode `body`, which is at the JSON Pointer `at` of the whole document.

    Raises: InvalidInput, pointing at the field that is wrong or missing.
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
    """Split msgspec's message into the problem and the JSON Pointer of its place."""
    before, located, after = message.rpartition(_LOCATED)
    detail, path = (before, after) if located else (message, "")
    # msgspec does not name the key of a mapping, so the pointer ends at the mapping itself.
    steps = _STEP.findall(path.rstrip("`").split("[...]")[0])
    if missing := _MISSING.fullmatch(detail):
        steps.append((missing[1], ""))
    # msgspec quotes a wrong value in full, however long.
    return detail[:_DETAIL_LENGTH], "".join(f"/{name or index}" for name, index in steps)
