"""The benches: `python -m tests.bench [BENCH …] [--seconds N]`. They measure and compare, and pass
no judgement.

Data is kept in $TMPDIR, so that says which disk has to fsync.
"""

import argparse
from collections.abc import AsyncIterator, Callable

import uvloop
from rich.console import Console

from tests.bench import (
    active,
    growth,
    latency,
    matching,
    opening,
    postgres,
    replay,
    rule_tests,
    storms,
    throughput,
    timers,
    virtual,
)
from tests.bench.result import Result, table

BENCHES: dict[str, Callable[[float], AsyncIterator[Result]]] = {
    "throughput": throughput.run,
    "latency": latency.run,
    "active": active.run,
    "postgres": postgres.run,
    "storms": storms.run,
    "matching": matching.run,
    "opening": opening.run,
    "growth": growth.run,
    "timers": timers.run,
    "virtual": virtual.run,
    "replay": replay.run,
    "rule-tests": rule_tests.run,
}


async def run(names: list[str], seconds: float, console: Console) -> None:
    results: list[Result] = []
    try:
        for name in names:
            async for result in BENCHES[name](seconds):
                console.print(f"{result.measure}: {result.value:,.4g} {result.unit}", style="dim")
                results.append(result)
    finally:
        console.print(table(results))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument(
        "bench", nargs="*", metavar="BENCH", help=f"all by default: {', '.join(BENCHES)}"
    )
    parser.add_argument(
        "--seconds", type=float, default=5.0, help="how long to measure each case (default: 5)"
    )
    chosen = parser.parse_args()
    if unknown := set(chosen.bench) - set(BENCHES):
        parser.error(f"no such bench: {', '.join(sorted(unknown))}")
    uvloop.run(run(chosen.bench or list(BENCHES), chosen.seconds, Console()))


if __name__ == "__main__":
    main()
