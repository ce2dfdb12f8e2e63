"""The figures of two runs as the table of docs/explanation/reliability.md.

python -m tests.chaos.table FOLDER-OF-SQLITE FOLDER-OF-POSTGRESQL
"""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from tests.chaos.nemesis import ENDED
from tests.chaos.run import FIGURES, Figures


def _kills(figures: Figures) -> str:
    kills = figures.faults.get("kill", 0) + figures.faults.get("kill at the start", 0)
    return (
        f"{kills:,}, of which {figures.faults.get('kill at the start', 0)} during a start; "
        f"{figures.faults.get('stop', 0)} stops"
    )


def _others(figures: Figures) -> str:
    known = {"kill", "kill at the start", "stop", ENDED}
    found = [
        f"{name} {count}" for name, count in sorted(figures.faults.items()) if name not in known
    ]
    return ", ".join(found).replace("database ", "") or "none"


def _violations(*kinds: str) -> Callable[[Figures], str]:
    return lambda figures: ", ".join(str(figures.violations[kind]) for kind in kinds)


ROWS: dict[str, Callable[[Figures], str]] = {
    "seed": lambda figures: str(figures.settings.seed),
    "kills, stops": _kills,
    "other faults": _others,
    "alerts, incidents": lambda figures: f"{figures.alerts:,}, {figures.incidents:,}",
    "requests processed by providers; with a fault": lambda figures: (
        f"{figures.arrivals:,}; {sum(figures.provider_faults.values()):,}"
    ),
    "lost, undelivered, lost acknowledgements": _violations(
        "lost", "undelivered", "lost acknowledgements"
    ),
    "routers that ended by themselves": lambda figures: str(figures.faults.get(ENDED, 0)),
    "out of order": _violations("out of order"),
    "wrong final state": _violations("wrong final state"),
    "unmarked doubles": _violations("unmarked doubles"),
    "late steps; the latest": lambda figures: (
        f"{figures.violations['wrong steps']}; {figures.latest_step:.1f} s"
    ),
    "marked copies; overtaken at the provider": lambda figures: (
        f"{figures.marked_doubles:,}; {figures.overtaken:,}"
    ),
    "the harness' own wait for the processor: 99 %, longest": lambda figures: (
        f"{figures.machine_lag['p99']:.2f} s, {figures.machine_lag['max']:.2f} s"
    ),
}


def lines(*runs: Figures) -> Iterator[str]:
    yield "| | SQLite, one router | PostgreSQL, three replicas |"
    yield "|---|---|---|"
    for name, say in ROWS.items():
        yield f"| {name} | {' | '.join(map(say, runs))} |"


if __name__ == "__main__":
    read = [(Path(folder) / FIGURES).read_bytes() for folder in sys.argv[1:3]]
    for line in lines(*(msgspec.json.decode(figures, type=Figures) for figures in read)):
        sys.stdout.write(f"{line}\n")
