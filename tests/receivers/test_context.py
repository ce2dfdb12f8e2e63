"""Receiver context: contacts by phone and Slack id, and the router's own URLs."""

from pathlib import Path

from router.app import load_config
from router.receivers.context import ReceiverContext, masked
from tests.daemon import write_config

ACCOUNT = {"account_sid": "AC" + "0" * 32, "auth_token": "x", "from": "+442079460999"}
ANA, BEN = "+442079460123", "+442079460456"


def test_whoever_is_called_or_written_to_is_known(tmp_path: Path) -> None:
    """A contact by name, also if a channel lists the number; anybody else by what is left of it."""
    path = write_config(
        tmp_path,
        sources={"twilio": {"auth_token": "x"}},
        external_url="http://127.0.0.1:9095/",
        company={"name": "VintStreet"},
        contacts={
            "ana": {"phone": ANA, "slack": "U1"},
            "cleo": {"name": "Cleo Tan", "email": "cleo@example.com"},
        },
        channels={
            "log": {"type": "console"},
            "text": {"type": "sms", "to": [ANA, BEN], **ACCOUNT},
            "call": {"type": "voice", "callback_url": "https://router.example.com/", **ACCOUNT},
        },
    )
    assert ReceiverContext.of(load_config(path)) == ReceiverContext(
        urls=("https://router.example.com", "http://127.0.0.1:9095"),
        company="VintStreet",
        phones={ANA: "ana", BEN: "+44…456"},
        slack={"U1": "ana"},
        names={"ana": "ana", "cleo": "Cleo Tan"},
    )


def test_a_masked_number_cannot_be_called() -> None:
    """However short, or no number at all."""
    assert masked(ANA) == "+44…123"
    assert masked("") == "…"
