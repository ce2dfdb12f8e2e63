"""Help text of each command, and the modules that listing them imports."""

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

import router
from router.cli import main
from router.cli.registry import ALIASES, COMMANDS, PANELS


def commands(command: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """All commands, by the words typed after `alert-router`."""
    below = getattr(command, "commands", {})
    for part in below:
        yield from commands(below[part], f"{name} {part}".strip())
    if not below or command.invoke_without_command:
        yield name, command


ROOT = typer.main.get_command(main)
ALL = dict(commands(ROOT))
assert "oncall override" in ALL

# Modules that take long to import and that no client needs.
HEAVY = {
    "aiohttp",
    "alembic",
    "asyncio",
    "asyncpg",
    "icalendar",
    "jinja2",
    "matplotlib",
    "router.app",
    "slack_sdk",
    "sqlalchemy",
    "twilio",
}

CLIENTS = [
    ["ack", "1", "2"],
    ["assign", "1"],
    ["action", "list", "1"],
    ["action-item", "list", "1"],
    ["channels"],
    ["channels", "test"],
    ["declare", "x"],
    ["drill", "start", "p0"],
    ["drill", "list"],
    ["escalate", "1"],
    ["incidents"],
    ["incidents", "1"],
    ["link", "1", "2"],
    ["mail-customers", "1"],
    ["note", "1", "x"],
    ["oncall", "override", "primary", "--contact", "ana", "--to", "2026-12-24"],
    ["oncall", "swap", "primary", "ana", "ben"],
    ["postmortem", "show", "1"],
    ["postmortem", "edit", "1"],
    ["publish", "1"],
    ["reopen", "1"],
    ["resolve", "1"],
    ["severity", "1", "P0"],
    ["silence", "add", "a=b", "--for", "1h", "--comment", "x"],
    ["silence", "list"],
    ["snooze", "1", "--for", "2h"],
    ["stats"],
    ["statuspage", "maintenance", "list"],
    ["template", "preview", "internal", "--incident", "1"],
    ["update", "1", "x"],
]


def imported(*arguments: str) -> set[str]:
    """Modules that a command imports, in a separate process."""
    code = f"""
import sys
from router.cli import main
try:
    main({[*arguments]!r})
except SystemExit:
    pass
print(*sys.modules, file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return {*done.stderr.split()}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["ack", "--help"], []])
def test_help_imports_no_server(arguments: list[str]) -> None:
    assert not imported(*arguments) & HEAVY


@pytest.mark.parametrize("arguments", CLIENTS, ids=" ".join)
def test_a_client_imports_no_server(arguments: list[str]) -> None:
    """A command that only talks to the router, up to the answer that nobody is there."""
    found = imported(*arguments, "--url", "http://127.0.0.1:9")
    assert "http.client" in found
    assert not found & HEAVY - {"asyncio"}


@pytest.mark.parametrize("name", ALL)
def test_each_command_and_each_of_its_parameters_is_explained(name: str) -> None:
    """In a sentence. Rich would take text in square brackets for markup."""
    command = ALL[name]
    assert command.help
    for parameter in command.params:
        text = getattr(parameter, "help", None)
        assert text, f"{name} {parameter.name} isn't explained"
        assert "[" not in text
        assert text.rstrip(")…").endswith((".", "!")) or "…" in text


@pytest.mark.parametrize("name", ALL)
def test_help_shows_all_of_it(name: str) -> None:
    """The width only changes where lines wrap."""
    wide = {"COLUMNS": "400", "TERMINAL_WIDTH": "400"}
    done = CliRunner().invoke(main, [*name.split(), "--help"], env=wide)
    assert done.exit_code == 0
    for parameter in ALL[name].params:
        assert getattr(parameter, "help", "") in done.output


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_has_the_first_sentence_of_each_help(name: str) -> None:
    command: Any = ROOT
    text = command.commands[name].help.partition("\n\n")[0].replace("\n", " ")
    assert text.startswith(COMMANDS[name].help)


def test_every_command_is_in_one_panel() -> None:
    listed = [command.name for panel in PANELS.values() for command in panel]
    assert sorted(listed) == sorted(COMMANDS)


@pytest.mark.parametrize(
    ("former", "now"),
    [
        ("open", "declare"),
        ("announce", "mail-customers"),
        ("status", "statuspage"),
        ("item", "action-item"),
        ("drill canary", "channels test"),
        ("drill scoreboard", "channels"),
    ],
)
def test_former_names_still_work_and_are_not_listed(former: str, now: str) -> None:
    done = CliRunner().invoke(main, [*former.split(), "--help"])
    assert done.exit_code == 0
    assert now in ALL or now in COMMANDS
    assert former not in {*COMMANDS}
    if " " not in former:
        assert ALIASES[former] == now


def test_the_version() -> None:
    done = CliRunner().invoke(main, ["--version"])
    assert (done.exit_code, done.stdout) == (0, f"alert-router {router.__version__}\n")


def test_a_misspelt_command() -> None:
    done = CliRunner().invoke(main, ["incident"])
    assert done.exit_code == 2
    assert "incidents" in done.stderr


def test_shell_completion() -> None:
    """Commands, and the sub-commands and options of one."""

    def completed(line: str) -> str:
        words = line.split(" ")
        shell = {
            "_ALERT_ROUTER_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
        }
        done = CliRunner().invoke(main, env=shell, prog_name="alert-router")
        return done.stdout

    assert {"ack", "incidents", "declare"} <= {*completed("alert-router ").split()}
    assert {"add", "list", "expire"} <= {*completed("alert-router silence ").split()}
    assert "--note" in completed("alert-router ack --")
