"""`deployments` in the config: the services, and how long a deployment is a suspect."""

from msgspec import Struct

from router.core.deployments.suspect import DeployedService, Deploys
from router.model.scalars import Duration


class DeploymentsConfig(Struct, frozen=True, kw_only=True):
    """The deployed services, and how long before an incident a deployment is a suspect."""

    window: Duration = Duration(3600.0)
    label: str = "service"
    services: dict[str, DeployedService] = {}


def deploys(config: DeploymentsConfig) -> Deploys:
    """Convert to the core's settings."""
    return Deploys(config.window, config.label, tuple(config.services.values()))
