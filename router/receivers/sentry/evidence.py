"""Evidence of Sentry issues that are not errors, such as the failure of an uptime or cron monitor.

An occurrence lists it as `evidenceDisplay`, pairs of a name and a text:
https://develop.sentry.dev/backend/issue-platform/
"""

import re

from router.receivers.source import member, text

PREFIX = "evidence_"
MOST = 20
"""Maximum entries to keep of an occurrence."""

_NOT_NAME = re.compile(r"[^a-z0-9]+")


def evidence(occurrence: object) -> dict[str, str]:
    """Annotations for the evidence, such as `evidence_failure_reason`."""
    display = member(occurrence, "evidenceDisplay") or member(occurrence, "evidence_display")
    entries = display if isinstance(display, list) else []
    found = {
        _name(text(member(entry, "name"))): text(member(entry, "value")) for entry in entries[:MOST]
    }
    subtitle = text(member(occurrence, "subtitle"))
    return {PREFIX + name: value for name, value in found.items() if name and value} | (
        {"evidence": subtitle} if subtitle else {}
    )


def _name(text: str) -> str:
    return _NOT_NAME.sub("_", text.lower()).strip("_")[:60]
