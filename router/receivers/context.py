"""The parts of the config that receivers need in addition to their own."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from router.config.load import Config
from router.core.oncall.schedule import Schedule


class ReceiverContext(Struct, frozen=True):
    """The router's addresses, and the people who may send commands.

    urls: the router's public URLs without a slash at the end, the preferred URL first. phones: the
    names of everybody who gets messages or calls, by phone number in E.164; other numbers are
    rejected. slack, telegram, mattermost: names by the user id of that service. names: contacts'
    names by their keys in the config. schedules: the current on-call schedules.
    """

    urls: tuple[str, ...] = ()
    company: str = ""
    phones: Mapping[str, str] = {}
    slack: Mapping[str, str] = {}
    telegram: Mapping[str, str] = {}
    mattermost: Mapping[str, str] = {}
    names: Mapping[str, str] = {}
    schedules: Callable[[], Mapping[str, Schedule]] = dict

    @staticmethod
    def of(config: Config) -> "ReceiverContext":
        """Build it from the config. For a phone number without a contact, the name is masked."""
        file = config.file
        able = [channel.capabilities for channel in config.channels.values()]
        by_phone = [can for can in able if can.reaches == "phone"]
        called_back = [can.callback_url for can in able if can.callback_url]
        contacts = [(contact.name or key, contact) for key, contact in file.contacts.items()]
        return ReceiverContext(
            urls=tuple(dict.fromkeys(url.rstrip("/") for url in (*called_back, file.external_url))),
            company=file.company.name,
            phones={number: masked(number) for can in by_phone for number in can.to or ()}
            | {contact.phone: name for name, contact in contacts if contact.phone},
            slack={contact.slack: name for name, contact in contacts if contact.slack},
            telegram={contact.telegram: name for name, contact in contacts if contact.telegram},
            mattermost={
                contact.mattermost: name for name, contact in contacts if contact.mattermost
            },
            names={key: contact.name or key for key, contact in file.contacts.items()},
        )


def masked(number: str) -> str:
    """A masked phone number, which its owner recognizes but nobody can call: `+44…123`."""
    return f"{number[:3]}…{number[-3:]}"
