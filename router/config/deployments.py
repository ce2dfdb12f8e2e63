"""The shape of `deployments`: which services they're of, and how close to an incident one is
suspected.
"""

from msgspec import Struct

from router.config.fields import Duration, Matchers
from router.core.deployments.suspect import DeployedService, Deploys


class ServiceDocument(Struct, frozen=True, kw_only=True):
    """What deploys a service, and which incidents are the service's beside those whose label names
    it.
    """

    repository: str = ""
    environments: tuple[str, ...] = ("production",)
    branches: tuple[str, ...] = ()
    match: list[Matchers] = []

    def __post_init__(self) -> None:
        if not (self.repository or self.match):
            raise ValueError("a service needs a repository, or match, or both")
        if self.repository.count("/") != bool(self.repository):
            raise ValueError(f"repository: expected OWNER/NAME, found '{self.repository}'")


class DeploymentsDocument(Struct, frozen=True, kw_only=True):
    """How deployments are told apart, and suspected."""

    window: Duration = Duration(3600.0)
    label: str = "service"
    services: dict[str, ServiceDocument] = {}


def deploys(document: DeploymentsDocument) -> Deploys:
    """What the core is told."""
    return Deploys(
        document.window,
        document.label,
        tuple(
            DeployedService(name, one.repository, one.environments, one.branches, tuple(one.match))
            for name, one in document.services.items()
        ),
    )
