"""`alert-router test`."""

# ruff: noqa: PT028   - the command is named like a pytest test, but isn't one

import os
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from router.app import TYPES
from router.cli.config import ConfigPath, Json, config_at, path_of
from router.cli.output import console, fail, print_json
from router.cli.payload import alerts_in
from router.cli.test_report import ScenarioResult, as_json, as_junit, clock
from router.config.load import Config
from router.config.located import Invalid
from router.config.scenarios import Located, load_scenarios
from router.core.text.units import duration
from router.core.virtual.branch_coverage import Coverage
from router.core.virtual.scenario import Scenario, play
from router.core.virtual.scenario_diff import Line, compare

Junit = Annotated[
    Path | None, typer.Option("--junit", help="Write the results to this file, as JUnit XML.")
]
Coverages = Annotated[
    float | None,
    typer.Option(
        "--coverage-min",
        min=0,
        max=100,
        help="Fail if less than this percentage of the rules and policies is tested.",
    ),
]


def test(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Test files, or folders of them; default: rules/tests beside the config."
        ),
    ] = None,
    run: Annotated[
        str, typer.Option(help="Only run tests whose name matches this regular expression.")
    ] = "",
    junit: Junit = None,
    coverage_min: Coverages = None,
    for_programs: Json = False,
    config: ConfigPath = None,
) -> None:
    """Test the rules and policies in virtual time. Exits with 1 if a test fails."""
    path = path_of(config)
    checked = config_at(path)
    found = _chosen(_tests(paths or [path.parent / "rules/tests"], checked), run)
    coverage = Coverage(checked.settings)
    results = [_try(test_file, checked, coverage) for test_file in found]
    failed = [result for result in results if not result.passed]
    if junit:
        junit.write_bytes(as_junit(results))
    if for_programs:
        print_json(as_json(results, coverage))
    else:
        _show(console(), results, coverage, whole=not run)
    if coverage_min is not None and 100 * coverage.ratio < coverage_min:
        fail(
            f"{100 * coverage.ratio:.0f}% of the rules and policies are tested, "
            f"which is less than {coverage_min:g}%"
        )
    if failed:
        raise typer.Exit(1)


def _tests(paths: Sequence[Path], checked: Config) -> list[Located]:
    files = [
        file
        for path in paths
        for file in ([path] if path.is_file() else sorted(path.glob("*.y*ml")))
    ]
    if not files:
        fail(f"no tests in {', '.join(map(str, paths))}; see docs/how-to/test-rules.md")
    try:
        return load_scenarios(files, checked, TYPES.hooks, os.environ, alerts_in(checked))
    except Invalid as error:
        fail(str(error))


def _chosen(found: list[Located], run: str) -> list[Located]:
    try:
        pattern = re.compile(run)
    except re.error as error:
        fail(f"--run: {error}")
    chosen = [located for located in found if pattern.search(located.scenario.name)]
    return chosen or fail(f"no test name matches '{run}'" if run else "the files have no tests")


def _try(located: Located, checked: Config, coverage: Coverage) -> ScenarioResult:
    started = time.perf_counter()
    played = play(located.scenario, checked.settings, coverage.watch)
    return ScenarioResult(located, compare(located.scenario, played), time.perf_counter() - started)


# --- for people


def _show(
    out: Console, results: Sequence[ScenarioResult], coverage: Coverage, *, whole: bool
) -> None:
    failed = [result for result in results if not result.passed]
    for result in failed:
        _show_failed(out, result)
    if whole:
        for sentence in coverage.missed:
            out.print(Text(sentence, "yellow"))
    took = sum(result.took for result in results)
    summary = f"{len(results) - len(failed)} passed, {len(failed)} failed in {duration(took)}"
    tested = f"; {100 * coverage.ratio:.0f}% of the rules and policies tested" if whole else ""
    out.print(Text(summary + tested, "bold red" if failed else "bold green"))


def _show_failed(out: Console, result: ScenarioResult) -> None:
    """Show the expected and the actual side of every line, to show errors in context."""
    scenario = result.test.scenario
    out.print(Text(f"FAILED {scenario.name}  {result.test.place}", "bold red"))
    table = Table(
        "", "after", f"clock ({scenario.zone})", "expected", "got", box=None, padding=(0, 2)
    )
    for line in result.lines:
        style = "dim" if line.agrees else "red" if line.got is None else "yellow"
        table.add_row(*_cells(line, scenario), style=style)
    out.print(table, Text(""))


def _cells(line: Line, scenario: Scenario) -> tuple[Text, ...]:
    mark = (
        " " if line.agrees else "-" if line.got is None else "+" if line.expected is None else "≠"
    )
    when = f"{clock(scenario, line.after):%a %Y-%m-%d %H:%M:%S}"
    sides = ("nothing" if side is None else side for side in (line.expected, line.got))
    return tuple(map(Text, (mark, f"+{duration(line.after)}", when, *sides)))
