"""Documents of the status page: sorted as their formats require, and safe with any text."""

import json
import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from router.core.communication.status_page import Page, make_page
from router.core.communication.uptime import Day, Uptime
from router.model.statuspage import ComponentState, Maintenance
from router.web.statuspage.documents import documents
from router.web.statuspage.export import write
from router.web.statuspage.html import percent, period
from tests.core.statuspage.published import DAY, NOW, PLAN, published, said

ATOM = "{http://www.w3.org/2005/Atom}"
WORK = Maintenance(
    "m1", "Upgrade", "Read-only.", NOW + DAY, NOW + 2 * DAY, NOW - DAY, NOW - DAY, ("search",)
)
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "]]>",
    "<!--",
    "&lt;",
    "{{ 7 * 7 }}",
    "\x00\x1b[31m",
    "\ud800",
    "\ufffe\uffff",
    "a\u2028b",
    "Subject: x\r\nBcc: all@example.com",
    "</content></entry>",
    "javascript:alert(1)",
    "--><script>",
    "{% raw %}",
]


def some_page(text: str = "We are looking into it.", title: str = "Payment problems") -> Page:
    """With one incident that goes on, one that is over, and maintenance to come."""
    going_on = published(
        said(1, NOW - 60, text=text, title=title), said(2, NOW, "identified", text, title=title)
    )
    over = published(
        said(3, NOW - 5 * DAY, text=text, title=title),
        said(4, NOW - 5 * DAY + 600, "resolved", text, title=title),
        id=7,
        opened_at=NOW - 5 * DAY,
    )
    return make_page(PLAN, [over, going_on], [replace(WORK, title=title, text=text)], NOW)


class Reader(HTMLParser):
    """Parse a page as a browser does: tags, attributes, and whether they're closed in order."""

    VOID = frozenset({"meta", "link", "input", "br"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    @property
    def shape(self) -> list[tuple[str, list[str]]]:
        return [(tag, sorted(attributes)) for tag, attributes in self.tags]


def html_of(page: Page) -> dict[str, Reader]:
    found = documents(page, subscribe=True)
    return {
        name: Reader(file.body.decode()) for name, file in found.items() if name.endswith(".html")
    }


WORDS = st.one_of(
    st.text(max_size=40), st.sampled_from(HOSTILE), st.lists(st.sampled_from(HOSTILE)).map("".join)
)


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(WORDS, WORDS)
def test_no_words_change_the_shape_of_anything(text: str, title: str) -> None:
    """HTML has the same tags and attributes, Atom the same elements, JSON the same keys as with
    harmless words.
    """
    words = "".join(text.split()) and "words"  # a text of nothing but blanks has no paragraph
    page, harmless = (
        some_page(f"x {' '.join(text.splitlines())}", f"x {title}"),
        some_page(f"x {words}", "x"),
    )
    one, other = html_of(page), html_of(harmless)
    assert {name: reader.shape for name, reader in one.items()} == {
        name: reader.shape for name, reader in other.items()
    }
    feeds = [
        ET.fromstring(documents(each, subscribe=False)["feed.atom"].body)
        for each in (page, harmless)
    ]
    assert [element.tag for element in feeds[0].iter()] == [
        element.tag for element in feeds[1].iter()
    ]
    for content in feeds[0].iter(f"{ATOM}content"):
        assert {tag for tag, _ in Reader(content.text or "").tags} <= {"p", "small", "br", "strong"}
    shapes = [
        shape(json.loads(documents(each, subscribe=False)["api/v2/summary.json"].body))
        for each in (page, harmless)
    ]
    assert shapes[0] == shapes[1]


def shape(value: Any) -> Any:
    """Keys and kinds, without what is in them."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    return [shape(item) for item in value] if isinstance(value, list) else type(value)


def test_nothing_internal_is_in_any_document() -> None:
    """Fields of the incident that nobody published, and who published."""
    for name, document in documents(some_page(), subscribe=True).items():
        assert b"internal" not in document.body, name
        assert not re.search(rb"\bana\b", document.body), name


def test_every_link_leads_to_a_document() -> None:
    """From wherever it's put: all links are relative, or to the page's own address."""
    found = documents(some_page(), subscribe=False)
    for name, reader in html_of(some_page()).items():
        folder = Path(name).parent
        for tag, attributes in reader.tags:
            href = attributes.get("href")
            if href is None or (tag, name) == ("form", "index.html"):
                continue
            target = (Path("/") / folder / href).resolve().relative_to("/")
            assert str(target) in found or href in {"./", "../"}, (name, href)


def test_pages_have_landmarks_headings_in_order_and_labels() -> None:
    """For screen readers: one h1, no level left out, main, header, footer, and a label per
    field.
    """
    for name, reader in html_of(some_page()).items():
        tags = [tag for tag, _ in reader.tags]
        assert {"header", "nav", "main", "footer"} <= set(tags), name
        levels = [int(tag[1]) for tag in tags if re.fullmatch("h[1-6]", tag)]
        assert levels.count(1) == 1 == levels[0], name
        assert all(after - before <= 1 for before, after in pairwise(levels)), (name, levels)
        labelled = {attributes.get("for") for tag, attributes in reader.tags if tag == "label"}
        assert {attributes["id"] for tag, attributes in reader.tags if tag == "input"} <= labelled
        assert dict(reader.tags)["html"] == {"lang": "en"}
        times = [attributes["datetime"] for tag, attributes in reader.tags if tag == "time"]
        assert times
        assert all(time is not None and time.endswith("+00:00") for time in times)


def test_a_state_is_told_in_words_beside_the_colour() -> None:
    text = html_of(some_page())["index.html"].text
    assert "Partial outage" in text
    assert "Operational" in text
    assert "99.98" in text or "100" in text


def test_the_form_is_only_where_somebody_answers_it() -> None:
    """An export has no router behind it."""
    page = some_page()
    with_form, without = (documents(page, subscribe=subscribe) for subscribe in (True, False))
    assert {name for name in with_form if with_form[name] != without[name]} == {"index.html"}
    assert b"<form" not in without["index.html"].body


@pytest.mark.parametrize(
    ("ratio", "shown"),
    [(1.0, "100"), (0.99999, "99.99"), (0.9995, "99.95"), (0.5, "50.00"), (0.0, "0.00")],
)
def test_uptime_is_never_rounded_up(ratio: float, shown: str) -> None:
    """A hundred percent means no downtime at all."""
    assert percent(ratio) == f"{shown}\u202f%"


@pytest.mark.parametrize(
    ("since", "shown"), [(None, "over the last 90 days"), (0.0, "since 1 January 1970")]
)
def test_uptime_says_what_time_it_is_about(since: float | None, shown: str) -> None:
    """A new page knows little: its percentage is not about the days before."""
    assert period(Uptime((Day(0.0, None),) * 90, 1.0, since)) == shown


# --- the feed


def feed(page: Page) -> ET.Element:
    return ET.fromstring(documents(page, subscribe=False)["feed.atom"].body)


def test_the_feed_has_what_atom_demands() -> None:
    """RFC 4287, 4.1: an id, a title, an updated and an author; each entry an id, a title, an
    updated and a link.
    """
    root = feed(some_page())
    assert root.tag == f"{ATOM}feed"
    assert [
        len(root.findall(f"{ATOM}{name}")) for name in ("id", "title", "updated", "author")
    ] == [1, 1, 1, 1]
    assert {link.get("rel") for link in root.findall(f"{ATOM}link")} == {"self", "alternate"}
    entries = root.findall(f"{ATOM}entry")
    assert entries[0].findtext(f"{ATOM}title") == "Payment problems"
    for entry in entries:
        assert [
            len(entry.findall(f"{ATOM}{name}")) for name in ("id", "title", "updated", "content")
        ] == [1, 1, 1, 1]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", entry.findtext(f"{ATOM}updated") or "")
    updated = [entry.findtext(f"{ATOM}updated") or "" for entry in entries]
    assert updated == sorted(updated, reverse=True)
    assert root.findtext(f"{ATOM}updated") == updated[0]


def test_ids_of_the_feed_stay_when_more_is_said() -> None:
    """And are each another's."""
    before, after = (
        make_page(PLAN, [published(*entries)], [WORK], NOW)
        for entries in (
            [said(1, NOW - 60)],
            [said(1, NOW - 60), said(2, NOW, "resolved", "Over.", title="New title")],
        )
    )
    ids = [
        [entry.findtext(f"{ATOM}id") for entry in feed(page).findall(f"{ATOM}entry")]
        for page in (before, after)
    ]
    assert sorted(ids[0], key=str) == sorted(ids[1], key=str)
    assert len(set(ids[0])) == 2


def test_an_empty_feed_is_one() -> None:
    root = feed(make_page(PLAN, [], [], NOW))
    assert root.findtext(f"{ATOM}updated") == "2026-01-01T00:00:00.000Z"
    assert root.findall(f"{ATOM}entry") == []


# --- Statuspage's shape


def test_the_summary_has_the_fields_of_statuspage() -> None:
    """As wire/08, 8.3 shows them."""
    found = documents(some_page(), subscribe=False)
    summary = json.loads(found["api/v2/summary.json"].body)
    assert set(summary) == {"page", "status", "components", "incidents", "scheduled_maintenances"}
    assert set(summary["page"]) == {"id", "name", "url", "time_zone", "updated_at"}
    assert summary["status"] == {"indicator": "major", "description": "Partial System Outage"}
    assert {
        "id",
        "name",
        "status",
        "created_at",
        "updated_at",
        "position",
        "description",
        "showcase",
        "start_date",
        "group_id",
        "group",
        "page_id",
        "only_show_if_degraded",
    } <= set(summary["components"][0])
    group, payments, search = summary["components"]
    assert (group["group"], group["components"]) == (True, [payments["id"], search["id"]])
    assert (payments["group_id"], payments["status"], search["status"]) == (
        group["id"],
        "partial_outage",
        "operational",
    )
    (incident,) = summary["incidents"]
    assert set(incident) == {
        "id",
        "name",
        "status",
        "impact",
        "created_at",
        "updated_at",
        "started_at",
        "monitoring_at",
        "resolved_at",
        "shortlink",
        "page_id",
        "reminder_intervals",
        "incident_updates",
        "components",
    }
    assert (incident["status"], incident["impact"], incident["resolved_at"]) == (
        "identified",
        "major",
        None,
    )
    assert [incident_update["status"] for incident_update in incident["incident_updates"]] == [
        "identified",
        "investigating",
    ]
    assert set(incident["incident_updates"][0]) == {
        "id",
        "status",
        "body",
        "incident_id",
        "created_at",
        "updated_at",
        "display_at",
        "affected_components",
        "deliver_notifications",
        "custom_tweet",
        "tweet_id",
    }
    (work,) = summary["scheduled_maintenances"]
    assert (work["status"], work["impact"]) == ("scheduled", "maintenance")
    assert {"scheduled_for", "scheduled_until"} <= set(work)


def test_unresolved_and_all_incidents_are_told_apart() -> None:
    found = documents(some_page(), subscribe=False)
    ids = {
        name: [
            incident["id"]
            for incident in json.loads(found[f"api/v2/{name}.json"].body)["incidents"]
        ]
        for name in ("incidents", "incidents/unresolved", "summary")
    }
    assert ids == {"incidents": ["142", "7"], "incidents/unresolved": ["142"], "summary": ["142"]}


# --- files


def test_an_export_is_what_is_served_and_old_incidents_go(tmp_path: Path) -> None:
    """Every file whole, none left over, nothing of others touched."""
    (tmp_path / "CNAME").write_text("status.example.com")
    write(documents(some_page(), subscribe=False), tmp_path)
    later = documents(make_page(PLAN, [], [], NOW), subscribe=False)
    write(later, tmp_path)
    files = {
        str(path.relative_to(tmp_path)): path.read_bytes()
        for path in tmp_path.rglob("*")
        if path.is_file()
    }
    assert files == {
        "CNAME": b"status.example.com",
        **{name: page.body for name, page in later.items()},
    }


def test_a_file_that_cant_be_written_leaves_the_last_one_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk is met before anything is replaced."""
    write(documents(some_page(), subscribe=False), tmp_path)
    before = (tmp_path / "index.html").read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="space"):
        write(documents(make_page(PLAN, [], [], NOW), subscribe=False), tmp_path)
    assert (tmp_path / "index.html").read_bytes() == before


# --- colours

DARK = "@media (prefers-color-scheme: dark) {"


def colours(*, dark: bool) -> dict[str, str]:
    """The colours of the stylesheet by name: those for the dark are laid over the others."""
    text = documents(some_page(), subscribe=False)["style.css"].body.decode()
    within = "".join(part.partition("\n}")[0] for part in text.split(DARK)[1:])
    outside = "".join(
        part.partition("\n}")[2] if number else part for number, part in enumerate(text.split(DARK))
    )
    light, darker = (
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", each)) for each in (outside, within)
    )
    assert light.keys() >= darker.keys() > set()
    return light | darker if dark else light


def luminance(colour: str) -> float:
    """As WCAG 2 has it."""
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [
        channel / 12.92 if channel <= 0.03928 else ((channel + 0.055) / 1.055) ** 2.4
        for channel in channels
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    lower, higher = sorted((luminance(one), luminance(other)))
    return (higher + 0.05) / (lower + 0.05)


@pytest.mark.parametrize("dark", [False, True])
def test_words_stand_out_from_what_is_behind_them(dark: bool) -> None:
    """At least 4.5 to 1 (WCAG 2, level AA), in the light and in the dark."""
    found = colours(dark=dark)
    for ground in ("page", "raised"):
        for words in ("text", "quiet", "link"):
            assert contrast(found[words], found[ground]) >= 4.5, (words, ground)
    for state in ComponentState:
        assert contrast(found[state], found["page"]) >= 4.5, state
        assert contrast(found["on-sign"], found[state]) >= 4.5, state
