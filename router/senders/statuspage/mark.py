"""The router's mark in the `metadata` of incidents at Statuspage, and the state they share."""

from collections.abc import Iterable, Mapping

import msgspec
from msgspec import Struct

from router.core.communication.notice import INDICATORS
from router.model.statuspage import ComponentState
from router.senders.statuspage.api import Remote

METADATA = "router"


class Kept(Struct, frozen=True):
    """The mark: the router's own incident or maintenance, and the newest update of it there."""

    incident: str = ""
    seen: int = msgspec.field(name="told", default=0)


def kept(remote: Remote) -> Kept:
    """Return the mark; an empty one where it's missing or unreadable."""
    try:
        return msgspec.convert((remote.metadata or {}).get(METADATA, {}), Kept)
    except msgspec.ValidationError:
        return Kept()


def marked(ours: Remote | None, key: str, seen: int) -> Mapping[str, object]:
    """Return the metadata to write. Keys of others are kept."""
    return {**(ours.metadata or {} if ours else {}), METADATA: Kept(key, seen)}


def worst(component: str, others: Iterable[Remote], own: ComponentState) -> ComponentState:
    """Return the component's worst state: its own, or that of another incident that has it."""
    states = {indicator: state for state, indicator in INDICATORS.items()}
    found = [
        states.get(remote.impact, ComponentState.OPERATIONAL)
        for remote in others
        if component in remote.component_ids
    ]
    return max([*found, own], key=lambda state: state.rank)
