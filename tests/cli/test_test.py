"""`alert-router test`: rules and policies tested under virtual time."""

import json
import shutil
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from click.testing import Result
from typer.testing import CliRunner

from router.cli import main
from tests.daemon import write_config
from tests.pages import ROOT

EXAMPLE = ROOT / "config.example.yaml"
STEPS = [
    {"notify": ["channel:log"]},
    {"after": "5m", "notify": ["channel:log"], "unless": "acknowledged"},
]
FIRES = "{at: 0s, alerts: [{labels: {alertname: DiskFull, instance: db-1}}]}"
TESTS = f"""
tests:
  - name: answered
    timeline: [{FIRES}, {{at: 1m, do: ack, by: ana}}]
    expect:
      notified: [{{at: 0s, to: [log]}}, {{at: 1m, to: [log], reason: acknowledged}}]
  - name: nobody answers
    timeline: [{FIRES}]
    expect: {{notified: [{{at: 0s, to: [log], severity: P2}}, {{at: 6m, to: [log]}}]}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A config with two steps, and beside it tests of which the second fails."""
    write_config(tmp_path, policies={"all": {"steps": STEPS}})
    (tmp_path / "rules/tests").mkdir(parents=True)
    (tmp_path / "rules/tests/some.yaml").write_text(TESTS)
    return tmp_path


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["test", "--config", str(folder / "config.yaml"), *arguments])


def test_the_shipped_rules_do_what_their_tests_say() -> None:
    """And next to nothing in them or in the shipped policies is untested."""
    done = CliRunner().invoke(main, ["test", "--config", str(EXAMPLE), "--coverage-min", "95"])
    assert done.exit_code == 0, done.output


def test_a_failure_shows_both_sides_of_every_line(folder: Path) -> None:
    """With the time from the start, and by the clock; what agrees as well; where the test is."""
    done = run(folder)
    assert done.exit_code == 1
    lines = [" ".join(line.split()) for line in done.stdout.splitlines()]
    assert lines[0] == f"FAILED nobody answers {folder}/rules/tests/some.yaml:7:5"
    assert lines[1:5] == [
        "after clock (UTC) expected got",
        '≠ +0s Mon 2026-01-05 09:00:00 log P2 log opened P3 "DiskFull"',
        '+ +5m Mon 2026-01-05 09:05:00 nothing log step_due P3 "DiskFull"',
        "- +6m Mon 2026-01-05 09:06:00 log nothing",
    ]
    assert "rule payment-failures is never tested" in lines
    assert "the P0 tier of payment-failures (> 1%) is never tested" in lines
    assert lines[-1].startswith("1 passed, 1 failed in ")


def test_some_tests_can_be_chosen_by_name(folder: Path) -> None:
    """Coverage is then left out."""
    done = run(folder, "--run", "^answ")
    assert (done.exit_code, "never tested" in done.stdout) == (0, False)
    assert done.stdout.startswith("1 passed, 0 failed in ")


def test_programs_read_json(folder: Path) -> None:
    done = run(folder, "--json")
    said = json.loads(done.stdout)
    assert (done.exit_code, said["passed"], said["failed"]) == (1, 1, 1)
    assert said["coverage"]["percent"] == 42.9
    assert said["tests"][1]["differences"][0] == {
        "after": 0,
        "clock": "2026-01-05T09:00:00",
        "about": "messages",
        "expected": "log P2",
        "got": 'log opened P3 "DiskFull"',
    }


def test_ci_servers_read_junit(folder: Path) -> None:
    """A suite for each file, a case for each test, and what is wrong with it."""
    run(folder, "--junit", str(folder / "results.xml"))
    root = ET.parse(folder / "results.xml").getroot()
    assert (root.get("tests"), root.get("failures")) == ("2", "1")
    passed, failed = root.findall("testsuite/testcase")
    assert (passed.get("name"), list(passed)) == ("answered", [])
    assert (failed.get("file"), failed.get("line")) == (f"{folder}/rules/tests/some.yaml", "7")
    assert "+6m: expected log, got nothing" in str(failed[0].text)


def test_too_little_coverage_fails(folder: Path) -> None:
    """Even if every test passes."""
    assert run(folder, "--run", "^answ", "--coverage-min", "10").exit_code == 0
    done = run(folder, "--run", "^answ", "--coverage-min", "90")
    assert (done.exit_code, done.stderr.strip()) == (
        1,
        "29% of the rules and policies are tested, which is less than 90%",
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("none.yaml",), "no tests in none.yaml; see docs/how-to/test-rules.md"),
        (("--run", "nope"), "no test name matches 'nope'"),
        (("--run", "("), "--run: missing ), unterminated subpattern at position 0"),
    ],
)
def test_what_is_wrong_is_said_in_a_line(
    folder: Path, arguments: tuple[str, ...], said: str
) -> None:
    done = run(folder, *arguments)
    assert (done.exit_code, done.stderr.strip()) == (1, said)


def test_a_payload_that_is_not_understood_is_a_mistake_of_the_test(folder: Path) -> None:
    """The error is at the payload's name in the test file, and nothing runs."""
    (folder / "body.json").write_text('{"version": "4"}')
    path = folder / "rules/tests/some.yaml"
    path.write_text(
        TESTS.replace("{at: 1m, do: ack, by: ana}", "{at: 1m, payload: ../../body.json}")
    )
    done = run(folder)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(f"{path}:4:103: ../../body.json: /alerts:"), done.stderr


def test_no_tests_is_a_mistake(folder: Path) -> None:
    """A run that tested nothing mustn't look like one that passed."""
    shutil.rmtree(folder / "rules")
    done = run(folder)
    assert (done.exit_code, "no tests in" in done.stderr) == (1, True)
