"""Results of rule tests for programs: as JSON, and as JUnit XML."""

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


class ScenarioResult(Struct, frozen=True):
    """A test, its comparison line by line, and its duration in seconds."""

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
    """The local time in the test's time zone."""
    return local_time(scenario.start + after, scenario.zone)


def as_json(results: Sequence[ScenarioResult], coverage: Coverage) -> dict[str, Any]:
    return {
        "passed": sum(result.passed for result in results),
        "failed": sum(not result.passed for result in results),
        "coverage": {"percent": round(100 * coverage.ratio, 1), "missed": coverage.missed},
        "tests": [_result(result) for result in results],
    }


def _result(result: ScenarioResult) -> dict[str, Any]:
    scenario = result.test.scenario
    return {
        "name": scenario.name,
        "at": str(result.test.place),
        "passed": result.passed,
        "differences": [
            {
                "after": line.after,
                "clock": clock(scenario, line.after).isoformat(),
                "about": line.about,
                "expected": line.expected,
                "got": line.got,
            }
            for line in result.differences
        ],
    }


def as_junit(results: Sequence[ScenarioResult]) -> bytes:
    """A suite for each file, in the format of https://github.com/testmoapp/junitxml."""
    root = ET.Element("testsuites", _counts(results))
    for file in dict.fromkeys(result.test.place.file for result in results):
        suite = [result for result in results if result.test.place.file == file]
        element = ET.SubElement(root, "testsuite", {"name": file} | _counts(suite))
        for result in suite:
            _testcase(element, result)
    ET.indent(root)
    text: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return text


def _counts(results: Sequence[ScenarioResult]) -> dict[str, str]:
    failures = sum(not result.passed for result in results)
    took = sum(result.took for result in results)
    return {
        "tests": str(len(results)),
        "failures": str(failures),
        "errors": "0",
        "time": f"{took:.3f}",
    }


def _testcase(suite: ET.Element, result: ScenarioResult) -> None:
    place = result.test.place
    case = ET.SubElement(
        suite,
        "testcase",
        {
            "name": result.test.scenario.name,
            "classname": place.file,
            "file": place.file,
            "line": str(place.line),
            "time": f"{result.took:.3f}",
        },
    )
    if not result.passed:
        sentences = [_sentence(line) for line in result.differences]
        ET.SubElement(
            case, "failure", {"message": sentences[0], "type": "difference"}
        ).text = "\n".join(sentences)


def _sentence(line: Line) -> str:
    expected, got = line.expected or "nothing", line.got or "nothing"
    return f"+{duration(line.after)}: expected {expected}, got {got}"
