"""`alert-router init`."""

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated

import typer

from router.cli.output import echo, fail

EXAMPLE = {
    "config.yaml": "config.example.yaml",
    "rules": "rules",
    "deploy/samples": "deploy/samples",
}
"""The files of --example: their path in the new folder, and in a git checkout.

In a wheel they are in router/cli/example: see pyproject.toml.
"""


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder for the files. Created if missing.")
    ] = Path(),
    example: Annotated[
        bool, typer.Option("--example", help="Write the complete example of the README instead.")
    ] = False,
) -> None:
    """Write a config and a rule file for your company to start from.

    No file is overwritten. The config runs as it is, without an account at any service.
    """
    found = _example() if example else _below(files("router.cli") / "starter")
    sources = {folder / name: source for name, source in found}
    if existing := [str(target) for target in sources if target.exists()]:
        fail(f"nothing was written, because these files exist: {', '.join(existing)}")
    try:
        for target, source in sources.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(source.read_text("utf-8"), "utf-8")
            echo(f"wrote {target}")
    except OSError as error:
        fail(f"can't write {error.filename}: {error.strerror}")
    echo(_next(folder, "deploy/samples/payment-failures.json" if example else "alert.json"))


def _example() -> Iterator[tuple[str, Traversable]]:
    packaged = files("router.cli") / "example"
    if packaged.is_dir():
        yield from _below(packaged)
        return
    root = Path(__file__).parents[2]
    for name, place in EXAMPLE.items():
        source = root / place
        yield from _below(source, f"{name}/") if source.is_dir() else [(name, source)]


def _below(folder: Traversable, name: str = "") -> Iterator[tuple[str, Traversable]]:
    """All files in a folder, with their names relative to it."""
    for path in sorted(folder.iterdir(), key=lambda path: path.name):
        if path.is_dir():
            yield from _below(path, f"{name}{path.name}/")
        else:
            yield f"{name}{path.name}", path


def _next(folder: Path, alert: str) -> str:
    change = f"    cd {folder}\n" if folder != Path() else ""
    return f"""
Now try:

{change}    alert-router check                 check the config and the rules
    alert-router test                  test the rules in virtual time
    alert-router explain {alert}    show what an alert would do
    alert-router serve                 run the router

In a second terminal, while it runs:

    curl -d @{alert} http://127.0.0.1:9095/webhooks/alertmanager
    alert-router incidents             list the open incidents
    alert-router ack 1                 acknowledge the first one

Then put your company into config.yaml: Slack, people, the rotation. Step by step:
docs/tutorial/first-page.md"""
