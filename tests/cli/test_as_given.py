"""Parameters of commands: texts and paths are used as they are given, numbers are converted."""

import subprocess
import sys

import pytest

PROGRAM = """
import sys
from router.cli import main
try:
    main()
finally:
    print("pydantic" in sys.modules)
"""


@pytest.mark.parametrize(
    ("arguments", "needs_pydantic"),
    [
        (["ack", "1", "2", "--note", "on it"], False),
        (["incidents"], False),
        (["incidents", "--limit", "5"], True),
        (["oncall", "now"], False),
    ],
)
def test_pydantic_is_loaded_for_numbers_only(arguments: list[str], needs_pydantic: bool) -> None:
    command = [sys.executable, "-c", PROGRAM, *arguments, "--url", "http://127.0.0.1:1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == str(needs_pydantic)
    assert "no router answers at http://127.0.0.1:1" in done.stderr


def test_a_number_is_checked() -> None:
    command = [sys.executable, "-c", PROGRAM, "incidents", "--limit", "-1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "--limit" in done.stderr
