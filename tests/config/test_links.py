"""Links in the config: unique names and valid templates."""

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
