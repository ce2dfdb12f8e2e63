"""A channel that asks people for answers needs somebody to receive them."""

from pathlib import Path
from typing import Any

import pytest

from router.app import load_config
from router.config.located import Invalid
from tests.daemon import write_config

TWILIO = {
    "account_sid": "AC" + "0" * 32,
    "auth_token": "x",
    "from": "+442079460999",
    "to": ["+442079460123"],
}
ANSWERED = {
    "twilio": (
        {"type": "sms", "callback_url": "https://router.example.com", **TWILIO},
        {"auth_token": "x"},
    ),
    "slack": (
        {"type": "slack", "token": "x", "channel": "#a", "buttons": True},
        {"signing_secret": "x"},
    ),
}


@pytest.mark.parametrize("source", ANSWERED)
def test_answers_that_nobody_takes_are_a_mistake(tmp_path: Path, source: str) -> None:
    """It's said which source is missing; with it, or without asking, all is well."""
    channel, config = ANSWERED[source]
    silent: dict[str, Any] = {
        key: value for key, value in channel.items() if key not in ("callback_url", "buttons")
    }
    policies = {"all": {"steps": [{"notify": ["channel:a"]}]}}
    alerts = {"alertmanager": {"bearer_token": "x"}}
    with pytest.raises(Invalid, match=f"add sources.{source} to receive them"):
        load_config(write_config(tmp_path, channels={"a": channel}, policies=policies))
    load_config(
        write_config(
            tmp_path, channels={"a": channel}, policies=policies, sources=alerts | {source: config}
        )
    )
    load_config(write_config(tmp_path, channels={"a": silent}, policies=policies))
