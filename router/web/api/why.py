"""`/api/v1/explain`: reads what the store has, asks the core why, and answers in JSON."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from router.core.explain.alert import Explanation, explain
from router.core.explain.pages import IncidentHistory, Page, pages
from router.core.explain.why import NEAR, Why, why_alert, why_incident, why_person
from router.core.incident.settings import Settings
from router.core.incident.snapshot import ReadPlan
from router.core.incident.suppression import may_be_inhibited
from router.core.oncall.recipients import Duty
from router.model.alert import Alert
from router.model.incident import OPEN, Incident
from router.model.notification import channel_of
from router.model.reason import Reason
from router.model.revision import REVISION, Revision
from router.ports.store import AlertRow, Store
from router.records.records import Records
from router.web.api import views

LOOKED_AT = 200
"""Maximum incidents that were open around the time to search for somebody's page, newest first."""

PAGE = 1000

LONGEST = 16
"""Maximum digits of an incident's number."""


class Explainer:
    """Reads only. Every method raises StoreUnavailable."""

    def __init__(self, store: Store, settings: Callable[[], Settings]) -> None:
        self._store = store
        self._settings = settings
        self._revisions = Records(store, REVISION, Revision)

    async def answer(
        self, asked: Mapping[str, str], at: float | None, now: float
    ) -> dict[str, Any]:
        """Explain a `fingerprint`, `incident` or `contact`, at `at` (UTC epoch seconds; None: now).

        Raises: LookupError with the name of what is missing.
        """
        match [*asked.items()]:
            case [("fingerprint", fingerprint)]:
                return await self._alert(fingerprint, now if at is None else at)
            case [("incident", name)]:
                return {"account": account(why_incident(await self._named(name), self._settings()))}
            case [("contact", name)]:
                return {"account": account(await self._person(name, at, now))}
            case _:
                raise LookupError(
                    "give one of ?fingerprint= (as /api/v1/alerts shows it), ?incident=, ?contact="
                )

    async def incident(self, found: Incident) -> Why:
        """Explain the pages of an incident, as they were decided."""
        return why_incident(await self._history(found), self._settings())

    async def explain(self, at: float, alert: Alert) -> Explanation:
        """Explain with current silences, and for inhibition with currently open incidents."""
        settings = self._settings()
        incidents: Sequence[Incident] = ()
        if may_be_inhibited(settings, alert.labels):
            incidents = await self._store.incidents(statuses=OPEN, limit=PAGE)
        return explain(settings, alert, at, incidents=incidents)

    async def _alert(self, fingerprint: str, at: float) -> dict[str, Any]:
        rows = await self._store.alerts(fingerprint=fingerprint)
        if not rows:
            raise LookupError(
                f"no alert '{fingerprint}' is stored; /api/v1/alerts lists the stored ones"
            )
        explanation = await self.explain(at, rows[0].alert)
        histories = await self._histories_of(rows)
        why = why_alert(
            [row.rule_match for row in rows], histories, self._settings(), explanation, at
        )
        return {
            "stored": [views.alert(row) for row in rows],
            "explanations": [views.explanation(explanation)],
            "account": account(why),
        }

    async def _histories_of(self, rows: Sequence[AlertRow]) -> list[IncidentHistory]:
        """The incidents of an alert, including an incident that a person closed."""
        rules = self._settings().rules
        ids = dict.fromkeys(
            row.rule_match.incident_id for row in rows if row.rule_match.incident_id is not None
        )
        released = [row for row in rows if row.rule_match.incident_id is None]
        keys = [rules.named(row.rule_match.rule).key(row.alert) for row in released]
        latest = (await self._store.load(ReadPlan(keys=keys))).latest if keys else {}
        histories = [
            await self._history(incident)
            for id_ in ids
            if (incident := await self._store.incident(id_))
        ]
        for row, key in zip(released, keys, strict=True):
            if (
                key in latest
                and latest[key] not in ids
                and (incident := await self._store.incident(latest[key]))
            ):
                history = await self._history(incident)
                if any(
                    entry.data.get("fingerprint") == row.alert.fingerprint
                    for entry in history.timeline
                ):
                    histories.append(history)
        return histories

    async def _named(self, name: str) -> IncidentHistory:
        number = name.upper().removeprefix("INC-")
        found = (
            await self._store.incident(int(number))
            if number.isdecimal() and len(number) < LONGEST
            else None
        )
        if found is None:
            raise LookupError(f"there is no incident '{name}'")
        return await self._history(found)

    async def _person(self, name: str, at: float | None, now: float) -> Why:
        """Explain a person's page around `at`; without it, their latest page."""
        settings = self._settings()
        contact = settings.people.find(name)
        if contact is None:
            raise LookupError(f"no contact '{name}' is configured")
        histories = [await self._history(incident) for incident in await self._around(at)]
        if at is None:
            own = (
                page for history in histories for page in pages(history) if page.person == contact
            )
            at = max((page.at for page in own if page.is_page), default=now)
        return why_person(contact, at, histories, settings)

    async def _around(self, at: float | None) -> list[Incident]:
        found: list[Incident] = []
        before = 0
        while len(found) < LOOKED_AT and (
            page := await self._store.incidents(before=before, limit=PAGE)
        ):
            found += [incident for incident in page if at is None or _touches(incident, at)]
            before = page[-1].id
            if at is None:
                break
        return found[:LOOKED_AT]

    async def _history(self, found: Incident) -> IncidentHistory:
        timeline = await self._store.timeline(found.id)
        notifications = await self._store.notifications(incident_id=found.id, limit=PAGE)
        opened = next((entry for entry in timeline if entry.what is Reason.OPENED), None)
        revision = (
            await self._revisions.get(str(opened.data.get("revision", ""))) if opened else None
        )
        return IncidentHistory(found, timeline, notifications, revision)


def _touches(incident: Incident, at: float) -> bool:
    return incident.opened_at - NEAR <= at and (
        incident.closed_at is None or at <= incident.closed_at + NEAR
    )


# --- as JSON


def account(why: Why) -> dict[str, Any]:
    opened = why.opened
    return {
        "answer": why.answer,
        "at": views.when(why.at),
        "incident": views.incident(why.incident) if why.incident else None,
        "rule": why.incident.rule if why.incident else None,
        "alert": opened
        and {
            key: opened.data.get(key)
            for key in ("alert", "fingerprint", "severity", "reason", "value", "threshold")
        },
        "joined": why.joined,
        "rules": {
            "revision": why.revision or None,
            "commit": why.load.commit or None if why.load else None,
            "dirty": why.load.dirty if why.load else None,
            "loaded_at": views.when(why.load.at) if why.load else None,
            "loaded_by": why.load.by if why.load else None,
            "changed_since": why.changed,
        },
        "pages": [_page(page) for page in why.pages],
        "obstacles": [views.entry(entry) for entry in why.obstacles],
        "ending": [views.entry(entry) for entry in why.ending],
        "on_call": [_duty(duty) for duty in why.on_call],
        "on_call_recorded": why.on_call_recorded,
        "explanation": views.explanation(why.explanation) if why.explanation else None,
    }


def _page(page: Page) -> dict[str, Any]:
    """`why` and `meant_by` are null where the decision did not record them."""
    return {
        "at": views.when(page.at),
        "who": page.person or None,
        "over": channel_of(page.address),
        "why": views.entry(page.cause) if page.cause else None,
        "meant_by": None if page.duties is None else [_duty(duty) for duty in page.duties],
        "stakeholder": page.stakeholder,
        "arrived": page.arrived,
        "receipt": page.ref or None,
        "deliveries": [views.entry(entry) for entry in page.deliveries],
    }


def _duty(duty: Duty) -> dict[str, Any]:
    override = duty.override
    return {
        "target": duty.target,
        "contact": duty.contact or None,
        "layer": duty.layer or None,
        "override": override
        and {
            "replaces": override.replaces or None,
            "start": views.when(override.start),
            "end": views.when(override.end),
        },
    }
