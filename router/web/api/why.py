"""Why somebody was paged, or wasn't: reads what the store has, has the core account for it, and
shows that as JSON.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from router.core.explain.alert import Explanation, explain
from router.core.explain.why import (
    NEAR,
    Account,
    Duty,
    Page,
    Story,
    of_alert,
    of_incident,
    of_person,
    pages,
)
from router.core.incident.settings import Settings
from router.core.incident.suppression import may_be_inhibited
from router.model.alert import Alert
from router.model.incident import OPEN, Incident
from router.model.notification import channel_of, person_of
from router.model.reason import Reason
from router.model.revision import Revision
from router.ports.store import Store
from router.records.records import Records
from router.web.api import views

REVISIONS = "revision"
"""The kind of the documents that say which commit a revision of the rules is."""

LOOKED_AT = 200
"""The newest incidents that are looked through for somebody's page, of those that were open around
the time.
"""

PAGE = 1000

LONGEST = 16
"""More digits than the number of any incident has."""


class Accounts:
    """Reads only. Every method raises StoreUnavailable."""

    def __init__(self, store: Store, settings: Callable[[], Settings]) -> None:
        self._store = store
        self._settings = settings
        self._revisions = Records(store, REVISIONS, Revision)

    async def answer(
        self, asked: Mapping[str, str], at: float | None, now: float
    ) -> dict[str, Any]:
        """About a `fingerprint`, an `incident` or a `contact`; `at` (UTC seconds) is now if it's
        None.

        Raises: LookupError that says what isn't there.
        """
        match [*asked.items()]:
            case [("fingerprint", fingerprint)]:
                return await self._alert(fingerprint, now if at is None else at)
            case [("incident", name)]:
                return {"account": account(of_incident(await self._named(name), self._settings()))}
            case [("contact", name)]:
                return {"account": account(await self._person(name, at, now))}
            case _:
                raise LookupError(
                    "give one of ?fingerprint=, as /api/v1/alerts shows it, ?incident=, ?contact="
                )

    async def explain(self, at: float, alert: Alert) -> Explanation:
        """By the silences made so far; what is inhibited is so by the incidents open now."""
        settings = self._settings()
        incidents: Sequence[Incident] = ()
        if may_be_inhibited(settings, alert.labels):
            incidents = await self._store.incidents(statuses=OPEN, limit=PAGE)
        return explain(settings, alert, at, incidents=incidents)

    async def _alert(self, fingerprint: str, at: float) -> dict[str, Any]:
        rows = await self._store.alerts(fingerprint=fingerprint)
        if not rows:
            raise LookupError(
                f"no alert '{fingerprint}' is stored: /api/v1/alerts shows those that are"
            )
        explanation = await self.explain(at, rows[0].alert)
        ids = dict.fromkeys(
            row.rule_match.incident_id for row in rows if row.rule_match.incident_id is not None
        )
        found = [one for incident_id in ids if (one := await self._store.incident(incident_id))]
        stories = [await self._story(one) for one in found]
        told = of_alert(
            [row.rule_match for row in rows], stories, self._settings(), explanation, at
        )
        return {
            "stored": [views.alert(row) for row in rows],
            "explanations": [views.explanation(explanation)],
            "account": account(told),
        }

    async def _named(self, name: str) -> Story:
        number = name.upper().removeprefix("INC-")
        found = (
            await self._store.incident(int(number))
            if number.isdecimal() and len(number) < LONGEST
            else None
        )
        if found is None:
            raise LookupError(f"there's no incident '{name}'")
        return await self._story(found)

    async def _person(self, name: str, at: float | None, now: float) -> Account:
        """Around `at`; without it, the last time that they were paged."""
        settings = self._settings()
        contact = settings.people.find(name)
        if contact is None:
            raise LookupError(f"no contact '{name}' is configured")
        stories = [await self._story(one) for one in await self._around(at)]
        if at is None:
            own = (
                page
                for story in stories
                for page in pages(story, settings)
                if person_of(page.address) == contact
            )
            at = max((page.at for page in own if page.is_telling), default=now)
        return of_person(contact, at, stories, settings)

    async def _around(self, at: float | None) -> list[Incident]:
        found: list[Incident] = []
        before = 0
        while len(found) < LOOKED_AT and (
            page := await self._store.incidents(before=before, limit=PAGE)
        ):
            found += [one for one in page if at is None or _touches(one, at)]
            before = page[-1].id
            if at is None:
                break
        return found[:LOOKED_AT]

    async def _story(self, found: Incident) -> Story:
        timeline = await self._store.timeline(found.id)
        notifications = await self._store.notifications(incident_id=found.id, limit=PAGE)
        opened = next((one for one in timeline if one.what is Reason.OPENED), None)
        revision = (
            await self._revisions.get(str(opened.data.get("revision", ""))) if opened else None
        )
        return Story(found, timeline, notifications, revision)


def _touches(one: Incident, at: float) -> bool:
    return one.opened_at - NEAR <= at and (one.closed_at is None or at <= one.closed_at + NEAR)


# --- as JSON


def account(one: Account) -> dict[str, Any]:
    opened = one.opened
    return {
        "answer": one.answer,
        "at": views.when(one.at),
        "incident": views.incident(one.incident) if one.incident else None,
        "rule": one.incident.rule if one.incident else None,
        "alert": opened
        and {
            key: opened.data.get(key)
            for key in ("alert", "fingerprint", "severity", "reason", "value", "threshold")
        },
        "joined": one.joined,
        "rules": {
            "revision": one.revision or None,
            "commit": one.load.commit or None if one.load else None,
            "dirty": one.load.dirty if one.load else None,
            "loaded_at": views.when(one.load.at) if one.load else None,
            "loaded_by": one.load.by if one.load else None,
            "changed_since": one.changed,
        },
        "pages": [_page(page) for page in one.pages],
        "obstacles": [views.entry(entry) for entry in one.obstacles],
        "ending": [views.entry(entry) for entry in one.ending],
        "on_call": [_duty(duty) for duty in one.on_call],
        "explanation": views.explanation(one.explanation) if one.explanation else None,
    }


def _page(one: Page) -> dict[str, Any]:
    return {
        "at": views.when(one.at),
        "who": person_of(one.address) or None,
        "over": channel_of(one.address),
        "why": views.entry(one.cause) if one.cause else None,
        "meant_by": [_duty(duty) for duty in one.duties],
        "arrived": one.arrived,
        "receipt": one.ref or None,
        "deliveries": [views.entry(entry) for entry in one.deliveries],
    }


def _duty(one: Duty) -> dict[str, Any]:
    override = one.override
    return {
        "target": one.target,
        "contact": one.contact or None,
        "layer": one.layer or None,
        "override": override
        and {
            "replaces": override.replaces or None,
            "start": views.when(override.start),
            "end": views.when(override.end),
        },
    }
