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
"""Maximum webhook ids stored per deployment, to recognize repeats. A deployment has few states."""


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
    """The settings of deployments. A suspect finished at most `window` seconds before the onset.

    `label` is the incident label that names its service. `recent` are the possible suspects.
    """

    window: float = 3600.0
    label: str = "service"
    services: tuple[DeployedService, ...] = ()
    recent: tuple[Deployment, ...] = ()

    def knowing(self, recent: tuple[Deployment, ...]) -> "Deploys":
        return replace(self, recent=recent)


def placed(deployment: Deployment, deploys: Deploys) -> Deployment:
    """Return a deployment with its services: the given ones, or else those of the config."""
    if deployment.services:
        return deployment
    return replace(
        deployment,
        services=tuple(
            service.name for service in deploys.services if _deploys(deployment, service)
        ),
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
    """Return whether a deployment of the incident's service succeeded shortly before the onset."""
    onset = incident.onset or incident.opened_at
    return (
        deployment.outcome is DeployOutcome.SUCCESS
        and onset - deploys.window <= deployment.at <= onset
        and not services_of(incident, deploys).isdisjoint(deployment.services)
    )


def suspect(incident: Incident, deploys: Deploys) -> Deployment | None:
    """Return the last deployment that may have caused the incident."""
    found = [
        deployment for deployment in deploys.recent if is_suspect(deployment, incident, deploys)
    ]
    return max(found, key=lambda deployment: (deployment.at, deployment.id), default=None)


def merged(
    before: Deployment | None, reported: Deployment, earlier: Iterable[Deployment]
) -> Deployment | None:
    """Return the state of a deployment after a new report; None if the report adds nothing.

    `earlier` are other deployments, among which the version that ran before is found.
    """
    if before is not None:
        if (
            set(reported.deliveries) & set(before.deliveries)
            or reported.at < before.at
            or _same(reported, before)
        ):
            return None
        reported = replace(
            reported, deliveries=(*before.deliveries, *reported.deliveries)[-DELIVERIES:]
        )
    if reported.previous and reported.compare:
        return reported
    last = max(
        (deployment for deployment in earlier if _ran_before(deployment, reported)),
        key=lambda deployment: deployment.at,
        default=None,
    )
    previous = reported.previous or (last.commit if last else "")
    return replace(
        reported, previous=previous, compare=reported.compare or _compare(reported, previous)
    )


def _same(reported: Deployment, before: Deployment) -> bool:
    known = replace(
        reported, previous=before.previous, compare=before.compare, deliveries=before.deliveries
    )
    return known == before


def _ran_before(deployment: Deployment, reported: Deployment) -> bool:
    return (
        deployment.id != reported.id
        and deployment.outcome is DeployOutcome.SUCCESS
        and deployment.at < reported.at
        and (deployment.services, deployment.repository, deployment.environment)
        == (reported.services, reported.repository, reported.environment)
    )


def _compare(reported: Deployment, previous: str) -> str:
    """Return GitHub's URL of the changes."""
    base = (
        reported.url.partition("/" + reported.repository)[0]
        if reported.repository in reported.url
        else "https://github.com"
    )
    if not (reported.repository and reported.commit and reported.source == "github"):
        return ""
    if previous and previous != reported.commit:
        return f"{base}/{reported.repository}/compare/{previous}...{reported.commit}"
    return f"{base}/{reported.repository}/commit/{reported.commit}"


def minutes_before(deployment: Deployment, incident: Incident) -> int:
    """Return the whole minutes from the deployment to the onset."""
    return int(((incident.onset or incident.opened_at) - deployment.at) // 60)


def suspicion(deployment: Deployment, incident: Incident) -> str:
    """Return a text about the suspect: `deploy abc1234 by ana, 7 min before onset`."""
    by = f" by {deployment.author}" if deployment.author else ""
    return f"deploy {deployment.name}{by}, {minutes_before(deployment, incident)} min before onset"
