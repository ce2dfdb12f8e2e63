"""Incident pages: contents by role, effects of forms, and safety against hostile alerts."""

from base64 import b64encode
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any

import pytest

from tests.clock import SteppedClock
from tests.daemon import Answer, Daemon, alert
from tests.web.api.test_incidents import AUTH, bearer
from tests.web.webhooks.test_endpoint import is_problem

Router = Callable[..., Daemon]

LINKS = [
    {
        "name": "Logs",
        "url": "https://logs.example/?service={{ labels.service }}&from={{ start_ms }}",
    },
    {"name": "Region", "url": "https://logs.example/{{ labels.region }}"},
    {"name": "Issue", "url": "{{ url | raw if source == 'sentry' }}"},
]


def text(answer: Answer) -> str:
    assert answer.status == 200, answer.body
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    return answer.body.decode()


def basic(role: str) -> dict[str, str]:
    return {"Authorization": f"Basic {b64encode(f'whoever:token-of-{role}'.encode()).decode()}"}


async def send(
    daemon: Daemon, path: str, headers: dict[str, str] | None = None, **form: str
) -> Answer:
    return await daemon.ask("POST", path, data=form, headers=headers or {}, allow_redirects=False)


class Tags(HTMLParser):
    """The tags of a page with their attributes."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.found.append((tag, dict(attrs)))


# --- what is shown


async def test_an_incident_has_all_there_is_to_know(router: Router, clock: SteppedClock) -> None:
    """Timeline, alerts, messages, context links and similar incidents."""
    async with router(clock=clock, links=LINKS) as daemon:
        await daemon.alert(alert())
        await send(
            daemon, "/incidents/1/resolve", text="rolled back to 41", by="Ana", confirm="yes"
        )
        await daemon.alert(alert(status="resolved"))
        await daemon.alert(alert(service="web"))

        async def delivered() -> bool:
            return b"sent</span>" in (await daemon.get("/incidents/2")).body

        await clock.settle(delivered)
        page = text(await daemon.get("/incidents/INC-2"))
        shown = {
            "Payment failures at 2.3% on web",
            "investigating",
            "first alert",
            "Incident detected: PaymentFailures at 2.3% (threshold &gt; 1%)",
            "Message delivered to log",
            'href="https://logs.example/?service=web&amp;from=1769998500000"',
            "No link Region: there&#39;s no",
            ">INC-1</a>",
            "rolled back to 41",
            "(Ana)",
            "payment-failures",
            'service="web"',
        }
        assert {part for part in shown if part not in page} == set()
        assert "Issue" not in page


async def test_what_was_deployed_in_that_time_is_shown(router: Router, clock: SteppedClock) -> None:
    """The one under suspicion is marked; what was long before, or is no web address, isn't shown as
    such.
    """
    async with router(clock=clock) as daemon:
        shown = {
            "service": "api",
            "version": "v42",
            "author": "<b>ana</b>",
            "url": "javascript:alert(1)",
        }
        await daemon.ask("POST", "/api/v1/deployments", json=shown | {"at": "2026-02-02T02:25:00Z"})
        await daemon.ask(
            "POST", "/api/v1/deployments", json={"service": "api", "at": "2026-01-01T00:00:00Z"}
        )
        await daemon.alert(alert())
        page = text(await daemon.get("/incidents/1"))
        assert ("v42" in page, "&lt;b&gt;ana" in page, ">suspect</span>" in page) == (
            True,
            True,
            True,
        )
        assert "javascript" not in page
        context = (await daemon.get("/api/v1/incidents/1/context")).json
        assert [deployment["name"] for deployment in context["deployments"]] == ["v42"]


async def test_the_context_is_there_for_programs(router: Router, clock: SteppedClock) -> None:
    """The same as JSON: the time, the links with what is wrong with them, the query, similar ones
    and their fix.
    """
    generator = {"generatorURL": "http://prometheus.example/graph?g0.expr=up+%3D%3D+0&g0.tab=1"}
    async with router(clock=clock, links=LINKS) as daemon:
        await daemon.alert(alert())
        await send(daemon, "/incidents/1/false-positive", by="Ana", confirm="yes")
        await daemon.alert(alert(status="resolved"))
        await daemon.alert(alert(service="web", **generator))
        context = (await daemon.get("/api/v1/incidents/2/context")).json
        assert context["window"] == {
            "start": "2026-02-02T02:15:00.000Z",
            "onset": "2026-02-02T02:30:00.000Z",
            "end": "2026-02-02T02:40:00.000Z",
        }
        assert context["links"] == [
            {
                "name": "Logs",
                "url": "https://logs.example/?service=web&from=1769998500000",
                "problem": None,
            },
            {"name": "Region", "url": None, "problem": "there's no 'region'"},
        ]
        assert context["query"] == "up == 0"
        assert [alert["labels"]["service"] for alert in context["alerts"]] == ["web"]
        (similar,) = context["similar"]
        shown = {
            "name": "INC-1",
            "status": "false_positive",
            "same": "rule",
            "labels": ["alertname"],
            "fix": None,
        }
        assert shown.items() <= similar.items()
        assert is_problem(await daemon.get("/api/v1/incidents/7/context"), 404)


@pytest.mark.parametrize("path", ["/incidents/7", "/incidents/x", "/incidents/1/nothing"])
async def test_what_is_not_there_is_a_404(router: Router, path: str) -> None:
    """As a page for a browser, as a problem for a program."""
    async with router() as daemon:
        await daemon.alert(alert())
        method = "POST" if path.count("/") > 2 else "GET"
        assert is_problem(await daemon.ask(method, path), 404)
        answer = await daemon.ask(method, path, headers={"Accept": "text/html"})
        assert (answer.status, b"<h1>Not Found</h1>" in answer.body) == (404, True)


async def test_a_chart_is_a_picture_of_its_own(router: Router) -> None:
    """The page doesn't wait for it; a failed chart shows the reason, and its image may run
    nothing.
    """
    generator = {"generatorURL": "http://prometheus.example/graph?g0.expr=up+%3D%3D+0&g0.tab=1"}
    async with router(prometheus={"url": "http://127.0.0.1:1"}, auth=AUTH) as daemon:
        await daemon.alert(alert(**generator), alert("DiskFull", instance="a"))
        page = text(await daemon.get("/incidents/1", headers=basic("viewer")))
        assert '<img src="/incidents/1/chart.svg"' in page
        assert "up == 0" in page
        for form, kind, start in (
            ("svg", "image/svg+xml", b"<?xml"),
            ("png", "image/png", b"\x89PNG"),
        ):
            answer = await daemon.get(f"/incidents/1/chart.{form}", headers=basic("viewer"))
            assert (answer.status, answer.headers["Content-Type"], answer.body[:5]) == (
                502,
                kind,
                (start + b"\r")[:5],
            )
            assert (
                answer.headers["Content-Security-Policy"]
                == "default-src 'none'; style-src 'unsafe-inline'"
            )
        answer = await daemon.get("/incidents/1/chart.svg", headers=bearer("viewer"))
        assert (
            b"No chart: Prometheus can&apos;t be asked" in answer.body
            or b"No chart: Prometheus can't" in answer.body
        )
        assert is_problem(await daemon.get("/incidents/1/chart.svg"), 401)
        assert "chart.svg" not in text(await daemon.get("/incidents/2", headers=basic("viewer")))
        context = (await daemon.get("/api/v1/incidents/1/context", headers=bearer("viewer"))).json
        assert context["chart"] == "/incidents/1/chart.svg"


# --- what the forms do


@pytest.mark.parametrize(
    ("command", "form", "what", "said"),
    [
        ("ack", {}, "acknowledged", "Acknowledged INC-1."),
        ("note", {"text": "looking"}, "noted", "Noted on INC-1."),
        (
            "resolve",
            {"text": "rolled back", "confirm": "yes"},
            "resolved_by_person",
            "Resolved INC-1.",
        ),
        (
            "false-positive",
            {"confirm": "yes"},
            "false_positive",
            "Marked INC-1 as a false positive.",
        ),
        ("severity", {"severity": "P2"}, "severity_set", "INC-1 is P2 now."),
        ("status", {"status": "identified"}, "status_set", "identified"),
    ],
)
async def test_a_form_does_what_it_says_and_leads_back(
    router: Router, command: str, form: dict[str, str], what: str, said: str
) -> None:
    """The answer is a redirect, so that a reload has no effect; the page shows the result."""
    async with router() as daemon:
        await daemon.alert(alert())
        answer = await send(
            daemon, f"/incidents/1/{command}", by="  Ana\nLima ", **({"severity": "P0"} | form)
        )
        assert answer.status == 303
        page = text(await daemon.get(answer.headers["Location"]))
        assert said in page
        last = [
            entry
            for entry in (await daemon.get("/api/v1/incidents/1")).json["timeline"]
            if entry["what"] == what
        ]
        assert [(entry["by"], entry["data"].get("text", "")) for entry in last] == [
            ("Ana Lima", form.get("text", ""))
        ]


async def test_a_false_positive_is_confirmed_first(router: Router) -> None:
    """The first press asks, and keeps what was typed; the second does it."""
    async with router() as daemon:
        await daemon.alert(alert())
        asked = text(await send(daemon, "/incidents/1/false-positive", text="noise", by="Ana"))
        assert "Mark INC-1 as a false positive?" in asked
        assert ">\nnoise</textarea>" in asked
        assert (await daemon.get("/api/v1/incidents/1")).json["open"]
        form = {"confirm": "yes", "text": "noise", "by": "Ana"}
        assert (await send(daemon, "/incidents/1/false-positive", **form)).status == 303
        assert (await daemon.get("/api/v1/incidents/1")).json["status"] == "false_positive"


async def test_a_notice_is_shown_once(router: Router) -> None:
    """It's in a cookie that the next page removes."""
    async with router() as daemon:
        await daemon.alert(alert())
        await send(daemon, "/incidents/1/ack")
        assert "Acknowledged INC-1." in text(await daemon.get("/incidents/1"))
        assert "Acknowledged INC-1." not in text(await daemon.get("/incidents/1"))


async def test_a_name_is_remembered(router: Router) -> None:
    """A person needn't type it again, and buttons without a field use it."""
    async with router() as daemon:
        await daemon.alert(alert())
        await send(daemon, "/incidents/1/note", text="looking", by="Ána")
        assert 'value="Ána"' in text(await daemon.get("/incidents/1"))
        await send(daemon, "/incidents/1/ack")
        assert (await daemon.get("/api/v1/incidents/1")).json["acknowledged_by"] == "Ána"


async def test_acknowledge_is_the_first_button(router: Router) -> None:
    """Nothing that grows stands before it: no labels, no description."""
    async with router() as daemon:
        await daemon.alert(alert())
        page = text(await daemon.get("/incidents/1"))
        first = page[page.index("<button", page.index("<main")) :]
        assert first.startswith('<button class="main" data-key="a">Acknowledge')


async def test_what_was_so_already_is_said(router: Router) -> None:
    """A late person sees who was first."""
    async with router() as daemon:
        await daemon.alert(alert())
        await send(daemon, "/incidents/1/resolve", by="Ana", confirm="yes")
        answer = await send(daemon, "/incidents/1/ack", by="Ben")
        assert "INC-1 is already resolved by Ana." in text(
            await daemon.get(answer.headers["Location"])
        )


@pytest.mark.parametrize(
    ("command", "form"),
    [("note", {"text": " "}), ("severity", {}), ("severity", {"severity": "P9"})],
)
async def test_a_form_that_says_nothing_is_refused(
    router: Router, command: str, form: dict[str, str]
) -> None:
    async with router() as daemon:
        await daemon.alert(alert())
        assert is_problem(await send(daemon, f"/incidents/1/{command}", **form), 400)


@pytest.mark.parametrize(
    "query",
    ["?did=ack&outcome=acknowledged", "?did=ack&outcome=x", "?did=ack&outcome=<script>"],
)
async def test_nobody_can_put_words_into_a_page(router: Router, query: str) -> None:
    """The page shows a known result text, or nothing."""
    async with router() as daemon:
        await daemon.alert(alert())
        assert "notice" not in text(await daemon.get(f"/incidents/1{query}"))


async def test_a_form_of_another_site_does_nothing(router: Router) -> None:
    """The browser adds the password to it, and says where it came from."""
    async with router(auth=AUTH) as daemon:
        await daemon.alert(alert())
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
            assert is_problem(
                await send(daemon, "/incidents/1/resolve", basic("responder") | headers), 403
            )
        assert (await daemon.get("/api/v1/incidents/1", headers=bearer("viewer"))).json[
            "open"
        ] is True


# --- who may


async def test_a_browser_is_asked_for_a_token(router: Router) -> None:
    """As the password of HTTP Basic; without one, or with a wrong one, nothing is shown."""
    async with router(auth=AUTH) as daemon:
        await daemon.alert(alert())
        wrong = {"Authorization": f"Basic {b64encode(b'ana:wrong').decode()}"}
        for headers in ({}, wrong, {"Authorization": "Basic ~"}, {"Authorization": "Basic /w=="}):
            for path in ("/incidents", "/incidents/1"):
                answer = await daemon.get(path, headers=headers)
                assert is_problem(answer, 401)
                assert answer.headers["WWW-Authenticate"].startswith("Basic ")
        for headers in (basic("viewer"), bearer("viewer")):
            assert "INC-1" in text(await daemon.get("/incidents", headers=headers))


async def test_the_api_takes_no_password_that_a_browser_adds_by_itself(router: Router) -> None:
    """It's for programs, which say bearer."""
    async with router(auth=AUTH) as daemon:
        await daemon.alert(alert())
        assert is_problem(await daemon.get("/api/v1/incidents", headers=basic("admin")), 401)


async def test_a_viewer_looks_and_a_responder_acts(router: Router) -> None:
    """A viewer gets no form, and is refused."""
    async with router(auth=AUTH) as daemon:
        await daemon.alert(alert())
        assert "<form" not in text(await daemon.get("/incidents/1", headers=basic("viewer")))
        assert is_problem(await send(daemon, "/incidents/1/ack", basic("viewer")), 403)
        assert "<form" in text(await daemon.get("/incidents/1", headers=basic("responder")))
        assert (
            await send(daemon, "/incidents/1/ack", basic("responder"), by="somebody else")
        ).status == 303
        shown = (await daemon.get("/api/v1/incidents/1", headers=bearer("viewer"))).json
        assert shown["acknowledged_by"] == "responder"


# --- what alerts can do to it

HOSTILE = (
    """</title><script>alert(1)</script><img src=x onerror=alert(1)>"'`{{ 'ab' ~ 'cd' }}<!--"""
)


async def test_no_alert_can_break_a_page(router: Router) -> None:
    """Names, values, annotations, notes, URLs: none becomes a tag, an attribute or a link that
    runs.
    """
    rule = {
        "summary": "{{ labels.alertname }}",
        "runbook": "javascript:alert(1)",
        "component": HOSTILE,
        "group_by": ["service"],
    }
    hostile = alert(
        HOSTILE, HOSTILE, service=HOSTILE, annotations={"description": HOSTILE, "value": HOSTILE},
        generatorURL=f"javascript:alert(1)//?g0.expr={HOSTILE}",
    )  # fmt: skip
    async with router(default_rule=rule, company={"name": HOSTILE}, links=LINKS) as daemon:
        plain = {
            tag
            for path in ("/incidents", "/incidents/1")
            for tag in await tags(daemon, path, alert())
        }
        await daemon.alert(hostile)
        for command in ("ack", "note", "resolve"):
            await send(daemon, "/incidents/2/" + command, by=HOSTILE, text=HOSTILE)
        await daemon.alert(
            hostile | {"labels": {"alertname": HOSTILE, "service": f"{HOSTILE} again"}}
        )
        for path in ("/incidents", "/incidents/2", "/incidents/3"):
            page = text(await daemon.get(path))
            assert "abcd" not in page
            found = Tags(page).found
            assert {tag for tag, _ in found} <= plain | {"code"}
            assert not [
                name for _, attributes in found for name in attributes if name.startswith("on")
            ]
            assert not [one for _, one in found if "javascript" in (one.get("href") or "")]


async def tags(daemon: Daemon, path: str, one: dict[str, Any]) -> set[str]:
    """Elements of a page about a harmless alert with a similar incident."""
    await daemon.alert(one)
    return {tag for tag, _ in Tags(text(await daemon.get(path))).found} | {
        "table",
        "strong",
        "p",
        "select",
        "figure",
        "figcaption",
    }
