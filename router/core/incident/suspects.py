"""Name the suspect deployment of an incident: at its opening, or when it is reported later."""

from msgspec.structs import replace

from router.core.deployments.suspect import is_suspect, suspect, suspicion
from router.core.incident.escalation import edited
from router.core.incident.settings import Settings
from router.core.incident.transaction import Decision
from router.model.deployment import Deployment
from router.model.event import Deployed
from router.model.incident import Incident
from router.model.reason import Reason


def name_suspect(decision: Decision, at: float, settings: Settings) -> None:
    """Name the suspect of a new incident, if there is one."""
    if deployment := suspect(decision.incident, settings.deployments):
        _name(decision, deployment, at)


def deployed(incident: Incident, event: Deployed, settings: Settings) -> Decision | Reason:
    """Name a deployment that was reported after the alert that it caused."""
    reported, before = event.deployment, incident.suspect
    if not incident.is_open or not is_suspect(reported, incident, settings.deployments):
        return Reason.NOT_SUSPECTED
    if before is not None and (before.id == reported.id or before.at > reported.at):
        return Reason.ALREADY_DONE
    decision = Decision(Reason.SUSPECTED, replace(incident, updated_at=event.at))
    _name(decision, reported, event.at)
    decision.queue(event.at, Reason.SUSPECTED, edited(incident, settings))
    return decision


def _name(decision: Decision, deployment: Deployment, at: float) -> None:
    decision.change(suspect=deployment)
    decision.note(
        at,
        Reason.SUSPECTED,
        f"source:{deployment.source}",
        suspect=suspicion(deployment, decision.incident),
        deployment=deployment.id,
        url=deployment.compare or deployment.url,
    )
