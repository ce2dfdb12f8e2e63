"""`alert-router postmortem`: show, edit, export, share and waive a post-mortem."""

import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from router.cli.arguments import Id
from router.cli.client import Router, Unanswered, responder, viewer
from router.cli.config import path_of, raw_value
from router.cli.incident_command import finish
from router.cli.output import Exit, echo, fail

postmortem = typer.Typer(
    help="The post-mortem of an incident: show, edit, export, share, waive.", no_args_is_help=True
)


@postmortem.command()
@viewer
def show(router: Router, incident: Id) -> None:
    """Print a post-mortem as Markdown."""
    echo(router.ask("GET", f"/incidents/{incident}/postmortem")["markdown"], nl=False)


@postmortem.command()
@responder
def edit(router: Router, incident: Id) -> None:
    """Write a post-mortem as Markdown in $EDITOR. Headings that you add are kept.

    Text that can't be saved stays in a file, whose path is printed.
    """
    path = f"/incidents/{incident}/postmortem"
    found = router.ask("GET", path)
    file = _written_out(found)
    text = _edited(file)
    if text == found["markdown"]:
        file.unlink()
        echo("nothing was changed")
        raise typer.Exit(Exit.UNCHANGED)
    try:
        version = {"If-Match": f'"{found["version"]}"'}
        saved = router.try_ask("PUT", path, markdown=text, headers=version)
    except Unanswered as error:
        _keep(file, str(error))
    file.unlink()
    echo(f"{saved['incident']}: saved as version {saved['version']}")


@postmortem.command()
@responder
def share(router: Router, incident: Id) -> None:
    """Share a post-mortem with its channels, which completes it."""
    answer = router.ask("POST", f"/incidents/{incident}/postmortem/share")
    already = answer["outcome"].startswith("already")
    echo("was already shared" if already else "shared")
    finish(Exit.UNCHANGED if already else Exit.DONE)


@postmortem.command()
@responder
def waive(
    router: Router,
    incident: Id,
    reason: Annotated[str, typer.Option(help="Why the incident needs no post-mortem.")],
) -> None:
    """Waive a post-mortem with a reason, which ends its reminders."""
    answer = router.ask("POST", f"/incidents/{incident}/postmortem/waive", json={"text": reason})
    done = answer["outcome"] == "postmortem_waived"
    echo(
        "waived"
        if done
        else "nothing to waive: it was already shared or waived, or none was needed"
    )
    finish(Exit.DONE if done else Exit.UNCHANGED)


@postmortem.command()
@viewer
def export(
    router: Router,
    incident: Id,
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="DIR",
            help="Folder for the file. Default: `postmortems.directory` of the config.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write a post-mortem and its chart as files.

    Edits in an existing file are kept. Exits with 1 if both the file and the router's text changed.
    """
    import msgspec

    from router.core.postmortem.document import Section
    from router.core.postmortem.export import exported

    folder = folder or _directory(router.config)
    found = router.ask("GET", f"/incidents/{incident}/postmortem", params={"chart": "true"})
    target = folder / Path(found["file"]).name
    try:
        before = target.read_text("utf-8") if target.exists() else None
        sections = msgspec.convert(found["sections"], list[Section])
        made = exported(found["incident"], sections, before)
        if made.conflicts:
            both = ", ".join(made.conflicts)
            fail(f"{target} was not written: edited both in the file and in the router: {both}")
        folder.mkdir(parents=True, exist_ok=True)
        _write(target, made.text)
        _write(target.with_suffix(".svg"), found["chart"])
    except OSError as error:
        fail(f"can't write {error.filename or target}: {error.strerror}")
    except UnicodeDecodeError:
        fail(f"can't merge into {target}: it is not UTF-8 text")
    echo(f"wrote {target}" if made.text != before else f"{target} is up to date")


def _directory(config: Path | None) -> Path:
    path = path_of(config)
    configured = raw_value(path, "postmortems", "directory")
    return (
        path.parent / configured
        if configured
        else fail("give DIR, or set postmortems.directory in the config")
    )


def _write(path: Path, text: str) -> None:
    """Replace a file in one step, so that it is never half written."""
    half = path.with_name(f".{path.name}.half")
    half.write_text(text, "utf-8")
    half.replace(path)


# --- the editor


def _written_out(found: dict[str, Any]) -> Path:
    prefix = f"{found['incident']}-"
    with tempfile.NamedTemporaryFile(
        "w", suffix=".md", prefix=prefix, delete=False, encoding="utf-8"
    ) as file:
        file.write(found["markdown"])
    return Path(file.name)


def _edited(file: Path) -> str:
    """The text after the editor has run. Exits with the path of the file if anything fails."""
    editor = os.environ.get("VISUAL") or os.environ.get("EDITOR") or ""
    if not editor and not sys.stdin.isatty():
        _keep(file, "no terminal for an editor: set $EDITOR, or send the text with the API")
    editor = editor or "vi"
    try:
        # The user's own editor.
        subprocess.run([*shlex.split(editor), str(file)], check=True)  # noqa: S603
        return file.read_text("utf-8")
    except OSError as error:
        _keep(file, f"can't run the editor '{editor}': {error.strerror}. Set $EDITOR")
    except subprocess.CalledProcessError as error:
        _keep(file, f"the editor '{editor}' failed with code {error.returncode}: nothing was saved")
    except ValueError:
        _keep(file, f"can't read $EDITOR ('{editor}') or the text: nothing was saved")
    except KeyboardInterrupt:
        _keep(file, "interrupted: nothing was saved")


def _keep(file: Path, why: str) -> NoReturn:
    fail(f"{why}\nyour text is in {file}")
