"""`alert-router reasons`: what the name of a decision means, for readers of a timeline."""

import json

from typer.testing import CliRunner

from router.cli import main
from router.model.reason import Reason


def test_every_reason_has_a_sentence() -> None:
    """Each of the enum, in its order."""
    done = CliRunner().invoke(main, ["reasons", "--json"])
    found = json.loads(done.stdout)
    assert [*found] == [reason.value for reason in Reason]
    assert all(means.endswith(".") for means in found.values())


def test_a_part_of_a_name_selects() -> None:
    """The table has a line for each that matches, as written."""
    lines = CliRunner().invoke(main, ["reasons", "severity_"]).stdout.splitlines()
    assert [line.split()[0] for line in lines] == [
        "reason",
        "severity_mapped",
        "severity_unmapped",
        "severity_raised",
        "severity_lowered",
        "severity_set",
    ]
    assert "A person set the severity." in lines[-1]


def test_an_unknown_name_is_an_error() -> None:
    """With the text that no name contains."""
    done = CliRunner().invoke(main, ["reasons", "nothing-like-it"])
    assert (done.exit_code, done.stderr) == (1, "no reason has 'nothing-like-it' in its name\n")
