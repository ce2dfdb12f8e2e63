"""What receivers are told of the router that they are part of."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from router.config.load import Config
from router.core.oncall.schedule import Schedule


class ReceiverContext(Struct, frozen=True):
    """Where the router is, and who may talk to it.

    urls: the router's public addresses, without a slash at the end; the best to be called at first.
    phones: names by telephone number in E.164: all who are called or written to. Nobody else may
    ask by phone.
    slack: names by Slack user id, of those whose id is known.
    names: of contacts, by their keys in the config. schedules: those in force when it's called.
    """

    urls: tuple[str, ...] = ()
    company: str = ""
    phones: Mapping[str, str] = {}
    slack: Mapping[str, str] = {}
    names: Mapping[str, str] = {}
    schedules: Callable[[], Mapping[str, Schedule]] = dict

    @staticmethod
    def of(config: Config) -> "ReceiverContext":
        """As the config has it.

        Who has a number there, but isn't a contact, goes by what is left of the number.
        """
        document = config.document
        able = [channel.capabilities for channel in config.channels.values()]
        by_phone = [can for can in able if can.reaches == "phone"]
        called_back = [can.callback_url for can in able if can.callback_url]
        contacts = [(contact.name or key, contact) for key, contact in document.contacts.items()]
        return ReceiverContext(
            urls=tuple(
                dict.fromkeys(url.rstrip("/") for url in (*called_back, document.external_url))
            ),
            company=document.company.name,
            phones={number: masked(number) for can in by_phone for number in can.to or ()}
            | {contact.phone: name for name, contact in contacts if contact.phone},
            slack={contact.slack: name for name, contact in contacts if contact.slack},
            names={key: contact.name or key for key, contact in document.contacts.items()},
        )


def masked(number: str) -> str:
    """A telephone number that its owner recognises and nobody can call: `+44…123`."""
    return f"{number[:3]}…{number[-3:]}"
