"""The templates of messages: the packaged ones, and a company's replacements.

Public texts can't contain internal values: their templates get only public values, and a template
that uses a label or an internal link is rejected when it's loaded.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from msgspec import Struct

from router.core.text.plain import plain
from router.core.text.sandbox import TemplateKind, text_kind
from router.core.text.template import Template, compile_template, written
from router.model.decision import Entry
from router.model.incident import Incident, Severity, Status
from router.model.reason import Reason
from router.templates import source

INTERNAL = "internal"
STAKEHOLDERS = "stakeholder-email"
UPDATE = "status-update"
CUSTOMERS = "customer-email"

_PUBLIC = frozenset(
    {
        "company",
        "support_email",
        "component",
        "title",
        "status",
        "started",
        "ended",
        "duration",
        "updated",
    }
)
_INSIDE = _PUBLIC | {
    "name",
    "severity",
    "headline",
    "impact",
    "lead",
    "suspect",
    "updates",
    "links",
    "page",
}
_INSIDE |= {"labels", "annotations", "rule", "drill", "next_update"}

KINDS: Mapping[str, TemplateKind] = {
    INTERNAL: text_kind(_INSIDE),
    STAKEHOLDERS: text_kind(_INSIDE),
    UPDATE: text_kind(_PUBLIC),
    CUSTOMERS: text_kind(_PUBLIC | {"updates"}),
}
"""The names that each template may use. `zone` is the reader's time zone, for time filters."""

HEADED = frozenset({STAKEHOLDERS, UPDATE, CUSTOMERS})
"""Templates whose first line is the subject or the title."""

_HEAD = re.compile(r"(?:subject|title):\s*", re.IGNORECASE)


class Said(Struct, frozen=True):
    """A rendered template. `subject` is one line, "" without one."""

    subject: str
    text: str


@cache
def packaged(name: str) -> Template:
    """The template that is included with the router."""
    return compile_template(source(name), KINDS[name])


def compile_packaged() -> None:
    """Compile the packaged templates: otherwise the first message of each waits for it."""
    for name in KINDS:
        packaged(name)


@dataclass(frozen=True, slots=True)
class Wording:
    """A company's message templates: its `own`, and the packaged templates for the rest.

    zone: the time zone for readers without a known time zone.
    components: the public titles of components.
    update_every: seconds between promised updates, by severity.
    """

    company: str = ""
    support_email: str = ""
    zone: str = "UTC"
    own: Mapping[str, Template] = field(default_factory=dict)
    components: Mapping[str, str] = field(default_factory=dict)
    update_every: Mapping[Severity, float] = field(default_factory=dict)

    def write(self, name: str, given: Mapping[str, Any]) -> str:
        """The text of the template `name`.

        Never raises: if a company's own template fails, the packaged one is used.
        """
        for template in filter(None, (self.own.get(name), packaged(name))):
            try:
                if text := written(template, given):
                    return text
            except ValueError:
                continue
        return ""

    def said(self, name: str, given: Mapping[str, Any]) -> Said:
        return headed(self.write(name, given))

    def update(self, incident: Incident, at: float) -> Said:
        """The text for the status page about the incident's current state."""
        return self.said(UPDATE, self._public(incident, at, self.zone))

    def to_customers(
        self, incident: Incident, timeline: Iterable[Entry], at: float, zone: str = ""
    ) -> Said:
        """The mail to customers. It contains only published updates of the timeline."""
        updates = [
            {
                "at": entry.at,
                "status": str(entry.data.get("status", "")),
                "text": str(entry.data.get("text", "")),
            }
            for entry in timeline
            if entry.what is Reason.PUBLISHED
        ]
        given = self._public(incident, at, zone or self.zone) | {"updates": updates}
        return self.said(CUSTOMERS, given)

    def next_update(self, incident: Incident, at: float) -> float | None:
        """The time of the next promised update (UTC seconds); None without one, or if overdue."""
        every = self.update_every.get(incident.severity)
        if every is None or not incident.is_open or incident.news_at + every <= at:
            return None
        return incident.news_at + every

    def _public(self, incident: Incident, at: float, zone: str) -> dict[str, Any]:
        """All public values, and no others: add to it with care."""
        return {
            "company": self.company,
            "support_email": self.support_email,
            "component": self.components.get(incident.component, incident.component),
            "title": incident.public_title,
            "status": incident.status.value,
            "started": incident.opened_at,
            "updated": at,
            "zone": zone,
            **ended(incident),
        }


def ended(incident: Incident) -> dict[str, Any]:
    """The time of the end and the duration (seconds), once it has ended."""
    if incident.closed_at is None:
        return {"ended": None, "duration": None}
    return {"ended": incident.closed_at, "duration": incident.closed_at - incident.opened_at}


def unpublished(incident: Incident, timeline: Iterable[Entry]) -> bool:
    """Check if the state of an incident that customers may notice isn't published yet."""
    if incident.drill or not (incident.component or incident.public_title):
        return False
    public = [entry.data.get("status") for entry in timeline if entry.what is Reason.PUBLISHED]
    never_real = incident.status is Status.FALSE_POSITIVE and not public
    return not never_real and (not public or public[-1] != incident.status)


def headed(text: str) -> Said:
    """Split off the first line as the subject, without a word like `Subject:` before it."""
    first, _, rest = text.partition("\n")
    return Said(plain(_HEAD.sub("", first, count=1)), rest.strip())


def check(name: str, text: str) -> Template:
    """Compile a company's own template, and render it for example incidents.

    Raises: ValueError("line N: …").
    """
    template = compile_template(text, KINDS[name])
    for status in Status:
        try:
            shown = written(template, _made_up(name, status))
        except ValueError as error:
            raise ValueError(
                f"line 1: rendering it fails for an incident with status {status}: {error}"
            ) from None
        parts = headed(shown)
        if not shown or (name in HEADED and not (parts.subject and parts.text)):
            wanted = (
                "a first line with the subject, an empty line, and a text"
                if name in HEADED
                else "a text"
            )
            raise ValueError(f"line 1: expected {wanted}, for an incident with status {status}")
    return template


def _made_up(name: str, status: Status) -> dict[str, Any]:
    """Example values for every name that the template may use."""
    over = status in {Status.RESOLVED, Status.FALSE_POSITIVE}
    words = dict.fromkeys(KINDS[name].names, "text")
    times = {
        "started": 0.0,
        "updated": 60.0,
        "ended": 2700.0 if over else None,
        "duration": 2700.0 if over else None,
    }
    lists = {
        "updates": [
            {"at": 0.0, "when": "00:00", "what": "text", "status": status.value, "text": "text"}
        ]
    }
    lists |= {"links": [{"name": "text", "url": "https://example.com"}]}
    more = {
        "labels": {},
        "annotations": {},
        "drill": False,
        "next_update": None if over else 3600.0,
    }
    given = words | times | lists | more | {"status": status.value, "severity": "P0", "zone": "UTC"}
    return {key: value for key, value in given.items() if key in KINDS[name].names}
