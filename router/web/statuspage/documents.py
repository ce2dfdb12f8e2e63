"""The page as files, by path: both the server and the export use them, so they are the same.

Links between files are relative, so that they work in any folder.
"""

from collections.abc import Mapping
from hashlib import blake2b

import msgspec
from msgspec import Struct

from router.core.communication.status_page import Page
from router.web.pages.assets import FOLDER, stylesheet
from router.web.statuspage import html, summary
from router.web.statuspage.feed import feed

FRONT = "index.html"


class PageFile(Struct, frozen=True):
    """A file as it is served. `content_type` has no charset, which is UTF-8."""

    body: bytes
    content_type: str

    @property
    def etag(self) -> str:
        return blake2b(self.body, digest_size=12).hexdigest()


def documents(page: Page, *, subscribe: bool) -> Mapping[str, PageFile]:
    """Return all files, linked ones before those that link to them.

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
