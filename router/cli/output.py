"""Output of all commands. Removes control characters, which alerts may contain."""

import json
import sys
from enum import IntEnum
from typing import TYPE_CHECKING, NoReturn

import typer

if TYPE_CHECKING:
    from rich.console import Console


class Exit(IntEnum):
    """Exit codes, as documented in docs/reference/cli.md. `typer` exits with 2 on wrong usage."""

    DONE = 0
    FAILED = 1
    UNCHANGED = 3
    """There was nothing to do."""


# Characters that move the cursor, start an escape sequence or reverse the direction of text, except
# line feeds and tabs. Anybody may have written the title of an alert.
_CONTROLS = [*range(32), *range(127, 160), *range(0xD800, 0xE000)]
_DIRECTION = [0x061C, 0x200E, 0x200F, *range(0x2028, 0x202F), *range(0x2066, 0x206A)]
_REMOVED = dict.fromkeys({*_CONTROLS, *_DIRECTION} - {ord("\n"), ord("\t")})


def sanitise(text: str) -> str:
    """`text` without control characters, bidi controls and lone surrogates."""
    return text.translate(_REMOVED)


def echo(text: object = "", *, err: bool = False, nl: bool = True) -> None:
    """Print text, sanitised."""
    typer.echo(sanitise(str(text)), err=err, nl=nl)


def print_json(found: object) -> None:
    """Print an object, which may contain structs, as JSON. Non-ASCII characters are escaped."""
    from msgspec import to_builtins

    typer.echo(json.dumps(to_builtins(found), indent=2))


def console(*, err: bool = False) -> "Console":
    """A console that sanitises what it prints.

    It is as wide as the terminal. In a pipe it has no width, so that no line is broken or cut.
    """
    from router.cli.terminal import SafeConsole

    stream = sys.stderr if err else sys.stdout
    return SafeConsole(width=None if stream.isatty() else 10_000, stderr=err)


def fail(message: str, code: int = Exit.FAILED) -> NoReturn:
    """Print an error on stderr and exit."""
    echo(message, err=True)
    raise typer.Exit(code)
