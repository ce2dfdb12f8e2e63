"""`alert-router init`."""

from importlib.resources import files
from pathlib import Path
from typing import Annotated

import typer

from router.cli.output import echo, fail

STARTER = (
    "config.yaml",
    "rules/first.yaml",
    "rules/tests/first.yaml",
    "alert.json",
)
"""The files to start from, below router/cli/starter."""


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder for the files. Created if missing.")
    ] = Path(),
) -> None:
    """Write a config and a rule file for your company to start from.

    No file is overwritten. The config runs as it is, without an account at any service.
    """
    targets = {folder / name: name for name in STARTER}
    if existing := [str(target) for target in targets if target.exists()]:
        fail(f"nothing was written, because there is already {', '.join(existing)}")
    source = files("router.cli") / "starter"
    try:
        for target, name in targets.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(source.joinpath(name).read_text("utf-8"), "utf-8")
            echo(f"wrote {target}")
    except OSError as error:
        fail(f"can't write {error.filename}: {error.strerror}")
    echo(_next(folder))


def _next(folder: Path) -> str:
    change = f"    cd {folder}\n" if folder != Path() else ""
    return f"""
Now try:

{change}    alert-router check                 check the config and the rules
    alert-router test                  test the rules in virtual time
    alert-router explain alert.json    show what an alert would do
    alert-router serve                 run the router

In a second terminal, while it runs:

    curl -d @alert.json http://127.0.0.1:9095/webhooks/alertmanager
    alert-router incidents             list the open incidents
    alert-router ack 1                 acknowledge the first one

Then put your company into config.yaml: Slack, people, the rotation. Step by step:
docs/tutorial/first-page.md"""
