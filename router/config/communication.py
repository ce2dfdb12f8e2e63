"""How the company words what it says, and to which customers: `templates` and `communication` in
the config.
"""

import re
from collections.abc import Mapping

from msgspec import Struct

from router.config.company import Company
from router.config.convert import Context
from router.config.located import Place, suggest
from router.config.policies import SeverityDocument, Target
from router.config.statuspage import StatusPageDocument
from router.core.messages.templates import KINDS, Wording, check
from router.core.text.template import Template
from router.model.incident import Severity
from router.templates import SUFFIX

CUSTOMERS = "customers"
"""Customers are told as a channel is: by what it's owed, in the transaction that announces it."""

_LINE = re.compile(r"line (\d+): (.*)", re.DOTALL)


class TemplatesDocument(Struct, frozen=True, kw_only=True):
    """`directory` has the company's own templates, by the packaged ones' names; those it lacks stay
    as they are.
    """

    directory: str


class CommunicationDocument(Struct, frozen=True, kw_only=True):
    """Who is mailed when an incident is announced to customers.

    customers: a channel of type email, each address in whose `to` gets a mail.
    subscribers: those of the status page get it, too.
    """

    customers: Target | None = None
    subscribers: bool = False

    def __post_init__(self) -> None:
        if self.customers is None and not self.subscribers:
            raise ValueError("communication needs customers, or subscribers: true, or both")


def read_templates(context: Context) -> dict[str, Template]:
    """The company's own templates by name, each compiled and tried.

    What is wrong with them is reported.
    """
    written = context.values.get(("templates", "directory"))
    if written is None:
        return {}
    folder, place = context.base / written, context.place_of(("templates", "directory"))
    if not folder.is_dir():
        context.report(place, f"there's no folder '{written}' beside the config")
        return {}
    found: dict[str, Template] = {}
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        name = path.name.removesuffix(SUFFIX)
        if name not in KINDS:
            known = ", ".join(f"{one}{SUFFIX}" for one in KINDS)
            hint = suggest(name, KINDS)
            context.report(
                Place(str(path), 1, 1),
                f"there's no template '{name}'{hint} (expected one of {known})",
            )
            continue
        try:
            found[name] = check(name, path.read_text("utf-8"))
        except OSError as error:
            context.report(Place(str(path), 1, 1), f"can't be read: {error.strerror}")
        except UnicodeDecodeError:
            context.report(Place(str(path), 1, 1), "isn't UTF-8 text")
        except ValueError as error:
            line, problem = _located(str(error))
            context.report(Place(str(path), line, 1), problem)
    return found


def _located(message: str) -> tuple[int, str]:
    found = _LINE.fullmatch(message)
    return (int(found[1]), found[2]) if found else (1, message)


def check_communication(context: Context) -> None:
    """Report customers who can't be mailed: a target that is no channel of type email, subscribers
    there aren't.
    """
    if CUSTOMERS in context.names_at(("channels",)):
        context.report(
            context.places["channels", CUSTOMERS],
            f"'{CUSTOMERS}' are who is mailed: take another name",
        )
    document = context.values.get(("communication",))
    if not isinstance(document, CommunicationDocument):
        return
    if document.subscribers and ("status_page", "subscribers") not in context.places:
        place = context.place_of(("communication", "subscribers"))
        context.report(place, "the status page has no subscribers: give status_page.subscribers")
    if document.customers is not None:
        _check_customers(document.customers, context)


def _check_customers(target: Target, context: Context) -> None:
    """That the channel is known, and has somebody to mail, is checked with all targets."""
    trail = ("communication", "customers")
    kind = (
        context.values.get(("channels", target.name, "type"))
        if target.kind == "channel"
        else target.kind
    )
    if kind not in {"email", None}:
        context.report(
            context.place_of(trail),
            f"customers get e-mail: expected a channel of type email, not {kind}",
        )


def wording(
    company: Company,
    page: StatusPageDocument | None,
    severities: Mapping[Severity, SeverityDocument],
    own: Mapping[str, Template],
) -> Wording:
    """As the core is told."""
    return Wording(
        company=company.name,
        support_email=company.support_email,
        zone=str(company.time_zone),
        own=own,
        components={one.name: one.title or one.name for one in page.components} if page else {},
        update_every={
            name: one.update_every
            for name, one in severities.items()
            if one.update_every is not None
        },
    )
