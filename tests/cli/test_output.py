"""Output of commands: nothing from outside controls the terminal."""

import ast
from io import StringIO
from pathlib import Path

import pytest
from rich.table import Table
from rich.text import Text

from router.cli.output import sanitise
from router.cli.terminal import SafeConsole

FILES = sorted((Path(__file__).parents[2] / "router/cli").rglob("*.py"))
HOSTILE = "a\x1b[31mb\x07c\x9b2Jd\u202ee\u2066f\u200eg\ud800h\rI\x00"
CLEAN = "a[31mbc2JdefghI"


def test_sanitise() -> None:
    """Line feeds and tabs stay, and so does every other script."""
    assert sanitise(HOSTILE) == CLEAN
    assert sanitise("a\n\tß 東京 😀 שלום") == "a\n\tß 東京 😀 שלום"


@pytest.mark.parametrize("colour", [True, False])
def test_whatever_is_printed_is_sanitised(colour: bool) -> None:
    """Strings, texts, cells, titles and headings; styles of the console itself stay."""
    out = StringIO()
    system = "standard" if colour else None
    console = SafeConsole(file=out, width=400, force_terminal=colour, color_system=system)  # type: ignore[arg-type]
    table = Table(HOSTILE, title=HOSTILE)
    table.add_row(Text(HOSTILE, "red"))
    console.print(HOSTILE, Text(HOSTILE), table, markup=False, highlight=False)
    text = out.getvalue()
    assert text.count(CLEAN) == 5
    assert ("\x1b[31m" in text) is colour
    assert not {*text} & {*"\x07\x9b\u202e\u2066\u200e\ud800\r\x00"}
    assert "\x1b[2J" not in text


@pytest.mark.parametrize("file", FILES, ids=lambda one: one.name)
def test_no_command_prints_by_itself(file: Path) -> None:
    """Every output passes through `output`, so that no command can forget to sanitise."""
    if file.name in {"output.py", "terminal.py"}:
        return
    calls = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.Call)]
    names = {ast.unparse(call.func) for call in calls}
    assert not names & {"print", "typer.echo", "typer.secho", "sys.stdout.write", "Console"}
