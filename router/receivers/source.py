"""Parts that most receivers share: defaults, an alert's identity, and reading a body.

Characters that can't be stored are replaced. Errors name the unreadable field. The functions from
`text` on are for sources whose fields may have any type: unreadable values become "" or None.
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

# It matches from left to right, and so skips escaped backslashes and complete surrogate pairs.
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
"""Maximum characters of an alert's id at its source. A longer id is replaced by its digest."""

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
        """Accept every request until its body has been read."""
        del incoming
        return False

    def reply(
        self, incoming: Incoming, received: Received, results: Sequence[CommandResult], now: float
    ) -> WebhookAnswer | None:
        """Use the standard answer."""
        del incoming, received, results, now
        return None

    def refuse(self, status: int, error: InvalidInput) -> WebhookAnswer | None:
        """Answer with problem details."""
        del status, error
        return None

    def fingerprint(self, identity: str) -> str:
        """Return the identity of an alert among the alerts of all sources.

        The same labels at another source are a different alert.
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

    A header may contain non-ASCII bytes, which become lone surrogates.
    """
    return hmac.compare_digest(
        given.encode("utf-8", "surrogatepass"), wanted.encode("utf-8", "surrogatepass")
    )


def clean(body: bytes) -> bytes:
    """Remove a byte order mark; replace NUL characters and halves of surrogate pairs by U+FFFD.

    PostgreSQL can't store NUL. Half a pair, left when a message was cut within an emoji, isn't
    valid text. Either would lose an otherwise valid alert.
    """
    body = body.removeprefix(BOM)
    if b"\\" not in body or b"\\u" not in body:  # a search for one byte is much faster
        return body
    if b"\\u0000" not in body and b"\\ud" not in body and b"\\uD" not in body:
        return body
    return _ESCAPE.sub(lambda found: found["fine"] or rb"\ufffd", body)


def decode(decoder: msgspec.json.Decoder[T], body: bytes | msgspec.Raw, at: str = "") -> T:
    """Decode `body`, which is at the JSON Pointer `at` of the whole document.

    Raises: InvalidInput, with the pointer of the wrong or missing field.
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
    # msgspec doesn't name the key of a mapping, so the pointer ends at the mapping.
    steps = _STEP.findall(path.rstrip("`").split("[...]")[0])
    if missing := _MISSING.fullmatch(detail):
        steps.append((missing[1], ""))
    # msgspec quotes a wrong value in full, so cut the message.
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
    """`values` as text, without empty values."""
    return {name: found for name, value in values.items() if (found := text(value))}
