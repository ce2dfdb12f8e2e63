"""A config may leave the API open only on loopback, or with an explicit option."""

from pathlib import Path

import pytest

from router.app import TYPES
from router.config.load import load
from router.config.located import Invalid

CONFIG = """
rules: []
expose_insecure: true
sources: {alertmanager: {insecure: true}}
channels: {log: {type: console}}
severities: {P0: {policy: all}, P1: {policy: all}, P2: {policy: all}, P3: {policy: all}}
policies: {all: {steps: [{notify: [channel:log]}]}}
"""
TOKEN = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


@pytest.mark.parametrize(
    ("listen", "auth", "taken"),
    [
        ("127.0.0.1:9095", "", True),
        ("localhost:9095", "", True),
        ("'[::1]:9095'", "", True),
        ("0.0.0.0:9095", "", False),
        ("0.0.0.0:9095", "auth: {}", False),
        ("0.0.0.0:9095", "auth: {tokens: {}}", False),
        ("0.0.0.0:9095", "auth: {insecure: false}", False),
        ("0.0.0.0:9095", "auth: {insecure: true}", True),
        ("0.0.0.0:9095", "auth: {users: {}}", True),
        ("0.0.0.0:9095", f"auth: {{tokens: {{ana: {{sha256: {TOKEN}}}}}}}", True),
    ],
)
def test_an_open_api_must_be_meant(listen: str, auth: str, taken: bool, tmp_path: Path) -> None:
    """Without a token, an address that others reach takes the words `insecure: true`."""
    path = tmp_path / "config.yaml"
    path.write_text(f"{CONFIG}listen: {listen}\n{auth}\n")
    if taken:
        load(path, {}, TYPES)
        return
    with pytest.raises(Invalid) as invalid:
        load(path, {}, TYPES)
    (problem,) = invalid.value.problems
    assert "the API would be open" in problem.message


def test_a_mistake_in_auth_is_one_problem(tmp_path: Path) -> None:
    """A token that's written wrong isn't also called missing."""
    path = tmp_path / "config.yaml"
    path.write_text(f"{CONFIG}listen: 0.0.0.0:9095\nauth: {{tokens: {{ana: {{sha256: short}}}}}}\n")
    with pytest.raises(Invalid) as invalid:
        load(path, {}, TYPES)
    (problem,) = invalid.value.problems
    assert "sha256" in problem.message


@pytest.mark.parametrize("listen", ["0.0.0.0:9095", "router.lan:9095", "'[::]:9095'"])
@pytest.mark.parametrize("more", ["", "heartbeats: {job: {every: 1d, insecure: true}}"])
def test_what_needs_no_credentials_is_exposed_only_on_purpose(
    listen: str, more: str, tmp_path: Path
) -> None:
    """A source or heartbeat with `insecure: true` and a `listen` for others need a second word."""
    path = tmp_path / "config.yaml"
    whole = f"{CONFIG}listen: {listen}\nauth: {{insecure: true}}\n{more}\n"
    path.write_text(whole.replace("expose_insecure: true\n", ""))
    names = ["sources.alertmanager", *(["heartbeats.job"] if more else [])]
    with pytest.raises(Invalid) as invalid:
        load(path, {}, TYPES)
    problems = sorted(problem.message.split(" ")[0] for problem in invalid.value.problems)
    assert problems == sorted(names)
    path.write_text(whole)
    assert (
        sorted(warning.message.split(" ")[0] for warning in load(path, {}, TYPES).warnings)
        == problems
    )


def test_on_loopback_nothing_is_exposed(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(CONFIG.replace("expose_insecure: true\n", ""))
    assert load(path, {}, TYPES).warnings == ()
