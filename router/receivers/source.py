"""Parts that most receivers share: defaults, an alert's identity, and reading a body.

Text that cannot be stored is replaced; a field that cannot be read is named. The functions from
`text` on are for sources that promise no types: anything unreadable is "" or None.
"""

import hmac
import re
from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

import msgspec

from router.ports.errors import InvalidInput
from router.ports.webhooks import CommandResult, Incoming, Received, WebhookAnswer

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

LONGEST_ID = 64
"""Characters of an alert's id at its source. A longer id is replaced by its digest."""

KIB, MIB = 1024, 1024 * 1024


class Source:
    """A configured source: `name` is its key under `sources`, `kind` its type.

    The default methods suit a source that signs the body and expects the standard answer.
    """

    kind = ""
    max_body: int | None = MIB
    is_open = False
    methods: frozenset[str] = frozenset({"POST"})

    def __init__(self, name: str) -> None:
        self.name = name

    def admit(self, incoming: Incoming) -> bool:
        """Let every request in until its body was read."""
        del incoming
        return False

    def reply(
        self, incoming: Incoming, received: Received, results: Sequence[CommandResult], now: float
    ) -> WebhookAnswer | None:
        """Use the standard answer."""
        del incoming, received, results, now
        return None

    def refuse(self, status: int, error: InvalidInput) -> WebhookAnswer | None:
        """Use problem details."""
        del status, error
        return None

    def fingerprint(self, identity: str) -> str:
        """Identity of an alert among those of all sources.

        Sources have separate alerts: the same labels at another source are another alert.
        """
        return (
            shortened(identity) if self.name == self.kind else f"{self.name}:{shortened(identity)}"
        )


def shortened(identity: str) -> str:
    """The identity, or its digest if it is long."""
    if len(identity) <= LONGEST_ID:
        return identity
    return blake2b(identity.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def same(given: str, wanted: str) -> bool:
    """Compare two texts as bytes.

    A header may hold bytes above ASCII, which arrive as lone surrogates.
    """
    return hmac.compare_digest(
        given.encode("utf-8", "surrogatepass"), wanted.encode("utf-8", "surrogatepass")
    )


def clean(body: bytes) -> bytes:
    """Remove a byte order mark; replace NUL characters and halves of surrogate pairs by U+FFFD.

    PostgreSQL cannot store NUL. Half a pair, left when a message is cut within an emoji, is not
    text at all. Either would lose an alert that is otherwise fine.
    """
    body = body.removeprefix(BOM)
    if b"\\" not in body or b"\\u" not in body:  # one byte is found much faster than two
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


def text(value: object) -> str:
    if isinstance(value, str):
        return value.strip()
    return str(value) if type(value) in (int, float) else ""


def member(value: object, name: str) -> object:
    return value.get(name) if isinstance(value, dict) else None


def joined(values: object) -> str:
    return ",".join(filter(None, map(text, values))) if isinstance(values, list) else ""


def tag(tags: object, name: str) -> str:
    pairs = tags if isinstance(tags, list) else []
    return next(
        (
            text(pair[1])
            for pair in pairs
            if isinstance(pair, list) and pair[:1] == [name] and pair[1:]
        ),
        "",
    )


def kept(**values: object) -> dict[str, str]:
    """`values` as text, without the empty ones."""
    return {name: found for name, value in values.items() if (found := text(value))}
