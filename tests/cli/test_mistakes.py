"""Mistakes of users: an error that names the file, and never a traceback."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from router.cli import main
from tests.daemon import write_config

ROOT = Path(__file__).parents[2]
EXAMPLE = str(ROOT / "config.example.yaml")
NO_FILE = "sqlite:////nowhere/at/all.db"
NO_SERVER = "postgresql://u:s3cr3t@127.0.0.1:1/db"
SAMPLE = str(ROOT / "deploy/samples/payment-failures.json")


@pytest.mark.parametrize(
    "arguments",
    [
        ["simulate", SAMPLE, "--svg", "/nowhere/at/all.svg", "-c", EXAMPLE],
        ["simulate", SAMPLE, "--png", "/nowhere/at/all.png", "-c", EXAMPLE],
        ["simulate", "/nowhere/at/all.json", "-c", EXAMPLE],
        ["explain", "/nowhere/at/all.json", "-c", EXAMPLE],
        ["test", "--junit", "/nowhere/at/all.xml", "-c", EXAMPLE],
        ["test", "/nowhere/at/all.yaml", "-c", EXAMPLE],
        ["replay", "--history", "/nowhere/at/all.jsonl", "-c", EXAMPLE],
        ["init", "/proc/nowhere/at/all"],
        ["statuspage", "export", "/proc/nowhere/at/all", "-c", EXAMPLE],
        ["check", "/nowhere/at/all.yaml"],
        ["serve", "-c", "/nowhere/at/all.yaml"],
        ["migrate", "-c", "/nowhere/at/all.yaml"],
    ],
    ids=lambda one: " ".join(one[:3]),
)
def test_a_path_that_is_not_there(
    arguments: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It is in the error."""
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(main, arguments)
    assert isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code in {1, 2}
    assert "at/all" in done.stderr or "/proc/nowhere" in done.stderr


@pytest.mark.parametrize(
    ("command", "storage", "named"),
    [
        ("serve", NO_FILE, "/nowhere/at/all.db"),
        ("migrate", NO_FILE, "/nowhere/at/all.db"),
        ("check --seen", NO_FILE, "/nowhere/at/all.db"),
        ("migrate", NO_SERVER, "127.0.0.1:1"),
        ("check --seen", NO_SERVER, "127.0.0.1:1"),
    ],
)
def test_a_store_that_is_not_there(tmp_path: Path, command: str, storage: str, named: str) -> None:
    """The error names its file or host, and never its password; `serve` waits for a server."""
    path = write_config(tmp_path, storage=storage)
    done = CliRunner().invoke(main, [*command.split(), "-c", str(path)])
    assert isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code == 1
    assert named in done.stderr
    assert "s3cr3t" not in done.output


def test_a_folder_as_config(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["check", str(tmp_path)])
    assert (done.exit_code, str(tmp_path) in done.stderr) == (1, True)
