"""Previews of the texts about a drill's incident, which are sent to nobody."""

from router.core.communication.previews import drafts
from router.core.drill.progress import DrillTimeline
from router.core.incident.settings import Settings
from router.model.drill import Drill, Kind


def previews(drill: Drill, timeline: DrillTimeline, settings: Settings) -> dict[str, str]:
    """Each template's text for the first incident, if the plan tests communication; else {}."""
    if not timeline.incidents or all(
        step.kind is not Kind.COMMUNICATED for step in drill.plan.steps
    ):
        return {}
    incident = timeline.incidents[0]
    entries = [entry for entry in timeline.entries if entry.incident_id == incident.id]
    found = drafts(incident, entries, settings, incident.updated_at)
    return {draft.name: "\n\n".join(filter(None, (draft.subject, draft.text))) for draft in found}
