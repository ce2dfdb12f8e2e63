"""Inhibition: while the cause has an open incident, its effects open none.

As in Alertmanager, an alert that could be a cause itself isn't inhibited by one that could be its
effect: the two would mute each other. Nothing inhibits itself, nor the alerts of its own incident.
"""

from collections.abc import Collection, Iterable

from msgspec import Struct

from router.core.rules.matcher import MatcherList, takes
from router.model.incident import Incident
from router.model.reason import Reason


class Inhibition(Struct, frozen=True):
    """While an incident of the source is open, alerts of the target with the same labels `equal`
    are inhibited.

    The source are the incidents of `rule` ("" for any) that an alert opened which `source` matches.
    """

    target: MatcherList
    source: MatcherList = ()
    rule: str = ""
    equal: tuple[str, ...] = ()

    def is_source(self, incident: Incident) -> bool:
        return self.rule in {"", incident.rule} and takes(self.source, incident.labels)

    def inhibits(self, incident: Incident, labels: dict[str, str]) -> bool:
        """The incident mutes an alert that `target` matches, unless it's inhibited itself: somebody
        is paged.
        """
        if not incident.is_open or not self.is_source(incident) or _is_inhibited(incident):
            return False
        if self.equal_values(incident.labels) != self.equal_values(labels):
            return False
        both = not self.rule and takes(self.source, labels)
        return not (both and takes(self.target, incident.labels))

    def equal_values(self, labels: dict[str, str]) -> tuple[str, ...]:
        """The values of the labels `equal`; a label that is missing equals the empty string."""
        return tuple([labels.get(name, "") for name in self.equal])


def _is_inhibited(incident: Incident) -> bool:
    return incident.muted is not None and incident.muted[0] is Reason.INHIBITED


def inhibitor(
    inhibitions: Iterable[Inhibition], labels: dict[str, str], incidents: Iterable[Incident]
) -> Incident | None:
    """The first of `incidents` that inhibits an alert with these labels."""
    targeted = [inhibition for inhibition in inhibitions if takes(inhibition.target, labels)]
    if not targeted:
        return None
    return next(
        (
            one
            for one in incidents
            if any(inhibition.inhibits(one, labels) for inhibition in targeted)
        ),
        None,
    )


class Inhibitors:
    """Open incidents by the inhibitions that they're a source of, and the labels `equal`: one
    look-up for an alert.
    """

    def __init__(self) -> None:
        self._by_values: dict[tuple[Inhibition, tuple[str, ...]], dict[int, None]] = {}

    def add(self, incident: Incident, inhibitions: Iterable[Inhibition]) -> None:
        """`inhibitions` are those that the incident may be a source of."""
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
        """The lowest-numbered incident that inhibits an alert with these labels; none of its `own`
        does.
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
