"""Propose the matchers of a silence for an incident."""

from collections.abc import Sequence

from router.core.rules.matcher import Matcher, MatchOp
from router.model.incident import Incident

ALWAYS = ("alertname",)


def proposed(incident: Incident, group_by: Sequence[str]) -> tuple[str, ...]:
    """Return matchers for the alerts of the incident: their name, and the labels that group it."""
    names = dict.fromkeys((*ALWAYS, *group_by))
    return tuple(
        str(Matcher(name, MatchOp.EQUAL, incident.labels[name]))
        for name in names
        if name in incident.labels
    )
