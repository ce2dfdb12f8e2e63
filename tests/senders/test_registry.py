"""Every kind of channel can be configured and built, and costs nothing where it isn't used."""

import inspect
import subprocess
import sys

import pytest

from router.config.channel_options import ChannelOptions
from router.senders import KINDS


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_has_its_config_and_builds_by_the_same_three_arguments(name: str) -> None:
    kind = KINDS[name]
    assert issubclass(kind.config(), ChannelOptions)
    assert len(inspect.signature(kind._loaded().build).parameters) == 3


def test_the_library_of_a_service_is_loaded_only_for_a_channel_of_it() -> None:
    program = """
import sys
from router.senders import KINDS
for name in ("console", "slack", "webhook"):
    KINDS[name].config()
print([name for name in ("slack_sdk", "pagerduty", "httpx2", "aiosmtplib") if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
