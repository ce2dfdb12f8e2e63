"""Times on pages: by the reader's clock, relative, and in UTC on hover."""

import jinja2
import pytest

from router.web.pages import times

AT = 1795454041.977
"""2026-11-23 17:14:01 UTC."""


def shown(template: str, **given: object) -> str:
    environment = jinja2.Environment(autoescape=True)
    environment.filters |= {"time": times.time, "ago": times.ago, "localized": times.localized}
    return environment.from_string(template).render(given)


@pytest.mark.parametrize(
    ("now", "zone", "text"),
    [
        (AT + 60, "UTC", "17:14"),
        (AT + 60, "Europe/London", "17:14"),
        (AT + 60, "Asia/Tokyo", "02:14"),
        (AT + 8 * 3600, "UTC", "23 Nov 17:14"),
        (AT + 60 * 86_400, "America/New_York", "2026-11-23 12:14 EST"),
    ],
)
def test_a_time_is_by_the_readers_clock(now: float, zone: str, text: str) -> None:
    """With its day unless that is today, and its year unless that is this one; in UTC on hover."""
    html = shown("{{ at|time }}", at=AT, now=now, zone=zone)
    assert html == (
        f'<time datetime="2026-11-23T17:14:01+00:00" title="2026-11-23 17:14:01 UTC">{text}</time>'
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "now"), (-5, "5s ago"), (-75, "1m 15s ago"), (250, "in 4m 10s"), (-90_000, "1d 1h ago")],
)
def test_a_relative_time_is_a_distance_from_now(seconds: float, text: str) -> None:
    """The clock's time and UTC are shown on hover; a script keeps the distance current."""
    html = shown("{{ at|ago }}", at=AT + seconds, now=AT, zone="Asia/Tokyo")
    assert html.endswith(f" data-relative>{text}</time>")
    assert "JST · 2026-11-" in html


def test_no_time_is_nothing() -> None:
    """An incident that was never acknowledged has no such time."""
    assert shown("{{ none|time }}{{ none|ago }}") == ""


def test_a_time_within_a_text_is_by_the_readers_clock() -> None:
    """The text stays text, whatever it holds."""
    text = "snoozed until 2026-11-23 17:14 UTC <b>"
    html = shown("{{ text|localized }}", text=text, now=AT, zone="Asia/Tokyo")
    assert html.startswith('snoozed until <time datetime="2026-11-23T17:14:00+00:00"')
    assert html.endswith(">02:14</time> &lt;b&gt;")
