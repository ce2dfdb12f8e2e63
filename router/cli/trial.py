"""The outcome of a rule test, and how programs read it: as JSON, and as the XML of JUnit."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from xml.etree import ElementTree as ET

from msgspec import Struct

from router.config.scenarios import Located
from router.core.oncall.local_time import local_time
from router.core.text.units import duration
from router.core.virtual.branch_coverage import Coverage
from router.core.virtual.scenario import Scenario
from router.core.virtual.scenario_diff import Line


class Trial(Struct, frozen=True):
    """A test, its comparison, and how long it took, in seconds."""

    test: Located
    lines: tuple[Line, ...]
    took: float

    @property
    def passed(self) -> bool:
        return all(line.agrees for line in self.lines)

    @property
    def differences(self) -> list[Line]:
        return [line for line in self.lines if not line.agrees]


def clock(scenario: Scenario, after: float) -> datetime:
    """The time by the clock of the test."""
    return local_time(scenario.start + after, scenario.zone)


def as_json(trials: Sequence[Trial], coverage: Coverage) -> dict[str, Any]:
    return {
        "passed": sum(trial.passed for trial in trials),
        "failed": sum(not trial.passed for trial in trials),
        "coverage": {"percent": round(100 * coverage.ratio, 1), "missed": coverage.missed},
        "tests": [_trial(trial) for trial in trials],
    }


def _trial(trial: Trial) -> dict[str, Any]:
    scenario = trial.test.scenario
    return {
        "name": scenario.name,
        "at": str(trial.test.place),
        "passed": trial.passed,
        "differences": [
            {
                "after": line.after,
                "clock": clock(scenario, line.after).isoformat(),
                "about": line.about,
                "expected": line.expected,
                "got": line.got,
            }
            for line in trial.differences
        ],
    }


def as_junit(trials: Sequence[Trial]) -> bytes:
    """A suite for each file, in the format of https://github.com/testmoapp/junitxml."""
    root = ET.Element("testsuites", _counts(trials))
    for file in dict.fromkeys(trial.test.place.file for trial in trials):
        suite = [trial for trial in trials if trial.test.place.file == file]
        element = ET.SubElement(root, "testsuite", {"name": file} | _counts(suite))
        for trial in suite:
            _testcase(element, trial)
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def _counts(trials: Sequence[Trial]) -> dict[str, str]:
    failures = sum(not trial.passed for trial in trials)
    took = sum(trial.took for trial in trials)
    return {
        "tests": str(len(trials)),
        "failures": str(failures),
        "errors": "0",
        "time": f"{took:.3f}",
    }


def _testcase(suite: ET.Element, trial: Trial) -> None:
    place = trial.test.place
    case = ET.SubElement(
        suite,
        "testcase",
        {
            "name": trial.test.scenario.name,
            "classname": place.file,
            "file": place.file,
            "line": str(place.line),
            "time": f"{trial.took:.3f}",
        },
    )
    if not trial.passed:
        said = [_sentence(line) for line in trial.differences]
        ET.SubElement(case, "failure", {"message": said[0], "type": "difference"}).text = "\n".join(
            said
        )


def _sentence(line: Line) -> str:
    expected, got = line.expected or "nothing", line.got or "nothing"
    return f"+{duration(line.after)}: expected {expected}, got {got}"
