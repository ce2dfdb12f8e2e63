"""Cost of a thousand rule tests: read, run and compare, as `alert-router test` does."""

import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

from router.app import TYPES
from router.cli.payload import alerts_in
from router.config.load import load
from router.config.scenarios import load_scenarios
from router.core.virtual.branch_coverage import Coverage
from router.core.virtual.scenario import play
from router.core.virtual.scenario_diff import compare
from tests.bench.result import Result
from tests.pages import ROOT

TESTS = 1_000
TARGET = 5.0
SHIPPED = ("critical", "sentry")


async def run(_seconds: float) -> AsyncIterator[Result]:
    config = load(ROOT / "config.example.yaml", {}, TYPES)
    with tempfile.TemporaryDirectory() as folder:
        path, tests = _write(Path(folder))
        started = time.perf_counter()
        found = load_scenarios([path], config, TYPES.hooks, {}, alerts_in(config))
        read = time.perf_counter() - started
        coverage = Coverage(config.settings)
        for located in found:
            lines = compare(
                located.scenario, play(located.scenario, config.settings, coverage.watch)
            )
            assert all(line.agrees for line in lines), located.place
        took = time.perf_counter() - started
    note = f"{tests:,} tests: {read:.2f} s to read them, {took - read:.2f} s to run them"
    yield Result(
        f"rule tests: {TESTS:,}", took * TESTS / tests, "s", TARGET, at_most=True, note=note
    )


def _write(folder: Path) -> tuple[Path, int]:
    """The shipped tests, over and over under other names, in one file."""
    bodies = []
    for name in SHIPPED:
        text = (ROOT / f"rules/tests/{name}.yaml").read_text().partition("tests:\n")[2]
        bodies += [body for body in text.split("  - name: ") if body.strip()]
    bodies = [body.replace("../../deploy", str(ROOT / "deploy")) for body in bodies]
    times = TESTS // len(bodies)
    text = "tests:\n" + "".join(
        f"  - name: {n} {body.replace('&', f'&a{n}').replace('*', f'*a{n}')}"
        for n in range(times)
        for body in bodies
    )
    path = folder / "many.yaml"
    path.write_text(text)
    return path, times * len(bodies)
