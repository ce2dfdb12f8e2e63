"""`alert-router migrate`."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from router.cli import main
from tests.daemon import write_config


def test_an_empty_database_is_brought_up_and_then_left_alone(tmp_path: Path) -> None:
    """And it's said from where to where."""
    arguments = ["migrate", "--config", str(write_config(tmp_path))]
    first = CliRunner().invoke(main, arguments)
    assert first.exit_code == 0, first.output
    assert first.stdout.startswith("upgraded from nothing to ")
    revision = first.stdout.split()[-1]
    assert CliRunner().invoke(main, arguments).stdout == f"already at {revision}\n"


@pytest.mark.parametrize(
    "changes",
    [
        {"storage": "sqlite:////nowhere/at/all.db"},
        {"storage": "postgresql://u:s3cr3t@127.0.0.1:1/db"},
    ],
)
def test_a_database_that_is_not_there(tmp_path: Path, changes: dict[str, Any]) -> None:
    """The error is one line without the password."""
    done = CliRunner().invoke(main, ["migrate", "--config", str(write_config(tmp_path, **changes))])
    assert done.exit_code == 1
    assert done.stderr.startswith("can't migrate ")
    assert "s3cr3t" not in done.output


def test_a_database_of_a_later_version(tmp_path: Path) -> None:
    """It isn't touched, and it's said why, not with a traceback."""
    arguments = ["migrate", "--config", str(write_config(tmp_path))]
    CliRunner().invoke(main, arguments)
    connection = sqlite3.connect(tmp_path / "router.db")
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 1
    assert done.stderr.startswith("can't migrate ")
    assert "9999" in done.stderr
