"""Inhibition: while the cause has an incident, what it entails opens none.

As in Alertmanager, an alert that could be a cause itself isn't inhibited by one that could be an
effect of it, or the two would keep each other quiet.
"""

from collections.abc import Iterable

from msgspec import Struct

from router.core.rules.matcher import MatcherList, takes
from router.model.incident import Incident
from router.model.reason import Reason


class Inhibition(Struct, frozen=True):
    """While an incident of the source is open, alerts of the target with the same labels `equal`
    are inhibited.

    The source are the incidents of `rule` ("" for any) that were opened by an alert that `source`
    takes.
    """

    target: MatcherList
    source: MatcherList = ()
    rule: str = ""
    equal: tuple[str, ...] = ()

    def is_source(self, incident: Incident) -> bool:
        return self.rule in {"", incident.rule} and takes(self.source, incident.labels)

    def inhibits(self, incident: Incident, labels: dict[str, str]) -> bool:
        """Does the incident, if it's open, keep an alert quiet that `target` takes?

        One that is held back by yet another doesn't: somebody has to be told in the end.
        """
        if not incident.is_open or not self.is_source(incident) or _is_inhibited(incident):
            return False
        if any(incident.labels.get(name, "") != labels.get(name, "") for name in self.equal):
            return False
        both = not self.rule and takes(self.source, labels)
        return not (both and takes(self.target, incident.labels))


def _is_inhibited(incident: Incident) -> bool:
    return incident.muted is not None and incident.muted[0] is Reason.INHIBITED


def inhibitor(
    inhibitions: Iterable[Inhibition], labels: dict[str, str], incidents: Iterable[Incident]
) -> Incident | None:
    """The first of `incidents` that keeps an alert with these labels quiet, if any does.

    They're gone through once, and not at all for an alert that is no target: there may be
    thousands.
    """
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
