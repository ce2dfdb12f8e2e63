"""The files of an import: read, checked as a config, and written."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from router.cli.output import echo, fail

if TYPE_CHECKING:
    from router.config.load import Config
    from router.importers.files import SecretFile, Written

ENDINGS = {".json", ".yaml", ".yml", ".tf"}
"""Extensions of the files that are read from a folder."""


def texts(paths: list[Path]) -> dict[str, str]:
    """The text of each file by its path. A folder stands for the files in it."""
    files = [file for path in paths for file in (_inside(path) if path.is_dir() else [path])]
    return {str(file): _text(file) for file in files}


def _inside(folder: Path) -> list[Path]:
    files = sorted(path for path in folder.rglob("*") if path.suffix in ENDINGS and path.is_file())
    if not files:
        fail(f"{folder}: no file here ends with {', '.join(sorted(ENDINGS))}")
    return files


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except OSError as error:
        fail(f"{file}: {error.strerror}")
    except UnicodeDecodeError:
        fail(f"{file}: isn't UTF-8 text")


class Imported:
    """The files of an import with its report, and the config that they form."""

    def __init__(self, written: "Written", report: list[str], base: Path) -> None:
        """`base`: the folder from which the old tool's secret files are copied. Exits on errors."""
        lines = "".join(f"{line}\n" for line in report)
        self._files = {**written.files, "report.txt": lines}
        secrets = written.secrets.items()
        self._secrets = {
            f"secrets/{name}": _content(secret, base, name) for name, secret in secrets
        }
        self.config = self._checked()

    def write(self, folder: Path) -> None:
        """Write all files, or none if one of them exists."""
        names = [*self._files, *self._secrets]
        if existing := [str(folder / name) for name in names if (folder / name).exists()]:
            fail(f"nothing was written, because these files exist: {', '.join(existing)}")
        for name, text in self._files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, "utf-8")
        for name, text in self._secrets.items():
            (folder / name).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            (folder / name).touch(0o600)
            (folder / name).write_text(text, "utf-8")

    def _checked(self) -> "Config":
        """The config as `alert-router check` loads it."""
        from router.app import load_config
        from router.config.located import Invalid

        with TemporaryDirectory() as scratch:
            self.write(Path(scratch))
            try:
                return load_config(Path(scratch) / "config.yaml")
            except Invalid as error:
                errors = str(error).replace(f"{scratch}/", "")
                fail(f"the converted config has errors, so nothing was written:\n{errors}")


def _content(secret: "SecretFile", base: Path, name: str) -> str:
    if secret.copied_from:
        try:
            return (base / secret.copied_from).read_text("utf-8").strip() or secret.placeholder
        except OSError as error:
            why = f"{secret.copied_from} can't be read: {error.strerror}"
            echo(f"secrets/{name}: put the secret into this file, because {why}")
    return secret.text or secret.placeholder
