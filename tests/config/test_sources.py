"""Sources have a name and a type, as channels have."""

from pathlib import Path
from typing import Any

import pytest

from router.app import TYPES
from router.config.load import load
from router.config.located import Invalid
from tests.daemon import write_config

OPEN = {"insecure": True}


def test_the_name_is_the_type_unless_one_is_given(tmp_path: Path) -> None:
    """Also for a name that is another type."""
    sources = {
        "alertmanager": OPEN,
        "am-eu": {"type": "alertmanager", **OPEN},
        "sentry": {"type": "grafana", **OPEN},
    }
    config = load(write_config(tmp_path, sources=sources), {}, TYPES)
    assert config.source_kinds == {
        "alertmanager": "alertmanager",
        "am-eu": "alertmanager",
        "sentry": "grafana",
    }
    assert list(config.sources) == list(sources)


@pytest.mark.parametrize(
    ("sources", "problem"),
    [
        ({"alertmanger": OPEN}, r"missing key 'type', did you mean 'alertmanager'\?"),
        ({"am-eu": OPEN}, r"missing key 'type' \(expected one of: alertmanager, github"),
        ({"am-eu": {"type": "nagios", **OPEN}}, "unknown type 'nagios'"),
        ({"am/eu": {"type": "alertmanager", **OPEN}}, "part of a URL"),
        ({"person": {"type": "alertmanager", **OPEN}}, "the source of alerts that people declare"),
        ({"alertmanager": {**OPEN, "colour": "red"}}, "unknown key 'colour'"),
        ({"alertmanager": {}}, "needs one of bearer_token"),
        ({}, "there is no source"),
    ],
)
def test_a_mistake_has_its_place(tmp_path: Path, sources: dict[str, Any], problem: str) -> None:
    """The error says what to do."""
    with pytest.raises(Invalid, match=rf"config.yaml:\d+:\d+: .*{problem}"):
        load(write_config(tmp_path, sources=sources), {}, TYPES)
