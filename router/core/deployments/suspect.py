"""The suspect deployment: the last successful one of an incident's service before its onset."""

from collections.abc import Iterable

from msgspec import Struct, field
from msgspec.structs import replace

from router.core.rules.matcher import Matchers
from router.model.deployment import Deployment, DeployOutcome
from router.model.incident import Incident
from router.model.scalars import Key

FARTHEST = 86_400.0
"""Seconds before the opening within which an alert's start counts as the onset."""

DELIVERIES = 20
"""Webhook ids that are kept for one deployment, which has few states."""


class DeployedService(Struct, frozen=True):
    """A service and its deployments: of a repository to an environment, or pushes to a branch.

    `matchers` match the labels of the service's incidents.
    """

    name: Key
    repository: str = ""
    environments: tuple[str, ...] = ("production",)
    branches: tuple[str, ...] = ()
    matchers: tuple[Matchers, ...] = field(name="match", default=())

    def __post_init__(self) -> None:
        if not (self.repository or self.matchers):
            raise ValueError("a service needs a repository, or match, or both")
        if self.repository.count("/") != bool(self.repository):
            raise ValueError(f"repository: expected OWNER/NAME, found '{self.repository}'")


class Deploys(Struct, frozen=True):
    """The settings of deployments. `window` is how long before an onset (seconds) a suspect may be.

    `label` is the incident label that names its service. `recent` are the possible suspects.
    """

    window: float = 3600.0
    label: str = "service"
    services: tuple[DeployedService, ...] = ()
    recent: tuple[Deployment, ...] = ()

    def knowing(self, recent: tuple[Deployment, ...]) -> "Deploys":
        return replace(self, recent=recent)


def began(opened_at: float, starts_at: float) -> float:
    """Return the onset of an incident whose first alert claims to fire since `starts_at`."""
    return starts_at if opened_at - FARTHEST <= starts_at < opened_at else opened_at


def placed(deployment: Deployment, deploys: Deploys) -> Deployment:
    """Return a deployment with its services: the given ones, or else those of the config."""
    if deployment.services:
        return deployment
    return replace(
        deployment,
        services=tuple(one.name for one in deploys.services if _deploys(deployment, one)),
    )


def _deploys(deployment: Deployment, service: DeployedService) -> bool:
    if not service.repository or deployment.repository.lower() != service.repository.lower():
        return False
    return (
        deployment.branch in service.branches
        if deployment.branch
        else deployment.environment in service.environments
    )


def services_of(incident: Incident, deploys: Deploys) -> set[str]:
    """Return the services of an incident."""
    named = {incident.labels.get(deploys.label, "")} - {""}
    return named | {
        service.name
        for service in deploys.services
        if any(
            all(matcher.matches(incident.labels) for matcher in matchers)
            for matchers in service.matchers
        )
    }


def is_suspect(deployment: Deployment, incident: Incident, deploys: Deploys) -> bool:
    """Return whether it succeeded for the incident's service shortly before the onset."""
    onset = incident.onset or incident.opened_at
    return (
        deployment.outcome is DeployOutcome.SUCCESS
        and onset - deploys.window <= deployment.at <= onset
        and not services_of(incident, deploys).isdisjoint(deployment.services)
    )


def suspect(incident: Incident, deploys: Deploys) -> Deployment | None:
    """Return the last deployment that may have caused the incident."""
    found = [one for one in deploys.recent if is_suspect(one, incident, deploys)]
    return max(found, key=lambda one: (one.at, one.id), default=None)


def merged(
    before: Deployment | None, told: Deployment, earlier: Iterable[Deployment]
) -> Deployment | None:
    """Return the state of a deployment after a new report; None if the report adds nothing.

    `earlier` are other deployments: the last one of the same services and environment ran before.
    """
    if before is not None:
        if (
            set(told.deliveries) & set(before.deliveries)
            or told.at < before.at
            or _same(told, before)
        ):
            return None
        told = replace(told, deliveries=(*before.deliveries, *told.deliveries)[-DELIVERIES:])
    if told.previous and told.compare:
        return told
    last = max(
        (one for one in earlier if _ran_before(one, told)), key=lambda one: one.at, default=None
    )
    previous = told.previous or (last.commit if last else "")
    return replace(told, previous=previous, compare=told.compare or _compare(told, previous))


def _same(told: Deployment, before: Deployment) -> bool:
    known = replace(
        told, previous=before.previous, compare=before.compare, deliveries=before.deliveries
    )
    return known == before


def _ran_before(one: Deployment, told: Deployment) -> bool:
    return (
        one.id != told.id
        and one.outcome is DeployOutcome.SUCCESS
        and one.at < told.at
        and (one.services, one.repository, one.environment)
        == (told.services, told.repository, told.environment)
    )


def _compare(told: Deployment, previous: str) -> str:
    """Return GitHub's URL of the changes."""
    base = (
        told.url.partition("/" + told.repository)[0]
        if told.repository in told.url
        else "https://github.com"
    )
    if not (told.repository and told.commit and told.source == "github"):
        return ""
    if previous and previous != told.commit:
        return f"{base}/{told.repository}/compare/{previous}...{told.commit}"
    return f"{base}/{told.repository}/commit/{told.commit}"


def minutes_before(deployment: Deployment, incident: Incident) -> int:
    """Return the whole minutes from the deployment to the onset."""
    return int(((incident.onset or incident.opened_at) - deployment.at) // 60)


def suspicion(deployment: Deployment, incident: Incident) -> str:
    """Return a text about the suspect: `deploy abc1234 by ana, 7 min before onset`."""
    by = f" by {deployment.author}" if deployment.author else ""
    return f"deploy {deployment.name}{by}, {minutes_before(deployment, incident)} min before onset"
