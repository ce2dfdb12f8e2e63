"""The Atom feed (RFC 4287) of public updates.

An id must never change (4.2.6), or every reader shows its entry again: ids consist of the
page's host and the incident's number, and of nothing that can be edited.
"""

from html import escape
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

from router.core.communication.notice import Notice
from router.core.communication.status_page import Page, Work
from router.web.api.views import when
from router.web.statuspage.html import STAGES, STATUSES

ATOM = "http://www.w3.org/2005/Atom"
EMPTY = 1_767_225_600.0
"""2026-01-01: the date of a feed without entries. The element is required."""


def feed(page: Page) -> bytes:
    """Return the feed: an entry per incident and maintenance, the latest change first."""
    url = page.plan.url
    root = ET.Element("feed", xmlns=ATOM)
    _text(root, "id", _id(page, ""))
    _text(root, "title", page.plan.title)
    _text(root, "updated", when(page.changed_at or EMPTY))
    ET.SubElement(root, "link", rel="self", type="application/atom+xml", href=f"{url}/feed.atom")
    ET.SubElement(root, "link", rel="alternate", type="text/html", href=url)
    _text(ET.SubElement(root, "author"), "name", page.plan.title)
    entries = [(notice.updated_at, _incident(page, notice)) for notice in page.notices]
    entries += [(work.maintenance.updated_at, _maintenance(page, work)) for work in page.works]
    root.extend(entry for _, entry in sorted(entries, key=lambda pair: pair[0], reverse=True))
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _incident(page: Page, notice: Notice) -> ET.Element:
    content = "".join(
        f"<p><small>{when(update.at)}</small><br><strong>{STATUSES[update.status]}</strong></p>"
        + _paragraphs(update.paragraphs)
        for update in notice.updates
    )
    entry = _entry(
        page, f"incidents/{notice.id}", notice.title, notice.published_at, notice.updated_at
    )
    ET.SubElement(
        entry,
        "link",
        rel="alternate",
        type="text/html",
        href=f"{page.plan.url}/incidents/{notice.id}.html",
    )
    ET.SubElement(entry, "category", term=notice.status)
    ET.SubElement(entry, "category", term=notice.impact)
    _text(entry, "content", content, type="html")
    return entry


def _maintenance(page: Page, work: Work) -> ET.Element:
    maintenance = work.maintenance
    entry = _entry(
        page,
        f"maintenance/{maintenance.id}",
        f"Maintenance: {work.title}",
        maintenance.created_at,
        maintenance.updated_at,
    )
    ET.SubElement(entry, "link", rel="alternate", type="text/html", href=page.plan.url)
    ET.SubElement(entry, "category", term="maintenance")
    span = f"{when(maintenance.starts_at)} to {when(maintenance.ends_at)}"
    window = f"<p><strong>{STAGES[work.status]}</strong>, {span}</p>"
    _text(entry, "content", window + _paragraphs(work.paragraphs), type="html")
    return entry


def _entry(page: Page, name: str, title: str, published: float, updated: float) -> ET.Element:
    entry = ET.Element("entry")
    _text(entry, "id", _id(page, f"/{name}"))
    _text(entry, "title", title)
    _text(entry, "published", when(published))
    _text(entry, "updated", when(updated))
    return entry


def _paragraphs(lines: tuple[str, ...]) -> str:
    return "".join(f"<p>{escape(line)}</p>" for line in lines)


def _id(page: Page, name: str) -> str:
    return f"tag:{urlsplit(page.plan.url).hostname},2026:status{name}"


def _text(parent: ET.Element, name: str, text: str | None, **attributes: str) -> None:
    ET.SubElement(parent, name, attributes).text = text
