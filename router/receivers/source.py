"""Defaults that most receivers share, and the identity of an alert at its source."""

from collections.abc import Sequence
from hashlib import blake2b

from router.ports.errors import InvalidInput
from router.ports.webhooks import CommandResult, Incoming, Received, WebhookAnswer

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
