"""One integration of a receiver, such as an item of `slack_configs`."""

from dataclasses import dataclass
from typing import Any

from router.config.fields import check_url, is_plain_http
from router.importers.files import PLACEHOLDER_URL, SecretFile, Secrets
from router.importers.source import Section


@dataclass(frozen=True)
class Integration:
    """The integration's section, the section `global`, and the name of its channel."""

    name: str
    section: Section
    defaults: Section
    secrets: Secrets

    def text(self, key: str, default_key: str) -> str:
        """A text of the integration or, if missing, of the section `global`."""
        return self.section.text(key) or self.defaults.text(default_key)

    def flag(self, key: str, default_key: str, *, default: bool) -> bool:
        return self.section.flag(key, default=self.defaults.flag(default_key, default=default))

    def secret(self, key: str, default_key: str = "") -> SecretFile | None:
        """A secret of the integration or, if missing, of the section `global`."""
        own = secret_of(self.section, key)
        return secret_of(self.defaults, default_key) if own is None and default_key else own

    def keep(self, ending: str, secret: SecretFile) -> dict[str, str]:
        """Store a secret of this integration, and refer to it."""
        return self.secrets.reference(f"{self.name}-{ending}", secret)

    def with_url(self, made: dict[str, Any], key: str, url: SecretFile) -> dict[str, Any]:
        """Add a secret URL to the channel, or a placeholder if it isn't a URL."""
        if url.copied_from:
            url = SecretFile(url.text, url.copied_from, PLACEHOLDER_URL)
        elif url.text and not _is_url(url.text):
            message = f"`{key}` isn't a URL: put the URL into secrets/{self.name}-url"
            self.section.report.add(self.section.place, message)
            url = SecretFile(placeholder=PLACEHOLDER_URL)
        made = {**made, key: self.keep("url", url)}
        return {**made, "insecure": True} if is_plain_http(url.text) else made


def secret_of(section: Section, key: str) -> SecretFile | None:
    """The secret under `key`, or in the file under `key_file`."""
    if text := section.text(key):
        section.skip(f"{key}_file")
        if "${" not in text:
            return SecretFile(text)
        message = f"`{key}` is {text}, another tool's placeholder: put the secret into secrets/"
        section.remark(key, message)
        return SecretFile(copied_from=text)
    if file := section.text(f"{key}_file"):
        return SecretFile(copied_from=file)
    return None


def _is_url(text: str) -> bool:
    try:
        check_url(text)
    except ValueError:
        return False
    return True
