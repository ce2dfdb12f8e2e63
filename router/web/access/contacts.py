"""Find the contact of a signed-in person."""

from collections.abc import Mapping
from typing import NamedTuple

from router.config.people import ContactConfig


class Known(NamedTuple):
    """A person: the name for the timeline, and the key of their contact."""

    name: str
    contact: str


def person(
    contacts: Mapping[str, ContactConfig], user: str, *, email: str = "", shown: str = ""
) -> Known:
    """Return who a user is: the contact with the same e-mail address, or with the user name."""
    for key, contact in contacts.items():
        if email and contact.email and contact.email.casefold() == email.casefold():
            return Known(contact.name or key, key)
    if user in contacts:
        return Known(contacts[user].name or user, user)
    taken = {name.casefold() for key, contact in contacts.items() for name in (key, contact.name)}
    if shown and shown.casefold() in taken:  # nobody may act under the name of somebody else
        shown = f"{shown} ({email or user})"
    return Known(shown or email or user, "")
