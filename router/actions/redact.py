"""Removes secrets from the output of programs."""

import re
from base64 import b64encode
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from msgspec import Struct

from router.config.secret import Secret
from router.core.text.plain import plain

SHORTEST = 4
"""Minimum characters of a secret to be removed. Shorter secrets may occur in any text, and protect
nothing."""

SHOWN = 4000
"""Maximum characters of an output."""

_NAMED_SO = re.compile(
    r"TOKEN|SECRET|PASSW|PASSPHRASE|KEY|CREDENTIAL|DSN|AUTH|WEBHOOK", re.IGNORECASE
)


class Redactor:
    """Removes secrets of a config and the environment, even if encoded as in URLs or headers."""

    def __init__(self, config: object, env: Mapping[str, str]) -> None:
        found = {form for secret in _secrets(config) for form in _forms(secret.reveal())}
        found |= {
            form for name, value in env.items() if _NAMED_SO.search(name) for form in _forms(value)
        }
        # Longest first, because a secret may be part of another secret.
        known = sorted(
            (secret for secret in found if len(secret) >= SHORTEST), key=len, reverse=True
        )
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def redact(self, text: str) -> str:
        return self._known.sub("***", text) if self._known else text

    def output(self, raw: bytes) -> str:
        """Convert `raw` to text for a timeline, without secrets and control characters.

        The middle of a long output is left out.
        """
        text = self.redact(raw.decode("utf-8", "replace"))
        text = "\n".join(line for line in map(_line, text.splitlines()) if line)
        half = SHOWN // 2
        return text if len(text) <= SHOWN else f"{text[:half]}\n[...]\n{text[-half:]}"


def _line(line: str) -> str:
    """Clean a line; indentation matters in a diff or a table."""
    indented = line.expandtabs()
    return " " * (len(indented) - len(indented.lstrip(" "))) + plain(indented)


def _secrets(value: Any) -> Iterator[Secret]:
    """Every secret in a config's structs, mappings and lists."""
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, Struct):
        for name in value.__struct_fields__:
            yield from _secrets(getattr(value, name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _secrets(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _secrets(item)


def _forms(secret: str) -> Iterable[str]:
    """Encodings in which a secret may appear."""
    yield secret
    yield from filter(
        None, (line.strip() for line in secret.splitlines())
    )  # such as a private key, which has several lines
    yield quote(secret, safe="")
    yield b64encode(secret.encode("utf-8", "surrogateescape")).decode()
    try:
        password = urlsplit(secret).password
    except ValueError:
        return
    if password:
        yield password
        yield unquote(password)
