"""`alert-router import`."""

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

import typer

from router.cli.output import Exit, echo, fail

if TYPE_CHECKING:
    from router.config.load import Config
    from router.importers.alertmanager.config import Converted
    from router.importers.files import SecretFile, Written

MOST_SHOWN = 5


def import_(
    file: Annotated[Path, typer.Argument(help="The alertmanager.yml.", show_default=False)],
    into: Annotated[
        Path | None,
        typer.Option(help="Folder for the config. Nothing is overwritten.", show_default=False),
    ] = None,
    labels: Annotated[
        list[str] | None,
        typer.Option(help="Also compare the routing of an alert with these labels: a=b,c=d."),
    ] = None,
) -> None:
    """Convert the config of another tool, and report what could not be converted.

    Without --into only the report is shown.
    """
    from router.config.located import Invalid
    from router.importers.alertmanager.config import convert

    try:
        converted = convert(_text(file), str(file))
    except Invalid as error:
        fail(str(error))
    files = _files(converted.written, converted.report.lines)
    secrets = _secrets(converted.written, file.parent)
    checked = _checked(files, secrets)
    for line in converted.report.lines:
        echo(line)
    same = _compare(converted, checked, labels or [])
    if into:
        _write(files, secrets, into)
        echo(f"wrote {into}: alert-router check --config {into / 'config.yaml'}")
    if not same:
        raise typer.Exit(Exit.FAILED)


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except OSError as error:
        fail(f"{file}: {error.strerror}")
    except UnicodeDecodeError:
        fail(f"{file}: isn't UTF-8 text")


# --- files


def _files(written: "Written", report: list[str]) -> dict[str, str]:
    return {**written.files, "report.txt": "".join(f"{line}\n" for line in report)}


def _secrets(written: "Written", base: Path) -> dict[str, str]:
    """The secrets by their path, from the config or from the files that it names."""
    return {f"secrets/{name}": _content(one, base, name) for name, one in written.secrets.items()}


def _content(secret: "SecretFile", base: Path, name: str) -> str:
    if secret.copied_from:
        try:
            return (base / secret.copied_from).read_text("utf-8").strip() or secret.placeholder
        except OSError as error:
            why = f"since {secret.copied_from} can't be read: {error.strerror}"
            echo(f"secrets/{name}: put the secret in, {why}")
    return secret.text or secret.placeholder


def _write(files: dict[str, str], secrets: dict[str, str], folder: Path) -> None:
    """Write all files, or none if one of them is there already."""
    if existing := [str(folder / name) for name in (files | secrets) if (folder / name).exists()]:
        fail(f"nothing was written, because there is already {', '.join(existing)}")
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    for name, text in secrets.items():
        (folder / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / name).touch(0o600)
        (folder / name).write_text(text, "utf-8")


def _checked(files: dict[str, str], secrets: dict[str, str]) -> "Config":
    """The config as `alert-router check` loads it. Exits with its errors."""
    from router.app import load_config
    from router.config.located import Invalid

    with TemporaryDirectory() as scratch:
        _write(files, secrets, Path(scratch))
        try:
            return load_config(Path(scratch) / "config.yaml")
        except Invalid as error:
            fail(f"the converted config has errors:\n{error}")


# --- routing


def _compare(converted: "Converted", checked: "Config", given: list[str]) -> bool:
    """Compare the rules with `amtool config routes test`. True unless they differ."""
    from router.cli.amtool import decided, differences, parse_labels
    from router.importers.alertmanager.corpus import label_sets, skeleton, untried

    amtool = shutil.which("amtool")
    if amtool is None:
        echo("routing was not compared: amtool is not in PATH")
        return True
    try:
        sets = [*map(parse_labels, given), *label_sets(converted.root)]
        wanted = decided(amtool, skeleton(converted.root), sets)
    except ValueError as error:
        echo(f"routing was not compared: {error}")
        return not given
    different = differences(checked.settings, converted.channels, sets, wanted)
    for line in different[:MOST_SHOWN]:
        echo(line, err=True)
    for place in untried(converted.root, sets):
        echo(f"{place}: no labels were found that match this route, so it was not compared")
    echo(f"routing: {len(sets)} label sets compared with amtool, {len(different)} differ")
    return not different
