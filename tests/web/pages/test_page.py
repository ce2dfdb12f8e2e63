"""Pages: escaped, without script, and under a policy that keeps it so."""

import re
from collections.abc import Callable

import pytest

from router.web.pages import page
from router.web.pages.errors import as_sentence
from tests.daemon import Daemon
from tests.web.webhooks.test_endpoint import is_problem

Router = Callable[..., Daemon]

HOSTILE = """<script>alert(1)</script>"'><img src=x onerror=alert(1)>{{ 7 * 7 }}"""


def test_what_is_given_is_text_and_never_markup() -> None:
    """An alert's words can't open a tag or leave an attribute, and aren't read as a template."""
    html = page.render("message.html", title=HOSTILE, text=HOSTILE)
    assert "<script" not in html
    assert "<img" not in html
    assert "49" not in html
    assert html.count("&lt;script&gt;") == 3


def test_a_page_loads_nothing_but_what_is_ours_and_runs_nothing() -> None:
    """The policy allows the stylesheet, our images and our forms."""
    answer = page.page("message.html", title="Hello", text="there")
    policy = dict(
        part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; ")
    )
    assert policy["default-src"] == policy["base-uri"] == policy["frame-ancestors"] == "'none'"
    assert policy["style-src"] == policy["img-src"] == policy["form-action"] == "'self'"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.content_type == "text/html"


def test_a_page_has_no_invisible_characters() -> None:
    """Nobody can make a title read as another."""
    html = page.render("message.html", title="safe\u202egnp.exe", text="a\u200bb\ufeff\x1b")
    assert not {"\u202e", "\u200b", "\ufeff", "\x1b"} & {*html}
    assert "ab" in html


def test_no_template_has_script_or_style_of_its_own() -> None:
    """The policy would refuse it, and nobody would notice."""
    for template in page.FOLDER.glob("*.html"):
        text = re.sub(
            r'<script src="{{ \w+ }}" nonce="{{ nonce }}" defer>', "", template.read_text()
        )
        assert not re.search(r"<script|<style|\sstyle=|\son\w+=|\|\s*safe", text), template.name


async def test_a_problem_is_a_page_for_a_browser(router: Router) -> None:
    """Programs get the problem as JSON; the status and the headers are the same."""
    async with router() as daemon:
        for path in ("/nowhere", "/api/v1/incidents/7"):
            assert is_problem(await daemon.get(path), 404)
            answer = await daemon.get(path, headers={"Accept": "text/html,*/*;q=0.8"})
            assert (answer.status, answer.headers["Content-Type"]) == (
                404,
                "text/html; charset=utf-8",
            )
            assert b"<h1>Not Found</h1>" in answer.body
        refused = await daemon.ask("PUT", "/metrics", headers={"Accept": "text/html"})
        assert (refused.status, refused.headers["Allow"]) == (405, "GET,HEAD")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 404),
        ({"Sec-Fetch-Site": "same-origin"}, 404),
        ({"Sec-Fetch-Site": "none"}, 404),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "SELF"}, 404),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://evil.example", "Sec-Fetch-Site": "same-origin"}, 404),
    ],
)
async def test_what_another_site_sends_is_refused(
    router: Router, headers: dict[str, str], status: int
) -> None:
    """A browser says whence a form came; a program says nothing. Looking is always allowed."""
    async with router() as daemon:
        sent = {name: daemon.url if value == "SELF" else value for name, value in headers.items()}
        assert is_problem(await daemon.ask("POST", "/api/v1/incidents/1/ack", headers=sent), status)
        assert (await daemon.get("/api/v1/incidents", headers=sent)).status == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("evil.example", 421),
        ("localhost.evil.example:9095", 421),
        ("127.0.0.1.evil.example", 421),
        ("[", 421),
        ("localhost", 200),
        ("localhost:9095", 200),
        ("192.0.2.1:9095", 200),
        ("[::1]:9095", 200),
        ("router.example.com", 200),
    ],
)
async def test_an_open_api_answers_to_its_own_names_only(
    router: Router, host: str, status: int
) -> None:
    """A site whose name leads to loopback is the router's own origin to a browser, and reads
    nothing by that.
    """
    given = {"Host": host}
    async with router(external_url="https://router.example.com") as daemon:
        for path in ("/api/v1/incidents", "/incidents", "/stats"):
            assert (await daemon.get(path, headers=given)).status == status
        refused = await daemon.ask("POST", "/api/v1/incidents", json={"title": "x"}, headers=given)
        assert refused.status == (201 if status == 200 else 421)
        assert (await daemon.get("/-/healthy", headers=given)).status == 200
    async with router(external_url="https://router.example.com", auth={"insecure": True}) as daemon:
        assert (await daemon.get("/api/v1/incidents", headers=given)).status == 200


@pytest.mark.parametrize(
    ("path", "accepted", "sent"),
    [
        ("/incidents", "gzip, br", "gzip"),
        ("/incidents", "identity", None),
        ("/api/v1/openapi.json", "gzip", "gzip"),
        ("/-/healthy", "gzip", None),
    ],
)
async def test_a_large_answer_is_sent_compressed(
    router: Router, path: str, accepted: str, sent: str | None
) -> None:
    """To clients that accept it; caches keep both apart."""
    async with router() as daemon:
        answer = await daemon.get(path, headers={"Accept-Encoding": accepted})
        assert answer.headers.get("Content-Encoding") == sent
        if path != "/-/healthy":
            assert "Accept-Encoding" in answer.headers["Vary"]


@pytest.mark.parametrize(
    ("detail", "sentence"),
    [
        ("give the reason", "Give the reason."),
        ("INC-3 has no action item 7", "INC-3 has no action item 7."),
        ("start again.", "Start again."),
    ],
)
def test_an_error_is_shown_as_a_sentence(detail: str, sentence: str) -> None:
    """Names in it keep their capitals."""
    assert as_sentence(detail) == sentence
