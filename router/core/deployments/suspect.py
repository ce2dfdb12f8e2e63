"""Which deployment is to be looked at first: the last that succeeded for an incident's service
before it began.
"""

from collections.abc import Iterable

from msgspec import Struct, field
from msgspec.structs import replace

from router.core.rules.matcher import Matchers
from router.model.deployment import Deployment, DeployOutcome
from router.model.incident import Incident
from router.model.scalars import Key

FARTHEST = 86_400.0
"""Seconds before an incident opened that its first alert's beginning is believed."""

DELIVERIES = 20
"""Ids of webhooks that are remembered of one deployment: it has a handful of states."""


class DeployedService(Struct, frozen=True):
    """A service, and what deploys it: a repository's deployments to an environment, or its pushes
    to a branch.

    `matchers` take the labels of incidents that are the service's.
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
    """What is known of deployments. `window` is how long before an incident (seconds) a suspect may
    be.

    `label` is that of an incident which names its service. `recent` are the deployments that may be
    suspects.
    """

    window: float = 3600.0
    label: str = "service"
    services: tuple[DeployedService, ...] = ()
    recent: tuple[Deployment, ...] = ()

    def knowing(self, recent: tuple[Deployment, ...]) -> "Deploys":
        return replace(self, recent=recent)


def began(opened_at: float, starts_at: float) -> float:
    """When an incident began, whose first alert says that it has been firing since `starts_at`."""
    return starts_at if opened_at - FARTHEST <= starts_at < opened_at else opened_at


def placed(deployment: Deployment, deploys: Deploys) -> Deployment:
    """With the services that it changes by the config, unless it says so itself."""
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
    """The services that an incident is about."""
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
    """Did it succeed for the incident's service, shortly before the incident began?"""
    onset = incident.onset or incident.opened_at
    return (
        deployment.outcome is DeployOutcome.SUCCESS
        and onset - deploys.window <= deployment.at <= onset
        and not services_of(incident, deploys).isdisjoint(deployment.services)
    )


def suspect(incident: Incident, deploys: Deploys) -> Deployment | None:
    """The last one that may have caused the incident."""
    found = [one for one in deploys.recent if is_suspect(one, incident, deploys)]
    return max(found, key=lambda one: (one.at, one.id), default=None)


def merged(
    before: Deployment | None, told: Deployment, earlier: Iterable[Deployment]
) -> Deployment | None:
    """What is known of a deployment now that `told` came; None if that says nothing new.

    `earlier` are others, of which the last of the same services and environment tells what ran
    before.
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
    """Where GitHub shows what changed."""
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
    """Whole minutes from the deployment to the incident's beginning."""
    return int(((incident.onset or incident.opened_at) - deployment.at) // 60)


def suspicion(deployment: Deployment, incident: Incident) -> str:
    """In words: `deploy abc1234 by ana, 7 min before onset`."""
    by = f" by {deployment.author}" if deployment.author else ""
    return f"deploy {deployment.name}{by}, {minutes_before(deployment, incident)} min before onset"
