"""Charts of what an alert measured: from a real Prometheus, and from one that misbehaves."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote
from xml.etree import ElementTree as ET

import pytest
from aiohttp import web
from msgspec.structs import replace

from router.chart import ImageFormat
from router.config.config_file import BasicAuth, PrometheusConfig
from router.config.fields import HttpUrl
from router.config.secret import Secret
from router.core.messages.context_links import Window, curve_of
from router.engine import messages
from router.evidence.charts import FRESH, Charts
from router.evidence.prometheus import MAX_ANSWER, Prometheus
from router.model.incident import Incident, Severity, Status
from router.model.scalars import Duration
from router.ports.errors import NoChart
from tests.daemon import Daemon, alert
from tests.exporter import Exporter
from tests.peers import Prometheus as RealPrometheus
from tests.senders.test_mail import Relay, running

AT = 1795454040.0  # a full minute: 2026-11-23 17:14 UTC
SEEN = Window(AT - 900, AT, AT + 30)


def about(query: str, **changes: Any) -> Incident:
    url = f"http://prometheus.example/graph?g0.expr={quote(query)}&g0.tab=1"
    incident = Incident(
        7, "k", "r", "alertmanager", "t", Severity.P1, Status.INVESTIGATING, AT, AT, url=url
    )
    return replace(incident, **changes)


def matrix(*curves: tuple[dict[str, str], list[tuple[float, str]]]) -> dict[str, Any]:
    result = [{"metric": metric, "values": values} for metric, values in curves]
    return {"status": "success", "data": {"resultType": "matrix", "result": result}}


CURVE = matrix(
    ({"__name__": "ratio", "service": "api"}, [(AT - 60 * n, "0.02") for n in range(10, 0, -1)])
)


class Double:
    """A Prometheus double. `asked` are the requests it got."""

    def __init__(self, answer: Callable[[], Awaitable[web.StreamResponse]]) -> None:
        self.url = ""
        self.asked: list[tuple[dict[str, str], dict[str, str]]] = []
        self._answer = answer

    async def handle(self, request: web.Request) -> web.StreamResponse:
        form = {
            name: values[0] for name, values in parse_qs((await request.read()).decode()).items()
        }
        self.asked.append((form, dict(request.headers)))
        return await self._answer()


@asynccontextmanager
async def charts(
    answer: Any = CURVE, *, status: int = 200, **config: Any
) -> AsyncIterator[tuple[Charts, Double]]:
    """Charts from a double that answers so; `answer` may be a coroutine function that makes the
    answer.
    """

    async def answered() -> web.StreamResponse:
        if callable(answer):
            return await answer()  # type: ignore[no-any-return]
        return web.Response(
            status=status, text=answer if isinstance(answer, str) else json.dumps(answer)
        )

    double = Double(answered)
    app = web.Application()
    app.router.add_post("/prom/api/v1/query_range", double.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.05)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    made = Charts()
    double.url = "http://{}:{}/prom/".format(*runner.addresses[0][:2])
    await made.use(PrometheusConfig(url=HttpUrl(double.url), **config), "Europe/London")
    try:
        yield made, double
    finally:
        await made.close()
        await runner.cleanup()


def texts(svg: bytes) -> set[str]:
    return {
        "".join(element.itertext())
        for element in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")
    }


# --- what is asked and drawn


async def test_the_query_of_the_alert_is_asked_over_the_time_of_the_incident() -> None:
    """As query_range wants it, with a limit and a time-out for its own sake; the threshold is a
    line across.
    """
    async with charts() as (made, double):
        svg = await made.draw(about("ratio > 0.01", acknowledged_at=AT + 10), SEEN, ImageFormat.SVG)
    ((asked, _),) = double.asked
    assert asked == {
        "query": "ratio",
        "start": f"{AT - 900:.3f}",
        "end": f"{AT + 30:.3f}",
        "step": "15",
        "timeout": "5000ms",
        "limit": "6",
    }
    assert {
        "ratio",
        "> 0.01",
        "opened",
        "acknowledged",
        "17:10",
        "23 Nov 2026, Europe/London",
    } <= texts(svg)


async def test_it_is_made_once_for_all_who_ask() -> None:
    """Page and mails ask together; a minute later, or after a change, the chart is drawn again."""
    async with charts() as (made, double):
        one = about("ratio > 0.01")
        drawn = await asyncio.gather(*(made.draw(one, SEEN, ImageFormat.PNG) for _ in range(5)))
        assert len({*drawn}) == 1
        assert drawn[0][:8] == b"\x89PNG\r\n\x1a\n"
        assert len(double.asked) == 1
        await made.draw(one, replace_end(SEEN, FRESH), ImageFormat.PNG)
        await made.draw(replace(one, closed_at=AT + 20), SEEN, ImageFormat.PNG)
        assert len(double.asked) == 3


def replace_end(seen: Window, more: float) -> Window:
    return Window(seen.start, seen.onset, seen.end + more)


async def test_credentials_are_shown_to_prometheus_only() -> None:
    """As bearer token or basic, never in an error."""
    async with charts(bearer_token=Secret("prom-secret")) as (made, double):
        await made.draw(about("up"), SEEN, ImageFormat.SVG)
    assert double.asked[0][1]["Authorization"] == "Bearer prom-secret"
    basic = BasicAuth(username="u", password=Secret("p"))
    async with charts("no", status=401, basic=basic) as (made, double):
        with pytest.raises(NoChart, match="HTTP 401"):
            await made.draw(about("up"), SEEN, ImageFormat.SVG)
    assert double.asked[0][1]["Authorization"] == "Basic dTpw"


async def test_without_a_prometheus_or_a_query_there_is_no_chart() -> None:
    """And nothing is asked."""
    made = Charts()
    assert not made.there(about("up"))
    with pytest.raises(NoChart, match="no Prometheus"):
        await made.draw(about("up"), SEEN, ImageFormat.SVG)
    async with charts() as (made, double):
        assert made.there(about("up"))
        assert not made.there(about("up", url="https://sentry.example/1"))
        with pytest.raises(NoChart, match="no query"):
            await made.draw(about("up", url=""), SEEN, ImageFormat.SVG)
        assert not double.asked


# --- a Prometheus that misbehaves


async def _hang() -> web.StreamResponse:
    await asyncio.sleep(30)
    raise AssertionError


async def _endless() -> web.StreamResponse:
    return web.Response(body=b" " * (MAX_ANSWER + 1))


@pytest.mark.parametrize(
    ("answer", "status", "why"),
    [
        (
            {"status": "error", "errorType": "bad_data", "error": "parse error:\n\x00 bad"},
            400,
            "says: parse error: bad$",
        ),
        ("<html>login</html>", 200, "HTTP 200, not in the format of its API"),
        ("", 302, "HTTP 302"),
        (
            {"status": "success", "data": {"result": [{"metric": {}, "values": [["x"]]}]}},
            200,
            "not in the format of its API",
        ),
        (_hang, 200, "didn't answer in time"),
        (_endless, 200, "more data than can be drawn"),
    ],
)
async def test_what_goes_wrong_is_said_and_not_tried_again_at_once(
    answer: Any, status: int, why: str
) -> None:
    """The reason is for people; for a minute nobody bothers Prometheus with it again."""
    timeout = Duration(0.2 if answer is _hang else 30.0)
    async with charts(answer, status=status, timeout=timeout) as (made, double):
        for _ in range(2):
            with pytest.raises(NoChart, match=why):
                await made.draw(about("up > 1"), SEEN, ImageFormat.SVG)
        assert len(double.asked) == 1


async def test_numbers_that_are_none_and_too_many_curves_are_no_fault() -> None:
    """Prometheus writes NaN and +Inf; a query may give thousands of curves."""
    curves = [({"n": str(n)}, [(AT - 60, "NaN"), (AT, "+Inf"), (AT + 15, "x")]) for n in range(100)]
    async with charts(matrix(*curves)) as (made, _):
        assert (
            len(
                [
                    text
                    for text in texts(await made.draw(about("up"), SEEN, ImageFormat.SVG))
                    if text.startswith("{n=")
                ]
            )
            == 6
        )
    async with charts(matrix()) as (made, _):
        assert "no data" in texts(await made.draw(about("up"), SEEN, ImageFormat.SVG))


async def test_who_has_no_patience_leaves_without_it_and_the_next_finds_it() -> None:
    """To give up waiting doesn't stop the drawing."""
    go = asyncio.Event()

    async def slow() -> web.StreamResponse:
        await go.wait()
        return web.json_response(CURVE)

    async with charts(slow) as (made, double):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.01):
                await made.draw(about("up"), SEEN, ImageFormat.PNG)
        go.set()
        assert await made.draw(about("up"), SEEN, ImageFormat.PNG)
        assert len(double.asked) == 1


# --- what a query compares


@pytest.mark.parametrize(
    ("query", "curve", "limit"),
    [
        ("ratio > 0.01", "ratio", (">", 0.01)),
        ("up == 0", "up", ("==", 0.0)),
        (
            "(\n sum(rate(x[5m])) / sum(rate(y[5m]))\n) >= 1e-3\n",
            "(\n sum(rate(x[5m])) / sum(rate(y[5m]))\n)",
            (">=", 0.001),
        ),
        (
            'sum(x{code=~"5..", path!="/a>b"} > 3) > -1.5',
            'sum(x{code=~"5..", path!="/a>b"} > 3)',
            (">", -1.5),
        ),
        ("absent(up)", "absent(up)", None),
        ("a > 1 and b > 2", "a > 1 and b > 2", None),
        ("a unless b < 2", "a unless b < 2", None),
        ("a > b > 2", "a > b > 2", None),
        ("a > bool 1", "a > bool 1", None),
        ("1 < a", "1 < a", None),
        ("(a > 1", "(a > 1", None),
        ("a > 1m", "a > 1m", None),
        ("", "", None),
    ],
)
def test_a_comparison_with_a_number_is_taken_apart(query: str, curve: str, limit: object) -> None:
    """Only where that's all there is: what is left must mean the same."""
    assert curve_of(query) == (curve, limit)


def test_a_query_nested_without_end_stays_as_it_is() -> None:
    """An alert can say anything: it would be looked into for minutes."""
    query = "a" + "(" * 50_000 + ")" * 50_000 + " > 5"
    assert curve_of(query) == (query, None)


# --- the whole


async def test_a_mail_has_the_chart_and_goes_without_one_where_prometheus_hangs(
    router: Callable[..., Daemon], monkeypatch: pytest.MonkeyPatch
) -> None:
    """From the webhook to the mail: the picture is in it, or the page went out all the same."""
    go = asyncio.Event()

    async def sometimes() -> web.StreamResponse:
        await go.wait()
        return web.json_response(CURVE)

    relay = Relay()
    async with charts(sometimes) as (_, double), running(relay) as port:
        smtp = {"host": "127.0.0.1", "port": port, "starttls": False}
        mail = {
            "type": "email",
            "smtp": smtp,
            "from": "router@example.com",
            "to": ["eng@example.com"],
        }
        policies = {"all": {"steps": [{"notify": ["channel:mail"]}]}}
        async with router(
            channels={"mail": mail}, policies=policies, prometheus={"url": double.url}
        ) as daemon:
            generator = {"generatorURL": "http://prometheus.example/graph?g0.expr=ratio+%3E+0.01"}
            await daemon.alert(alert(**generator))
            await _until(lambda: len(relay.mails) == 1)
            assert not go.is_set()
            assert [part.get_content_type() for part in relay.mails[0][1].iter_parts()] == [
                "text/plain",
                "text/html",
            ]
            go.set()
            # Loading matplotlib and drawing may take longer than that on a busy machine.
            monkeypatch.setattr(messages, "PICTURE", 60.0)
            await daemon.ask("POST", "/api/v1/incidents/1/ack")
            await _until(lambda: len(relay.mails) == 2)
    _, related = relay.mails[1][1].iter_parts()
    _, image = related.iter_parts()
    assert image.get_content()[:8] == b"\x89PNG\r\n\x1a\n"


async def _until(condition: Callable[[], bool]) -> None:
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise AssertionError("it never came to hold")


# --- the real one


@pytest.mark.peer
async def test_a_real_prometheus_draws_its_own_alert(tmp_path: Path) -> None:
    """It takes the query, the limit and the time-out as they are, and its answer makes a curve."""
    async with Exporter() as exporter:
        exporter.payments.labels("api", "failure").inc(3)
        scrape = {"job_name": "shop", "scrape_interval": "200ms", "scrape_timeout": "200ms"}
        config = {"scrape_configs": [scrape | {"static_configs": [{"targets": [exporter.target]}]}]}
        async with RealPrometheus(tmp_path, config) as real:
            query = 'payment_attempts_total{result="failure"} > 1'
            answer = await real.until(
                "/api/v1/query", lambda said: bool(said["data"]["result"]), query=query
            )
            now = answer["data"]["result"][0]["value"][0]
            prometheus = Prometheus(PrometheusConfig(url=HttpUrl(real.url)))
            try:
                (found,) = await prometheus.curves(query, now - 60, now + 1)
                with pytest.raises(NoChart, match=r"Prometheus says: .*parse error"):
                    await prometheus.curves("payment_attempts_total{", now - 60, now)
            finally:
                await prometheus.close()
    assert [value for _, value in found.points] == [3.0] * len(found.points)
    assert found.points
    assert 'service="api"' in found.name
