"""Capabilities of channels follow from their options, and are typed."""

import pytest

from router.config.channel_options import Capabilities, ChannelOptions


def test_a_plain_channel_can_do_nothing_special() -> None:
    assert ChannelOptions().capabilities == Capabilities()


@pytest.mark.parametrize(("to", "there"), [(None, True), ((), False), (("+442079460123",), True)])
def test_a_channel_whose_recipients_are_listed_needs_one(
    to: tuple[str, ...] | None, there: bool
) -> None:
    """Otherwise it serves people who have an address of their own, and nobody else."""
    assert Capabilities(to=to).has_destination is there
