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


def deployment(one: Deployment) -> DeploymentView:
    return DeploymentView(
        id=one.id,
        at=exactly(one.at),
        name=one.name,
        services=one.services,
        outcome=one.outcome,
        version=one.version or None,
        commit=one.commit or None,
        previous=one.previous or None,
        repository=one.repository or None,
        environment=one.environment or None,
        branch=one.branch or None,
        author=one.author or None,
        url=one.url or None,
        compare=one.compare or None,
        source=one.source,
    )


def suspect(one: Incident) -> SuspectView | None:
    found = one.suspect
    if found is None:
        return None
    return SuspectView(**asdict(deployment(found)), minutes_before=minutes_before(found, one))
