"""Deployments in answers, and the suspect of an incident."""

from msgspec import Struct
from msgspec.structs import asdict

from router.core.deployments.suspect import minutes_before
from router.model.deployment import Deployment, DeployOutcome
from router.model.incident import Incident
from router.web.api.content import Time
from router.web.api.views.times import exactly


class DeploymentView(Struct, frozen=True):
    """A deployment. `name` is its version, or else its short commit."""

    id: str
    at: Time
    name: str
    services: tuple[str, ...]
    outcome: DeployOutcome
    version: str | None
    commit: str | None
    previous: str | None
    repository: str | None
    environment: str | None
    branch: str | None
    author: str | None
    url: str | None
    compare: str | None
    source: str


class SuspectView(DeploymentView, frozen=True):
    """The deployment that may be the cause, and how long before the incident it was."""

    minutes_before: int


def deployment(stored: Deployment) -> DeploymentView:
    return DeploymentView(
        id=stored.id,
        at=exactly(stored.at),
        name=stored.name,
        services=stored.services,
        outcome=stored.outcome,
        version=stored.version or None,
        commit=stored.commit or None,
        previous=stored.previous or None,
        repository=stored.repository or None,
        environment=stored.environment or None,
        branch=stored.branch or None,
        author=stored.author or None,
        url=stored.url or None,
        compare=stored.compare or None,
        source=stored.source,
    )


def suspect(incident: Incident) -> SuspectView | None:
    found = incident.suspect
    if found is None:
        return None
    return SuspectView(**asdict(deployment(found)), minutes_before=minutes_before(found, incident))
