"""Digests of destinations, to notice that a number, an account or a URL has changed."""

import json
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec import Struct

from router.config.secret import Secret, SecretUrl

_LENGTH = 2
"""Bytes: enough to notice a change, but too few to find a number by trying all numbers."""

_BEHAVIOUR = frozenset({"rate", "concurrency", "timeout", "buttons", "charts", "links"})
"""Options that change how a channel sends, but not its destination."""


def destinations(
    channels: Mapping[str, Struct], people: Mapping[str, Mapping[str, str]]
) -> dict[str, str]:
    """The digest of every address. `people` are the contacts' own addresses, by channel."""
    return dict(_destinations(channels, people))


def _destinations(
    channels: Mapping[str, Struct], people: Mapping[str, Mapping[str, str]]
) -> Iterator[tuple[str, str]]:
    for name, options in channels.items():
        channel = _plain(options)
        yield name, _digest(channel)
        for contact, address in people.get(name, {}).items():
            yield f"{name}/{contact}", _digest([channel, address])


def _plain(options: Struct) -> dict[str, Any]:
    given: dict[str, Any] = msgspec.to_builtins(options, enc_hook=_encoded)
    return {"type": type(options).__name__} | {
        key: value for key, value in given.items() if key not in _BEHAVIOUR
    }


def _encoded(value: object) -> str:
    if isinstance(value, SecretUrl):
        return value.reveal()
    # Leave out secrets: a new token has the same destination, and digests must not help to guess
    # passwords.
    return "" if isinstance(value, Secret) else str(value)


def _digest(content: object) -> str:
    return blake2b(json.dumps(content, sort_keys=True).encode(), digest_size=_LENGTH).hexdigest()
