"""A deployment: a change of the running version of a service."""

from enum import StrEnum

from msgspec import Struct


class DeployOutcome(StrEnum):
    PENDING = "pending"
    SUCCESS = "success"
    FAILURE = "failure"


class DeploymentFacts(Struct, frozen=True, gc=False, kw_only=True):
    """The facts in a report of a deployment.

    `commit` runs now, `previous` ran before, and `compare` is the URL of the difference. A
    repository's deployment names an `environment`; a push that deploys names a `branch`.
    """

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


class Deployment(DeploymentFacts, frozen=True, gc=False):
    """The current state of one deployment.

    `id` is the same in every report of it, like `github:acme/api:deployment:42`; `at` is the time
    of this outcome (UTC seconds). `services` are given by the reporter, or found in the config by
    repository and environment or branch. `deliveries` are the ids of the webhooks that reported it.
    """

    id: str
    at: float
    source: str
    services: tuple[str, ...] = ()
    deliveries: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The version, or else the short commit."""
        return self.version or self.commit[:7] or self.id
