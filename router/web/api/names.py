"""Names of people in requests. A name may be somebody who is not a contact, so it only warns."""

from router.config.located import suggest
from router.core.oncall.recipients import People


def warnings_about(name: str, people: People) -> list[str]:
    """Return a warning if the config has contacts, but none of this name. "" is no name."""
    if not name or not people.contacts or people.find(name) is not None:
        return []
    hint = suggest(name, people.contacts)
    return [f"'{name}' is not a contact of the config, so nobody is notified{hint}"]
