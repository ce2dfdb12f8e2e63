"""`templates` and `communication` in the config: own templates, and the customers to mail."""

import re
from collections.abc import Mapping

from msgspec import Struct

from router.config.company import Company
from router.config.convert import Context
from router.config.located import Place, suggest
from router.config.statuspage import StatusPageConfig
from router.core.incident.policy import SeverityPlan, Target, split_target
from router.core.messages.templates import KINDS, Wording, check
from router.core.text.template import Template
from router.model.incident import Severity
from router.templates import SUFFIX

CUSTOMERS = "customers"
"""The name that stands for a channel in the outbox rows of mail to customers."""

_LINE = re.compile(r"line (\d+): (.*)", re.DOTALL)


class TemplatesConfig(Struct, frozen=True, kw_only=True):
    """`directory`: templates that replace the packaged templates of the same names."""

    directory: str


class CommunicationConfig(Struct, frozen=True, kw_only=True):
    """The recipients of mail when an incident is announced to customers.

    customers: a channel of type email; each address in its `to` gets a mail.
    subscribers: subscribers of the status page get it too.
    """

    customers: Target | None = None
    subscribers: bool = False

    def __post_init__(self) -> None:
        if self.customers is None and not self.subscribers:
            raise ValueError("communication needs customers, or subscribers: true, or both")


def read_templates(context: Context) -> dict[str, Template]:
    """The company's own templates by name, each compiled and rendered once. Errors are reported."""
    written = context.values.get(("templates", "directory"))
    if written is None:
        return {}
    folder, place = context.base / written, context.place_of(("templates", "directory"))
    if not folder.is_dir():
        context.report(place, f"no folder '{written}' beside the config")
        return {}
    found: dict[str, Template] = {}
    for path in sorted(folder.glob(f"*{SUFFIX}")):
        name = path.name.removesuffix(SUFFIX)
        if name not in KINDS:
            known = ", ".join(f"{kind}{SUFFIX}" for kind in KINDS)
            hint = suggest(name, KINDS)
            place = Place(str(path), 1, 1)
            context.report(place, f"unknown template '{name}'{hint} (expected one of {known})")
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
    """Report recipients that can't be mailed: no channel of type email, or no subscribers."""
    if CUSTOMERS in context.names_at(("channels",)):
        context.report(
            context.places["channels", CUSTOMERS],
            f"'{CUSTOMERS}' is the name of the mail to customers: give the channel another name",
        )
    config = context.values.get(("communication",))
    if not isinstance(config, CommunicationConfig):
        return
    if config.subscribers and ("status_page", "subscribers") not in context.places:
        place = context.place_of(("communication", "subscribers"))
        context.report(place, "the status page has no subscribers: add status_page.subscribers")
    if config.customers is not None:
        _check_customers(config.customers, context)


def _check_customers(target: Target, context: Context) -> None:
    # The check of all targets reports a channel that is unknown or has no addresses.
    trail = ("communication", "customers")
    kind, name = split_target(target)
    if kind == "channel":
        kind = context.values.get(("channels", name, "type"), "email")
    if kind != "email":
        message = f"customers get e-mail: expected a channel of type email, not {kind}"
        context.report(context.place_of(trail), message)


def wording(
    company: Company,
    page: StatusPageConfig | None,
    severities: Mapping[Severity, SeverityPlan],
    own: Mapping[str, Template],
) -> Wording:
    """Convert to the core's settings."""
    often = {name: plan.update_every for name, plan in severities.items()}
    return Wording(
        company=company.name,
        support_email=company.support_email,
        zone=str(company.time_zone),
        own=own,
        components={component.name: component.title for component in page.components}
        if page
        else {},
        update_every={name: every for name, every in often.items() if every is not None},
    )
