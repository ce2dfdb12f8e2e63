"""The page as documents, by their path: the web serves these and the export writes them, so both
say the same.

Links between them are relative, so that they lead on wherever the documents are put.
"""

from collections.abc import Mapping
from hashlib import blake2b

import msgspec
from msgspec import Struct

from router.core.communication.status_page import Page
from router.web.pages.page import FOLDER, stylesheet
from router.web.statuspage import html, summary
from router.web.statuspage.feed import feed

FRONT = "index.html"


class PageFile(Struct, frozen=True):
    """A file as it's served. `content_type` is without a charset, which is UTF-8."""

    body: bytes
    content_type: str

    @property
    def etag(self) -> str:
        return blake2b(self.body, digest_size=12).hexdigest()


def documents(page: Page, *, subscribe: bool) -> Mapping[str, PageFile]:
    """All of them, what is linked before what links to it.

    `subscribe`: with the form for updates by e-mail.
    """
    style = (stylesheet() + (FOLDER / "status.css").read_text("utf-8")).encode()
    found = {"style.css": PageFile(style, "text/css")}
    for notice in page.notices:
        found[f"incidents/{notice.id}.html"] = _html(html.incident(page, notice))
    found["history.html"] = _html(html.history(page))
    for name, content in summary.all_of(page).items():
        found[f"api/v2/{name}.json"] = PageFile(msgspec.json.encode(content), "application/json")
    found["feed.atom"] = PageFile(feed(page), "application/atom+xml")
    found[FRONT] = _html(html.front(page, subscribe=subscribe))
    return found


def _html(text: str) -> PageFile:
    return PageFile(text.encode(), "text/html")
