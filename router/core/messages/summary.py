"""The summary of a storm: the incidents of one message, and the page that lists exactly those."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby

from router.core.outbox.digest import MOST
from router.model.incident import Severity
from router.model.notification import OtherIncident

TOP = 5
"""Maximum further incidents that a message names. It links to a list of the others."""

_RANGES = re.compile(r"\d{1,15}(-\d{1,15})?([,.]\d{1,15}(-\d{1,15})?)*", re.ASCII)


def ranges(ids: Iterable[int]) -> str:
    """Write incident numbers compactly: `142-145,150`. Storms open consecutive numbers."""
    counted = enumerate(sorted(set(ids)))
    runs = (
        [number for _, number in run] for _, run in groupby(counted, lambda pair: pair[1] - pair[0])
    )
    return ",".join(f"{run[0]}-{run[-1]}" if run[1:] else str(run[0]) for run in runs)


def numbers(text: str) -> tuple[int, ...]:
    """Parse the result of `ranges`, up to MOST + 1 numbers. Raises: ValueError."""
    if not _RANGES.fullmatch(text):
        raise ValueError("expected numbers of incidents such as 142-145,150")
    found: dict[int, None] = {}
    for part in re.split(r"[,.]", text):
        first, _, last = part.partition("-")
        end = min(int(last or first), int(first) + MOST)
        found |= dict.fromkeys(range(int(first), end + 1))
    return (*found,)[: MOST + 1]


def address(external_url: str, ids: Iterable[int]) -> str:
    """Return the URL of the page that lists exactly these incidents."""
    return f"{external_url}/incidents?ids={ranges(ids)}"


def further(others: Sequence[OtherIncident]) -> str:
    """The line before the further incidents: `AND 212 MORE INCIDENTS (12 P1, 200 P2), TOP 5:`."""
    count = len(others)
    start = f"AND {count} MORE INCIDENT{'S' * (count > 1)}"
    if count <= TOP:
        return f"{start}:"
    by_severity = Counter(other.incident.severity for other in others)
    counts = [
        f"{by_severity[severity]} {severity}" for severity in Severity if by_severity[severity]
    ]
    return f"{start} ({', '.join(counts)}), TOP {TOP}:"
