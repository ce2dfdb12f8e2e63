"""Links in the config: unique names and valid templates."""

import re
from pathlib import Path

import pytest

from router.app import load_config
from router.config.located import Invalid
from tests.daemon import write_config


@pytest.mark.parametrize(
    ("name", "url", "problem"),
    [
        (
            "Runbook",
            "https://x/",
            "another link is named 'Runbook': give this one a different name",
        ),
        ("logs", "https://x/", "another link is named 'logs'"),
        ("", "https://x/", "one line of at most 40 characters"),
        ("x" * 41, "https://x/", "one line of at most 40 characters"),
        ("a\nb", "https://x/", "one line of at most 40 characters"),
        ("More", "ftp://x/", "expected a URL that begins with https:// or http://"),
        ("More", "javascript:alert(1)", "expected a URL that begins with https:// or http://"),
        ("More", "https://x/{{ lables.service }}", "expected one of annotations"),
        ("More", "https://x/{{ labels.service", "line 1"),
        ("More", "https://x/{{ labels.service | shell }}", "expected one of the filters"),
    ],
)
def test_a_link_that_cannot_work_is_a_mistake(
    tmp_path: Path, name: str, url: str, problem: str
) -> None:
    """It's said with its place when the config is read."""
    links = [
        {"name": "Logs", "url": "https://logs/{{ labels.service }}"},
        {"name": name, "url": url},
    ]
    with pytest.raises(Invalid, match=r"config\.yaml:\d+:\d+: .*" + problem):
        load_config(write_config(tmp_path, links=links))
    load_config(write_config(tmp_path, links=links[:1]))


def test_a_runbook_that_is_no_link_is_warned_of(tmp_path: Path) -> None:
    """Messages leave it out, wherever it's written; the config is still accepted."""
    rules = [
        {"name": "linked", "severity": "P2", "runbook": "https://x/runbook"},
        {"name": "path", "severity": "P2", "runbook": "runbooks/api.md"},
    ]
    path = write_config(
        tmp_path,
        rules,
        default_rule={"runbook": "ask ana"},
        heartbeats={"backup": {"every": "1d", "secret": "x", "runbook": "javascript:alert(1)"}},
    )
    warnings = [str(warning) for warning in load_config(path).warnings]
    assert len([warning for warning in warnings if "leave out the runbook" in warning]) == 3
    for place, runbook in (
        ("rules", "runbooks/api.md"),
        ("config", "ask ana"),
        ("config", "javascript:alert(1)"),
    ):
        found = rf"{place}\.yaml:\d+:\d+: .*'{re.escape(runbook)}': write a URL"
        assert any(re.search(found, warning) for warning in warnings), warnings
