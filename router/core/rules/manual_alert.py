"""An incident that a person declares. It's an alert like any other, so the rules apply to it."""

from collections.abc import Mapping

from router.core.rules.fingerprint import fingerprint
from router.core.text.plain import plain
from router.model.alert import Alert, AlertStatus
from router.model.incident import Severity

SOURCE = "person"
"""The source of these alerts in rules."""

MAX_TITLE = 200


def reported(  # noqa: PLR0913 - the parts of a report
    title: str,
    by: str,
    at: float,
    *,
    severity: Severity | None = None,
    description: str = "",
    labels: Mapping[str, str] | None = None,
) -> Alert:
    """The alert that `by` declares. If declared again with the same title, it joins the incident.

    `severity` overrides the rule's severity. Raises: ValueError.
    """
    title = plain(title)
    if not title:
        raise ValueError("give the incident a title")
    if len(title) > MAX_TITLE:
        raise ValueError(f"the title is longer than {MAX_TITLE} characters")
    labelled = {**(labels or {}), "alertname": title}
    annotations = {"summary": title, **({"description": description} if description else {})}
    return Alert(
        source=SOURCE,
        fingerprint=f"{SOURCE}-{fingerprint(labelled)}",
        status=AlertStatus.FIRING,
        labels=labelled,
        annotations=annotations,
        starts_at=at,
        severity=severity,
        by=by,
    )
