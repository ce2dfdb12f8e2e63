"""A digest depends on the number, account or URL of an address, and on nothing else."""

from msgspec.structs import replace

from router.config.destinations import destinations
from router.config.fields import Duration
from router.config.secret import Secret, SecretUrl
from router.senders.twilio.sms import SmsConfig
from router.senders.webhook import WebhookConfig

SMS = SmsConfig(account_sid="AC" + "0" * 32, auth_token=Secret("a"), from_="+442079460999")
HOOK = WebhookConfig(url=SecretUrl("https://example.com/hook"))


def test_a_changed_number_changes_only_its_own_address() -> None:
    before = destinations({"sms": SMS}, {"sms": {"ana": "+442079460123", "ben": "+442079460456"}})
    after = destinations({"sms": SMS}, {"sms": {"ana": "+442079460124", "ben": "+442079460456"}})
    assert {name for name in before if before[name] != after[name]} == {"sms/ana"}


def test_a_changed_account_changes_everybody_on_the_channel() -> None:
    people = {"sms": {"ana": "+442079460123"}}
    other = replace(SMS, account_sid="AC" + "1" * 32)
    before, after = (
        destinations({"sms": SMS, "hook": HOOK}, people),
        destinations({"sms": other, "hook": HOOK}, people),
    )
    assert {name for name in before if before[name] != after[name]} == {"sms", "sms/ana"}


def test_a_secret_url_counts_and_a_token_does_not() -> None:
    """A renewed token leads to the same place, and no digest may let a password be guessed."""
    moved = destinations({"hook": replace(HOOK, url=SecretUrl("https://example.com/other"))}, {})
    assert moved != destinations({"hook": HOOK}, {})
    renewed = replace(SMS, auth_token=Secret("b"), timeout=Duration(3.0))
    assert destinations({"sms": renewed}, {}) == destinations({"sms": SMS}, {})
