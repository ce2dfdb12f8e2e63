"""A deployment: a change of what runs, as whoever deployed it tells."""

from enum import StrEnum

from msgspec import Struct


class DeployOutcome(StrEnum):
    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"


class Deployment(Struct, frozen=True, gc=False):
    """One deployment as it is now. `id` is the same in whatever is told of it, like
    `github:acme/api:deployment:42`.

    `at` is when it came to this outcome (UTC seconds). `services` are what it changed: given, or
    found by the config from `repository` with `environment`, or with `branch` where a push deploys.
    `commit` is what runs since, `previous` what ran before, `compare` shows the difference.
    `deliveries` are the ids of the webhooks that told of it.
    """

    id: str
    at: float
    source: str
    services: tuple[str, ...] = ()
    outcome: DeployOutcome = DeployOutcome.SUCCESS
    version: str = ""
    commit: str = ""
    previous: str = ""
    repository: str = ""
    environment: str = ""
    branch: str = ""
    author: str = ""
    url: str = ""
    compare: str = ""
    deliveries: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """As people call it: the version, or the short commit."""
        return self.version or self.commit[:7] or self.id
