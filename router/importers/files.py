"""Files that an import writes, with secrets in separate files."""

from dataclasses import dataclass, field

from router.importers.text import slug, unique

PLACEHOLDER = "replace-me"
PLACEHOLDER_URL = "https://example.com/replace-me"


@dataclass(frozen=True)
class SecretFile:
    """A secret: its text, or the file of the old tool that contains it.

    If there is neither, `placeholder` is written.
    """

    text: str = ""
    copied_from: str = ""
    placeholder: str = PLACEHOLDER


@dataclass
class Secrets:
    """Secrets by the name of their file in `secrets/`. Equal secrets share a file."""

    files: dict[str, SecretFile] = field(default_factory=dict)

    def reference(self, name: str, secret: SecretFile) -> dict[str, str]:
        """The value for the config: `{file: secrets/NAME}`."""
        known = (name for name, other in self.files.items() if other == secret)
        file = next(known, "")
        if not file:
            file = unique(slug(name), self.files)
            self.files[file] = secret
        return {"file": f"secrets/{file}"}


@dataclass(frozen=True)
class Written:
    """The files of an import, by their path in the folder, and the secrets in `secrets/`."""

    files: dict[str, str]
    secrets: dict[str, SecretFile]
