"""Alertmanager and the router get the same requests, and give the same answers.

docs/reference/alertmanager-api.md lists the intended differences.
"""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest

from tests.daemon import Daemon, write_config
from tests.peers import Alertmanager

pytestmark = pytest.mark.peer

NEWER = {"mutedBy", "routeLabels"}
"""Fields that Alertmanager has only since 0.26 or 0.34."""

REWORDED = ("silence invalid: ", "invalid silence: ")
"""The words of Alertmanager 0.25, and those of 0.28 and later."""

TIMES = {"startsAt", "endsAt", "updatedAt"}
NEAR = 5.0
"""Seconds that times of two answers may differ: the same request reaches one after the other."""

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
UNKNOWN = "5f9a6b55-0d5c-4d5c-8a3b-0d5c4d5c8a3b"

RULES = [{"name": "any", "match": ['alertname=~".+"'], "severity": "P2", "group_by": ["service"]}]
PAST, SOONER, LATER = "2020-01-01T00:00:00Z", "2090-01-01T00:00:00Z", "2095-01-02T03:04:05.006Z"

A = {"alertname": "A", "service": "api"}
B = {"alertname": "B", "service": "db"}


class Answer(NamedTuple):
    status: int
    media: str
    body: Any


class Both:
    """Alertmanager and the router: `ask` sends a request to both, and compares the answers."""

    def __init__(self, alertmanager: str, router: str, session: aiohttp.ClientSession) -> None:
        self._urls = (alertmanager, router)
        self._session = session
        self._ids: tuple[dict[str, str], dict[str, str]] = ({}, {})

    async def ask(
        self,
        method: str,
        path: str,
        content: Any = None,
        *,
        save: str = "",
        text: bool = True,
    ) -> Any:
        """The router's answer, which equals Alertmanager's.

        `{name}` in the path or the content is the id that `save` gave that name. Without `text`
        only the kind of a text is compared.
        """
        theirs, ours = [
            await self._answer(number, method, path, content, save) for number in (0, 1)
        ]
        if not text:
            theirs, ours = (pair._replace(body=_form(pair.body)) for pair in (theirs, ours))
        assert ours.status == theirs.status, (theirs, ours)
        assert ours.media == theirs.media
        assert_alike(theirs.body, ours.body, path)
        return ours.body

    async def until_active(self) -> None:
        """Wait until Alertmanager has routed its alerts."""
        for _ in range(100):
            alerts = (await self._answer(0, "GET", "/alerts", None, "")).body
            if all(alert["status"]["state"] != "unprocessed" for alert in alerts):
                return
            await asyncio.sleep(0.1)

    async def _answer(self, number: int, method: str, path: str, content: Any, save: str) -> Answer:
        ids = self._ids[number]
        url = self._urls[number] + "/api/v2" + path.format(**ids)
        if isinstance(content, dict) and "id" in content:
            content = content | {"id": content["id"].format(**ids)}
        given = {"data": content} if isinstance(content, bytes) else {"json": content}
        headers = {"Content-Type": "application/json"}
        options = {"headers": headers} | given if content is not None else {}
        async with self._session.request(method, url, **options) as response:  # type: ignore[arg-type]
            raw = await response.read()
            body = await response.json(content_type=None) if raw else None
            media = response.content_type if raw else ""
        made = body.get("silenceID") if save and isinstance(body, dict) else None
        if made and made not in ids.values():
            ids[save] = made
        named = {key: name for name, key in ids.items()}
        return Answer(response.status, media, _with_names(body, named))


def _with_names(value: Any, named: dict[str, str]) -> Any:
    if isinstance(value, list):
        return [_with_names(item, named) for item in value]
    if isinstance(value, dict):
        return {key: _with_names(item, named) for key, item in value.items() if key not in NEWER}
    return named.get(value, value).replace(*REWORDED) if isinstance(value, str) else value


def _form(body: Any) -> Any:
    """The body without the words of its text."""
    return body | {"message": ""} if isinstance(body, dict) else type(body)


def assert_alike(theirs: Any, ours: Any, path: str) -> None:
    if isinstance(theirs, list) and isinstance(ours, list):
        assert len(theirs) == len(ours), (path, theirs, ours)
        for number, pair in enumerate(zip(theirs, ours, strict=True)):
            assert_alike(*pair, f"{path}[{number}]")
    elif isinstance(theirs, dict) and isinstance(ours, dict):
        assert theirs.keys() == ours.keys(), path
        for key in theirs:
            if key in TIMES:
                assert abs(_time(theirs[key]) - _time(ours[key])) < NEAR, (path, key)
            else:
                assert_alike(theirs[key], ours[key], f"{path}.{key}")
    else:
        assert theirs == ours, path


def _time(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


@pytest.fixture
async def both(tmp_path: Path) -> AsyncIterator[Both]:
    """Both with one receiver, and groups by service."""
    route = {"receiver": "all", "group_by": ["service"], "group_wait": "0s", "group_interval": "1s"}
    cause = {"source": ['alertname="Cause"'], "target": ['alertname="A"']}
    inhibit_rule = {
        "source_matchers": cause["source"],
        "target_matchers": cause["target"],
    }
    config = {"route": route, "receivers": [{"name": "all"}], "inhibit_rules": [inhibit_rule]}
    path = write_config(
        tmp_path, RULES, sources={"prometheus": {"insecure": True}}, inhibit=[cause]
    )
    async with (
        Alertmanager(tmp_path, config) as alertmanager,
        Daemon(path) as router,
        aiohttp.ClientSession() as session,
    ):
        yield Both(alertmanager.url, router.url, session)


def matcher(value: str = "A", name: str = "alertname", **changes: Any) -> dict[str, Any]:
    return {"name": name, "value": value, "isRegex": False, "isEqual": True} | changes


def silence(*matchers: Any, **changes: Any) -> dict[str, Any]:
    return {
        "matchers": matchers or [matcher()],
        "startsAt": PAST,
        "endsAt": LATER,
        "createdBy": "ana",
        "comment": "deploy",
    } | changes


ALERTS = [
    {"labels": A | {"empty": ""}, "annotations": {"x": "y"}, "generatorURL": "http://p/g"},
    {"labels": B, "startsAt": PAST, "endsAt": LATER},
    {"labels": {"alertname": "C"}},
]

BAD_ALERTS: list[tuple[Any, bool]] = [
    ([{"labels": {}}], True),
    ([{"labels": {"a": ""}}], True),
    ([{"labels": A, "startsAt": LATER, "endsAt": PAST}], True),
    ([{"labels": {}}, {"labels": A, "startsAt": LATER, "endsAt": PAST}], True),
    ([{"labels": {}, "startsAt": LATER, "endsAt": PAST}], True),
    ([{"labels": A, "startsAt": SOONER}], True),
    ([{"labels": A, "annotations": {"": "x"}}], True),
    (b"xx", False),
    (b'{"a": 1}', False),
]

QUERIES = [
    "",
    "?active=false",
    "?active=no",
    "?silenced=false",
    "?inhibited=false",
    "?unprocessed=false",
    "?receiver=all",
    "?receiver=al",
    "?receiver=a.*",
    '?filter=alertname="A"',
    '?filter=alertname!="A"',
    '?filter=alertname=~"A|B"&filter=service="db"',
    '?filter=service=""',
    '?filter=alertname!~"[AB]"',
    "?filter=alertname=A,service=db",
]

BAD_SILENCES: list[tuple[dict[str, Any], bool]] = [
    (silence(startsAt=LATER, endsAt=PAST), True),
    (silence(startsAt=PAST, endsAt=PAST), True),
    (silence(endsAt="2020-01-02T00:00:00Z"), True),
    (silence(matcher("")), True),
    (silence(matcher(".*", isRegex=True)), True),
    (silence(matcher("(", isRegex=True)), False),
    (silence(id=UNKNOWN), True),
    (silence(matchers=[]), True),
    (silence(matchers=[{"name": "a", "value": "b"}]), True),
    ({key: value for key, value in silence().items() if key != "comment"}, True),
    ({key: value for key, value in silence().items() if key != "endsAt"}, True),
    (silence(startsAt="yesterday"), False),
    (silence(startsAt=None), True),
    (silence(matcher("A", name=None)), True),
]


async def test_alerts_and_groups(both: Both) -> None:
    """Every field, filter and flag, with silenced and inhibited alerts; then without the alerts."""
    for path in ("/receivers", "/alerts", "/alerts/groups"):
        await both.ask("GET", path)
    await both.ask("POST", "/alerts", ALERTS)
    await both.ask("POST", "/alerts", [{"labels": {"alertname": "Cause", "service": "net"}}])
    await both.ask("POST", "/silences", silence(matcher("C")), save="c")
    await both.until_active()
    for query in QUERIES:
        await both.ask("GET", f"/alerts{query}")
        await both.ask("GET", f"/alerts/groups{query}")
    for query in ("?filter=alertname", "?filter=", '?filter=a="b",c="d"', '?filter=a="b'):
        await both.ask("GET", f"/alerts{query}")
    for query in ("?filter={{a=b}}", '?filter=a=~"("', "?receiver=("):
        await both.ask("GET", f"/alerts{query}", text=False)
    ended = [{"labels": alert["labels"], "endsAt": _now()} for alert in ALERTS]
    await both.ask("POST", "/alerts", ended)
    assert [alert["labels"]["alertname"] for alert in await both.ask("GET", "/alerts")] == ["Cause"]


async def test_repeats(both: Both) -> None:
    """The earliest start and the latest end count, and a given end wins over a timeout."""
    for change in (
        {},
        {"startsAt": PAST, "endsAt": SOONER},
        {"startsAt": PAST, "endsAt": LATER},
        {"startsAt": PAST, "endsAt": SOONER},
        {},
        {"startsAt": PAST, "endsAt": SOONER},
        {"annotations": {"x": "z"}},
        {"startsAt": PAST, "endsAt": LATER, "annotations": {"x": "y"}},
    ):
        await both.ask("POST", "/alerts", [{"labels": A} | change])
        await both.until_active()
        await both.ask("GET", "/alerts")


async def test_bad_alerts(both: Both) -> None:
    """The good ones of the same request are stored."""
    for number, (content, text) in enumerate(BAD_ALERTS):
        good = {"labels": {"alertname": f"G{number}"}}
        content = [*content, good] if isinstance(content, list) else content  # noqa: PLW2901
        await both.ask("POST", "/alerts", content, text=text)
    await both.until_active()
    assert len(await both.ask("GET", "/alerts")) == sum(
        isinstance(content, list) for content, _ in BAD_ALERTS
    )


async def test_silences(both: Both) -> None:
    """Created, changed, replaced, listed, filtered, expired."""
    await both.ask("GET", "/silences")
    matchers = [
        matcher("x|y", "a", isRegex=True),
        matcher('"q"', "b_b", isEqual=False),
        matcher("z.*", "c", isRegex=True, isEqual=False),
    ]
    await both.ask("POST", "/silences", silence(*matchers), save="one")
    await both.ask("POST", "/silences", silence(startsAt=SOONER), save="two")
    await both.ask(
        "POST", "/silences", silence(createdBy="", comment="", endsAt=SOONER), save="three"
    )
    filters = ("a=x", 'a=~"x|y"', "a=x|y", "alertname!=B", 'b_b!="\\"q\\""')
    listed = [f"/silences?filter={text}" for text in filters]
    for path in ("/silences", "/silence/{one}", "/silence/{two}", *listed):
        await both.ask("GET", path)
    changed = silence(id="{two}", startsAt="2091-01-01T00:00:00Z", comment="later")
    assert await both.ask("POST", "/silences", changed) == {"silenceID": "two"}
    replaced = silence(matcher("B"), id="{three}", endsAt=SOONER)
    await both.ask("POST", "/silences", replaced, save="four")
    await both.ask("GET", "/silences")
    await both.ask("DELETE", "/silence/{two}")
    await both.ask("DELETE", "/silence/{two}")
    assert (await both.ask("GET", "/silence/{two}"))["status"] == {"state": "expired"}
    await both.ask("GET", f"/silence/{UNKNOWN}")


async def test_bad_silences(both: Both) -> None:
    for content, text in BAD_SILENCES:
        await both.ask("POST", "/silences", content, text=text)
    await both.ask("GET", "/silences")


def _now() -> str:
    return datetime.now().astimezone().isoformat()
