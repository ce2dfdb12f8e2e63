"""Matches past incidents with those of a replay, by alerts that joined both at the same time.

Under other rules incidents may have other numbers, be split or merged.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from router.core.incident.snapshot import Writes
from router.core.replay.history import History, arrivals
from router.model.incident import Incident


class IncidentMatching:
    """Incident ids: `then` maps replayed incidents to past incidents, `now` past to replayed."""

    def __init__(self, past: History) -> None:
        self.then: defaultdict[int, list[int]] = defaultdict(list)
        self.now: defaultdict[int, list[int]] = defaultdict(list)
        self._keys = {incident.id: incident.key for incident in past.incidents}
        self._arrived: defaultdict[tuple[float, str], list[int]] = defaultdict(list)
        self._new: dict[int, Incident] = {}
        for alert, incident_id in arrivals(past.entries):
            self._arrived[alert].append(incident_id)

    def add(self, changes: Writes) -> None:
        """Match the incidents of these writes."""
        for alert, incident_id in arrivals(changes.entries):
            incident = self._new[incident_id] = changes.incidents[incident_id]
            before = self._arrived.get(alert, [])
            # If several rules match the alert, take the incident of the same rule and group.
            for number in [old for old in before if self._keys.get(old) == incident.key] or before:
                if incident_id not in self.now[number]:
                    self.now[number].append(incident_id)
                    self.then[incident_id].append(number)

    def meant(self, incident_id: int) -> list[int]:
        """The replay's incidents to which a command on a past incident applies.

        It's the incident with the same key or, if there is none, the newest of each key.
        """
        newest = {self._new[number].key: number for number in self.now.get(incident_id, ())}
        same = newest.get(self._keys.get(incident_id, ""))
        return [same] if same is not None else [*newest.values()]

    def groups(
        self, then: Iterable[int], now: Iterable[int]
    ) -> Iterator[tuple[list[int], list[int]]]:
        """The past and the replayed incidents, in groups that match each other."""
        left = {("then", number): None for number in then} | {
            ("now", number): None for number in now
        }
        while left:
            when, number = next(iter(left))
            group = self._group([number], []) if when == "then" else self._group([], [number])
            for when, ids in zip(("then", "now"), group, strict=True):
                for number in ids:
                    left.pop((when, number), None)
            yield group

    def _group(self, then: list[int], now: list[int]) -> tuple[list[int], list[int]]:
        """These incidents, and all that match them directly or indirectly."""
        done = 0
        while done < len(then) + len(now):
            done = len(then) + len(now)
            now += dict.fromkeys(n for t in then for n in self.now.get(t, ()) if n not in now)
            then += dict.fromkeys(t for n in now for t in self.then.get(n, ()) if t not in then)
        return then, now
