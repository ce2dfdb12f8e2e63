"""`alert-router postmortem`: shown, edited, exported as files, and shared."""

import os
import shlex
import subprocess
import tempfile
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from router.cli.client import Unanswered, Url, ask, try_ask
from router.cli.config import ConfigPath, config_at, fail, path_of
from router.cli.incidents import Id
from router.core.postmortem.document import Section
from router.core.postmortem.export import exported

postmortem = typer.Typer(help="The post-mortem of an incident.", no_args_is_help=True)

FIELDS = {
    "summary": "Summary",
    "root_cause": "Root cause",
    "users_affected": "Users affected (one line)",
    "revenue": "Revenue impact (one line)",
    "services": "Services affected (one line)",
    "resolution": "Resolution",
    "went_well": "What went well",
    "improve": "What could be improved",
    "prevent": "Preventive measures",
}
HEADING = "%%%% {}"
"""A line that no Markdown begins with."""


@postmortem.command()
def show(incident: Id, config: ConfigPath = None, url: Url = None) -> None:
    """Print it as Markdown."""
    typer.echo(ask("GET", f"/incidents/{incident}/postmortem", url, config)["markdown"], nl=False)


@postmortem.command()
def edit(incident: Id, config: ConfigPath = None, url: Url = None) -> None:
    """Write it in $EDITOR. What couldn't be saved is kept in a file, which is named."""
    path = f"/incidents/{incident}/postmortem"
    found = ask("GET", path, url, config)
    with tempfile.NamedTemporaryFile(
        "w", suffix=".md", prefix=f"{found['incident']}-", delete=False
    ) as file:
        file.write(_form(found["written"]))
    typed = Path(file.name)
    editor = shlex.split(os.environ.get("EDITOR", "vi"))
    subprocess.run([*editor, str(typed)], check=True)  # noqa: S603 - their own editor
    written = _read(typed.read_text())
    if written == found["written"]:
        typed.unlink()
        typer.echo("nothing was changed")
        return
    try:
        saved = try_ask(
            "PUT", path, url, config, json=written, headers={"If-Match": f'"{found["version"]}"'}
        )
    except Unanswered as error:
        fail(f"{error}\nwhat you wrote is in {typed}")
    typed.unlink()
    typer.echo(f"{saved['incident']}: saved as version {saved['version']}")


@postmortem.command()
def share(incident: Id, config: ConfigPath = None, url: Url = None) -> None:
    """Share it with the channels that are for it: then it's done."""
    ask("POST", f"/incidents/{incident}/postmortem/share", url, config)
    typer.echo("shared")


@postmortem.command()
def export(
    incident: Id,
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="DIR",
            help="The folder; else `postmortems.directory` of the config.",
            show_default=False,
        ),
    ] = None,
    config: ConfigPath = None,
    url: Url = None,
) -> None:
    """Write it as a file, with its chart.

    What people wrote into the file stays; exits with 1 where both have.
    """
    folder = folder or _directory(config)
    found = ask("GET", f"/incidents/{incident}/postmortem", url, config, params={"chart": "true"})
    target = folder / Path(found["file"]).name
    there = target.read_text() if target.exists() else None
    made = exported(found["incident"], msgspec.convert(found["sections"], list[Section]), there)
    if made.conflicts:
        fail(
            f"{target} was left as it is: it and the router's have both changed since, in {', '.join(made.conflicts)}"
        )
    folder.mkdir(parents=True, exist_ok=True)
    _write(target, made.text)
    _write(target.with_suffix(".svg"), found["chart"])
    typer.echo(f"wrote {target}" if made.text != there else f"{target} is as it was")


def _directory(config: Path | None) -> Path:
    path = path_of(config)
    configured = config_at(path).document.postmortems.directory
    return (
        path.parent / configured
        if configured
        else fail("give DIR, or postmortems.directory in the config")
    )


def _write(path: Path, text: str) -> None:
    """Whole, or not at all."""
    half = path.with_name(f".{path.name}.half")
    half.write_text(text)
    half.replace(path)


def _form(written: dict[str, str]) -> str:
    return (
        "\n\n".join(f"{HEADING.format(label)}\n\n{written[name]}" for name, label in FIELDS.items())
        + "\n"
    )


def _read(text: str) -> dict[str, str]:
    """What is below each heading."""
    names = {HEADING.format(label): name for name, label in FIELDS.items()}
    found: dict[str, list[str]] = {name: [] for name in FIELDS}
    current: list[str] = []
    for line in text.splitlines():
        if line.strip() in names:
            current = found[names[line.strip()]]
        else:
            current.append(line)
    return {name: "\n".join(lines).strip("\n") for name, lines in found.items()}
