"""Inhibition: while the cause has an open incident, its effects don't open incidents.

As in Alertmanager, two alerts that match both source and target don't inhibit each other. Alerts
never inhibit themselves or their own incident.
"""

from collections.abc import Collection, Iterable

from msgspec import Struct

from router.core.rules.matcher import MatcherList, match_all
from router.model.incident import Incident
from router.model.reason import Reason


class Inhibition(Struct, frozen=True):
    """Alerts that `target` matches are muted while an incident of the source is open.

    Both must have equal values of the labels `equal`. The source is an incident of `rule` ("" for
    any) opened by an alert that `source` matches.
    """

    target: MatcherList
    source: MatcherList = ()
    rule: str = ""
    equal: tuple[str, ...] = ()

    def is_source(self, incident: Incident) -> bool:
        return self.rule in {"", incident.rule} and match_all(self.source, incident.labels)

    def inhibits(self, incident: Incident, labels: dict[str, str]) -> bool:
        """Check if the incident mutes an alert that `target` matches.

        An incident that is itself inhibited mutes nothing, so that somebody is paged.
        """
        if not incident.is_open or not self.is_source(incident) or _is_inhibited(incident):
            return False
        if self.equal_values(incident.labels) != self.equal_values(labels):
            return False
        both = not self.rule and match_all(self.source, labels)
        return not (both and match_all(self.target, incident.labels))

    def equal_values(self, labels: dict[str, str]) -> tuple[str, ...]:
        """The values of the labels `equal`; a missing label equals the empty string."""
        return tuple([labels.get(name, "") for name in self.equal])


def _is_inhibited(incident: Incident) -> bool:
    return incident.muted is not None and incident.muted[0] is Reason.INHIBITED


def inhibitor(
    inhibitions: Iterable[Inhibition], labels: dict[str, str], incidents: Iterable[Incident]
) -> Incident | None:
    """The first of `incidents` that inhibits an alert with these labels."""
    targeted = [inhibition for inhibition in inhibitions if match_all(inhibition.target, labels)]
    if not targeted:
        return None
    return next(
        (
            incident
            for incident in incidents
            if any(inhibition.inhibits(incident, labels) for inhibition in targeted)
        ),
        None,
    )


class Inhibitors:
    """Open incidents by inhibition and by the labels `equal`, for one lookup per alert."""

    def __init__(self) -> None:
        self._by_values: dict[tuple[Inhibition, tuple[str, ...]], dict[int, None]] = {}

    def add(self, incident: Incident, inhibitions: Iterable[Inhibition]) -> None:
        """Add an incident with the inhibitions of which it may be the source."""
        for inhibition in inhibitions:
            key = (inhibition, inhibition.equal_values(incident.labels))
            self._by_values.setdefault(key, {})[incident.id] = None

    def find(
        self,
        targeted: Iterable[Inhibition],
        labels: dict[str, str],
        incidents: dict[int, Incident],
        own: Collection[int | None],
    ) -> Incident | None:
        """The lowest-numbered incident that inhibits an alert with these labels.

        An alert's `own` incidents don't inhibit it.
        """
        found: int | None = None
        for inhibition in targeted:
            for incident_id in self._by_values.get(
                (inhibition, inhibition.equal_values(labels)), ()
            ):
                if incident_id in own or (found is not None and incident_id > found):
                    continue
                if inhibition.inhibits(incidents[incident_id], labels):
                    found = incident_id
        return None if found is None else incidents[found]
