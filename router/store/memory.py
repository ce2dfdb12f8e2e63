"""Alert matches and incidents of a SQLite store in memory, so that most decisions read nothing.

Invariant: the cache equals the committed data. Only one process writes (see `files.StoreLock`), and
each change is applied here after its commit. After a failed commit the data on disk is unknown, so
everything is dropped and read again. Data that was read during a write isn't cached.

Matches are packed: 100,000 alerts take 25 MB, and 45 MB as structs.
"""

import asyncio
from collections.abc import Iterable, Sequence
from functools import partial
from itertools import islice
from typing import Any

import msgspec
from msgspec.structs import replace

from router.core.incident.snapshot import ReadPlan, Snapshot, Writes
from router.model.alert import AlertStatus, RuleMatch
from router.model.incident import Incident, Severity
from router.model.reason import Reason
from router.store.bulk import clean

MOST_ALERTS = 250_000
"""Maximum alerts whose matches are cached. Further alerts are read from the store."""

MOST_INCIDENTS = 5_000
"""Maximum cached incidents, the latest written: about 10 MB."""

MOST_OPEN = 1_000
"""Maximum open incidents of a rule to cache. If there are more, they are read from the store."""

_Packed = tuple[
    int,
    str,
    AlertStatus,
    Reason,
    float,
    float,
    int | None,
    Severity | None,
    float | None,
    float | None,
    float,
]
"""A `RuleMatch` without its fingerprint, and with a number for its rule."""

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(tuple[int, list[_Packed]]).decode


class Memory:
    """The cached part of the store.

    state: changes when a write begins and when it ends. Data that was read is cached only if
        `state` didn't change meanwhile.
    _matches: by fingerprint, with the state at which they were cached; None for an alert whose
        matches must be read. If it `_is_whole`, an alert that isn't in it isn't in the store.
    _newest: the newest incident of each key. _open_of: its open one, which may be an older one.
    _open: all open incidents of each rule that is the source of an inhibition, once read.
    _regrouped: incidents whose matches were all changed by one statement, and in which state.
        Matches of theirs that were cached before are outdated.
    """

    def __init__(self) -> None:
        self.incidents: dict[int, Incident] = {}
        self.is_primed = False
        self._matches: dict[str, bytes | None] = {}
        self._is_whole = False
        self._newest: dict[str, int] = {}
        self._open_of: dict[str, int] = {}
        self._open: dict[str, set[int]] = {}
        self._next_id = 0
        self._regrouped: dict[int, int] = {}
        self._rules: list[str] = []
        self._numbers: dict[str, int] = {}
        self.state = 0
        self._writing = 0

    # --- reading

    def recall(self, plan: ReadPlan, view: Snapshot) -> ReadPlan | None:
        """Add cached data to the view. Returns the plan for the rest; None if nothing's missing."""
        fingerprints = self._recall_matches(plan.fingerprints, view)
        ids, rules = list[int](), list[str]()
        for incident_id in plan.incident_ids:
            if incident := self.incidents.get(incident_id):
                view.incidents[incident_id] = incident
            else:
                ids.append(incident_id)
        for rule in plan.open:
            known = self._open.get(rule)
            if known is None:
                rules.append(rule)
            else:
                view.incidents |= {number: self.incidents[number] for number in known}
        keys = self._recall_keys(plan.keys, view)
        others = (plan.windows, plan.receipts, plan.alerts, plan.firing, rules)
        if not (fingerprints or ids or keys or any(others)) and plan.open_besides is None:
            return None
        return ReadPlan(fingerprints, ids, keys, *others, plan.open_besides)

    def _recall_matches(self, fingerprints: Iterable[str], view: Snapshot) -> list[str]:
        """Add cached matches of alerts to the view. Returns the fingerprints that aren't cached."""
        unknown = []
        for fingerprint in fingerprints:
            matches = self._known(fingerprint)
            if matches is None:
                unknown.append(fingerprint)
            elif matches:
                view.rule_matches[fingerprint] = matches
        return unknown

    def _recall_keys(self, keys: Sequence[str], view: Snapshot) -> list[str]:
        """Add the newest and the open incident of each key. Returns the keys that aren't cached."""
        unknown = []
        for key in keys:
            if (newest := self._newest.get(key)) and self._next_id:
                view.latest[key] = newest
                view.incidents[newest] = self.incidents[newest]
                if (number := self._open_of.get(key, newest)) != newest:
                    view.reopened[key] = number
                    view.incidents[number] = self.incidents[number]
            else:
                unknown.append(key)
        if keys:
            view.next_incident_id = max(view.next_incident_id, self._next_id)
        return unknown

    def learn(self, plan: ReadPlan, read: Snapshot, state: int) -> None:
        """Cache the data that `plan` has just read, unless `state` has changed."""
        if self._writing or state != self.state:
            return
        for fingerprint in plan.fingerprints:
            self._keep(fingerprint, read.rule_matches.get(fingerprint, ()))
        for incident_id in (*plan.incident_ids, *read.reopened.values()):
            if incident := read.incidents.get(incident_id):
                self._put(incident)
        for key in plan.keys:
            self._next_id = read.next_incident_id
            if newest := read.latest.get(key):
                self._put(read.incidents[newest], is_newest=True)
        for rule in plan.open:
            found = [i for i in read.incidents.values() if i.rule == rule and i.is_open]
            if len(found) <= MOST_OPEN:
                self._open[rule] = set()
                for incident in found:
                    self._put(incident)
        self._shrink()

    def prime(self, fingerprints: Sequence[str], state: int) -> None:
        """Start with the fingerprints in the store: all, or the first `MOST_ALERTS` + 1."""
        if self._writing or state != self.state:
            return
        self.is_primed = True
        self._is_whole = len(fingerprints) <= MOST_ALERTS
        if self._is_whole:
            self._matches = dict.fromkeys(fingerprints) | self._matches

    # --- writing

    def follow(self, changes: Writes | None, write: asyncio.Future[Any]) -> None:
        """Apply the changes of a write that has begun, once it's done. None: unknown changes."""
        self._writing += 1
        self.state += 1
        write.add_done_callback(partial(self._done, changes))

    def _done(self, changes: Writes | None, write: asyncio.Future[Any]) -> None:
        self._writing -= 1
        self.state += 1
        if changes is None or write.cancelled() or write.exception():
            self.incidents, self._newest, self._open_of, self._open = {}, {}, {}, {}
            self._next_id = 0
            self.forget_alerts()
            return
        for incident in changes.incidents.values():
            self._put(incident, is_newest=incident.version == 1)
            if self._next_id:
                self._next_id = max(self._next_id, incident.id + 1)
        for incident_id in (*changes.moved, *changes.detached):
            self._regrouped[incident_id] = self.state
        for fingerprint, rule in changes.forgotten:
            self._change(fingerprint, rule, None)
        for (fingerprint, rule), (match, _) in changes.rule_matches.items():
            self._change(fingerprint, rule, match)
        last = {(fingerprint, rule): (at, end) for fingerprint, rule, at, end in changes.seen}
        for (fingerprint, rule), (at, end) in last.items():
            self._touch(fingerprint, rule, at, end)
        self._shrink()

    def forget_alerts(self) -> None:
        """Forget all matches: some were deleted from the store."""
        self.state += 1
        self._matches, self._regrouped = {}, {}
        self.is_primed = self._is_whole = False

    # --- matches

    def _known(self, fingerprint: str) -> list[RuleMatch] | None:
        packed = self._matches.get(fingerprint)
        if packed is None:
            is_absent = self._is_whole and fingerprint not in self._matches
            return [] if is_absent and "\0" not in fingerprint else None
        state, rows = _unpack(packed)
        matches = [RuleMatch(fingerprint, self._rules[row[0]], *row[1:]) for row in rows]
        regrouped = self._regrouped
        if regrouped and any(regrouped.get(m.incident_id or 0, 0) > state for m in matches):
            return None
        return matches

    def _change(self, fingerprint: str, rule: str, match: RuleMatch | None) -> None:
        """Replace the match of this rule."""
        matches = self._known(fingerprint)
        if matches is None:
            self._matches[clean(fingerprint)] = None
            return
        matches = [other for other in matches if other.rule != rule]
        if match is not None:
            matches.append(match)
        self._keep(fingerprint, matches)

    def _touch(self, fingerprint: str, rule: str, at: float, end: float | None) -> None:
        """Apply a report that repeats the match, as the store does."""
        for match in self._known(fingerprint) or ():
            if match.rule == rule:
                gap = at - match.last_seen if match.status is AlertStatus.FIRING else 0.0
                gap = max(match.longest_gap, gap)
                touched = replace(match, last_seen=at, ended_at=end, longest_gap=gap)
                self._change(fingerprint, rule, touched)

    def _keep(self, fingerprint: str, matches: Sequence[RuleMatch]) -> None:
        if not matches:
            self._matches.pop(fingerprint, None)
            return
        rows = []
        for m in matches:
            if "\0" in m.rule + m.digest:  # the store replaces NUL
                self._matches[fingerprint] = None
                return
            number = self._numbers.get(m.rule)
            if number is None:
                number = self._numbers[m.rule] = len(self._rules)
                self._rules.append(m.rule)
            rows.append(
                (number, m.digest, m.status, m.reason, m.starts_at, m.last_seen, m.incident_id,
                 m.severity, m.value, m.ended_at, m.longest_gap)
            )  # fmt: skip
        self._matches[fingerprint] = _pack((self.state, rows))

    # --- incidents

    def _put(self, incident: Incident, *, is_newest: bool = False) -> None:
        self.incidents.pop(incident.id, None)  # the latest written is the last
        self.incidents[incident.id] = incident
        key = clean(incident.key)
        if is_newest:
            self._newest[key] = incident.id
        if incident.is_open:
            self._open_of[key] = incident.id
        elif self._open_of.get(key) == incident.id:
            del self._open_of[key]
        if (same := self._open.get(incident.rule)) is not None:
            (same.add if incident.is_open else same.discard)(incident.id)

    def _shrink(self) -> None:
        """Drop the oldest, a tenth at a time."""
        if len(self._matches) > MOST_ALERTS:
            self._is_whole = False
            for fingerprint in [*islice(self._matches, MOST_ALERTS // 10)]:
                del self._matches[fingerprint]
        if len(self._regrouped) > MOST_INCIDENTS:
            self._matches = dict.fromkeys(self._matches)
            self._regrouped = {}
        if len(self.incidents) > MOST_INCIDENTS:
            for incident_id in [*islice(self.incidents, MOST_INCIDENTS // 10)]:
                incident = self.incidents.pop(incident_id)
                key = clean(incident.key)
                if incident_id in {self._newest.get(key), self._open_of.get(key)}:
                    self._newest.pop(key, None)
                    self._open_of.pop(key, None)
                if incident.is_open:
                    self._open.pop(incident.rule, None)
