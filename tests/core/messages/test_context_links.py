"""Context links: time window, query and links of an incident."""

import re
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from router.core.messages.context_links import (
    AFTER,
    BEFORE,
    Link,
    Window,
    links,
    query_of,
    usable,
    window,
)
from router.core.text.template import compile_link
from router.model.alert import Alert, AlertStatus
from router.model.incident import Incident, Severity, Status
from tests.pages import ROOT

AT = 1795454041.0  # 2026-11-23 17:14:01 UTC
SEEN = Window(AT - 900, AT, AT + 3600)
EXPR = 'sum by (service) (rate(errors_total{code=~"5.."}[5m])) > 0.01'
INCIDENT = Incident(
    7,
    "k",
    "api-errors",
    "alertmanager",
    "t",
    Severity.P1,
    Status.INVESTIGATING,
    AT,
    AT,
    labels={"service": "api & web", "quote": 'a"b'},
    annotations={"dashboard": "https://g.example/d/x?y=1"},
    url="http://prometheus.example/graph?g0.expr="
    "sum+by+%28service%29+%28rate%28errors_total%7Bcode%3D~%225..%22"
    "%7D%5B5m%5D%29%29+%3E+0.01&g0.tab=1",
)


def made(source: str, incident: Incident = INCIDENT) -> Link:
    (link,) = links([("x", compile_link(source))], incident, SEEN)
    return link


def alert(starts_at: float) -> Alert:
    return Alert("alertmanager", "f", AlertStatus.FIRING, {}, {}, starts_at)


# --- the window


def test_the_window_begins_before_the_onset_and_ends_now() -> None:
    """The first alert began before the incident opened, and its causes should be visible."""
    assert window(INCIDENT, [alert(AT - 300), alert(AT - 60)], AT + 60) == Window(
        AT - 300 - BEFORE, AT - 300, AT + 60
    )


def test_the_window_of_a_closed_incident_ends_a_little_after_it() -> None:
    """The recovery is in it, and the days since aren't."""
    closed = replace(INCIDENT, closed_at=AT + 600)
    assert window(closed, [], AT + 90_000).end == AT + 600 + AFTER
    assert window(closed, [], AT + 601).end == AT + 601


@pytest.mark.parametrize("starts_at", [AT - 90_000, -62135596800.0, AT + 5, 0.0])
def test_an_onset_that_cannot_be_is_the_opening(starts_at: float) -> None:
    """An alert that fired for weeks, or has no start, doesn't stretch the window."""
    assert window(INCIDENT, [alert(starts_at)], AT + 60).onset == AT


@given(st.floats(0, 4e9), st.floats(0, 4e9), st.none() | st.floats(0, 4e9), st.floats(0, 4e9))
def test_a_window_is_never_upside_down(
    opened: float, began: float, closed: float | None, now: float
) -> None:
    """For any times."""
    seen = window(replace(INCIDENT, opened_at=opened, closed_at=closed), [alert(began)], now)
    assert seen.start < seen.onset <= opened <= seen.end


# --- the query


def test_the_query_of_an_alert_is_in_its_generator_url() -> None:
    """As Prometheus writes it (wire/10, 10.3)."""
    assert query_of(INCIDENT.url) == EXPR


@pytest.mark.parametrize(
    "url", ["", "https://sentry.example/issues/1", "http://[", "http://p/graph?g0.tab=1"]
)
def test_a_url_without_a_query_has_none(url: str) -> None:
    assert query_of(url) == ""


# --- links


@pytest.mark.parametrize(
    ("source", "url"),
    [
        (
            "https://x/{{ labels.service }}?q={{ labels.quote }}",
            "https://x/api%20%26%20web?q=a%22b",
        ),
        (
            "https://x/?a={{ start }}&b={{ end }}",
            "https://x/?a=2026-11-23T16%3A59%3A01Z&b=2026-11-23T18%3A14%3A01Z",
        ),
        ("https://x/?a={{ start_s }}&b={{ end_s }}", "https://x/?a=1795453141&b=1795457641"),
        (
            "https://x/?a={{ start_ms }}&b={{ end_ms }}",
            "https://x/?a=1795453141000&b=1795457641000",
        ),
        (
            "https://x/{{ name }}/{{ id }}/{{ rule }}/{{ severity }}/{{ source }}",
            "https://x/INC-7/7/api-errors/P1/alertmanager",
        ),
        ("{{ annotations.dashboard | raw }}&z=1", "https://g.example/d/x?y=1&z=1"),
        (
            "https://x/?p={{ {'expr': labels.quote, 'to': end_s} | json }}",
            "https://x/?p=%7B%22expr%22%3A%22a%5C%22b%22%2C%22to%22%3A1795457641%7D",
        ),
        ("https://x/{{ labels.region | default('eu') }}", "https://x/eu"),
        (
            "https://x/{% if labels.region %}{{ labels.region }}{% else %}any{% endif %}",
            "https://x/any",
        ),
        ("  https://x/  ", "https://x/"),
    ],
)
def test_a_link_is_made_from_the_incident_and_its_time(source: str, url: str) -> None:
    """Each expression is encoded, so that no label can break out of its place."""
    assert made(source) == Link("x", url)


NOT_WEB = "the template's result isn't an http or https URL"


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("https://x/{{ labels.region }}", "there's no 'region'"),
        ("https://x/{{ 'region=' ~ labels.region }}", "there's no 'region'"),
        ("https://x/{{ {'a': labels.region} | json }}", "there's no 'region'"),
        ("https://x/{{ 1 / 0 }}", "division by zero"),
        ("{{ labels.quote | raw }}", NOT_WEB),
        ("https://x/a b", NOT_WEB),
        ("https://x/{{ labels.service | raw }}", NOT_WEB),
        ("https://x/" + "y" * 2000, "the URL is longer than 2000 characters"),
    ],
)
def test_a_link_that_fails_says_why(source: str, problem: str) -> None:
    """Half a URL would lead astray."""
    assert made(source) == Link("x", problem=problem)


def test_a_link_may_be_meant_for_some_incidents_only() -> None:
    """Then the others don't have it; that's no failure."""
    template = compile_link("{{ url | raw if source == 'sentry' }}")
    assert links([("x", template)], INCIDENT, SEEN) == []
    assert (
        links([("x", template)], replace(INCIDENT, source="sentry", url="https://s/1"), SEEN)[0].url
        == "https://s/1"
    )


def test_one_that_fails_leaves_the_others_alone() -> None:
    """And isn't in messages."""
    templates = [
        (str(n), compile_link(s))
        for n, s in enumerate(["https://a/", "{{ labels.no }}", "https://b/"])
    ]
    found = links(templates, INCIDENT, SEEN)
    assert [link.name for link in found if link.problem] == ["1"]
    assert usable(found) == (("0", "https://a/"), ("2", "https://b/"))


def test_an_alert_without_a_query_has_no_link_about_one() -> None:
    """Sentry's has none."""
    assert made("https://p/graph?g0.expr={{ query }}").url
    assert made(
        "https://p/graph?g0.expr={{ query }}", replace(INCIDENT, url="https://sentry.example/1")
    ).problem


@given(st.text(max_size=50))
def test_no_label_leaves_its_place(text: str) -> None:
    """Any label keeps the URL's structure, and is decoded unchanged."""
    incident = replace(INCIDENT, labels={"a": text})
    link = made("https://x.example/p/{{ labels.a }}/q?a={{ labels.a }}&b=1#f", incident)
    if "\ud800" <= max(text, default="") <= "\udfff" or any(
        "\ud800" <= c <= "\udfff" for c in text
    ):
        return
    parts = urlsplit(link.url)
    assert (parts.hostname, parts.fragment) == ("x.example", "f")
    assert unquote(parts.path.split("/")[2]) == text
    assert parse_qs(parts.query, keep_blank_values=True) == {"a": [text], "b": ["1"]}


def shipped() -> list[tuple[str, str]]:
    """The commented links of config.example.yaml."""
    text = (ROOT / "config.example.yaml").read_text()
    block = re.search(r"^# links:\n(?:^#   .*\n)+", text, re.MULTILINE)
    assert block
    found: Any = yaml.safe_load(re.sub("^# ", "", block[0], flags=re.MULTILINE))
    return [(link["name"], link["url"]) for link in found["links"]]


def test_the_shipped_links_lead_where_they_say() -> None:
    """Once uncommented: the query whole, the times in the form that each service takes (wire/09,
    9.5).
    """
    found = {name: made(source).url for name, source in shipped() if name != "Sentry issue"}
    sentry = replace(INCIDENT, source="sentry", url="https://sentry.example/issues/1")
    assert made(dict(shipped())["Sentry issue"], sentry).url == "https://sentry.example/issues/1"
    assert [name for name, url in found.items() if not url] == []
    logs = found["Cloud Run logs"]
    assert (
        ";timeRange=2026-11-23T16%3A59%3A01Z%2F2026-11-23T18%3A14%3A01Z?project=my-project" in logs
    )
    wanted = (
        'resource.type="cloud_run_revision" severity>=ERROR resource.labels.service_name="api & '
        'web"'
    )
    assert unquote(logs.partition(";query=")[2].partition(";")[0]) == wanted
    panes = msgspec.json.decode(parse_qs(urlsplit(found["Grafana Explore"]).query)["panes"][0])
    assert panes["a"]["queries"][0]["expr"] == EXPR
    assert panes["a"]["range"] == {"from": "1795453141000", "to": "1795457641000"}
    assert parse_qs(urlsplit(found["Prometheus graph"]).query)["g0.expr"] == [EXPR]
    assert parse_qs(urlsplit(found["Prometheus graph"]).query)["g0.end_input"] == [
        "2026-11-23 18:14:01"
    ]
    assert parse_qs(urlsplit(found["Supabase logs"]).query)["its"] == ["2026-11-23T16:59:01Z"]


def test_a_name_that_a_link_is_not_given_is_a_mistake() -> None:
    """It's said when the config is read, and not at night."""
    with pytest.raises(ValueError, match="expected one of annotations, end, end_ms"):
        compile_link("https://x/{{ start_iso }}")
