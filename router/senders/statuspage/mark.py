"""The router's mark in the `metadata` of incidents at Statuspage, and the components' states."""

from collections.abc import Iterable, Mapping

import msgspec
from msgspec import Struct

from router.core.communication.notice import INDICATORS
from router.model.statuspage import ComponentState
from router.senders.statuspage.api import Remote

METADATA = "router"


class Kept(Struct, frozen=True):
    """The mark: the key of the router's incident or maintenance, and its newest update there."""

    incident: str = ""
    seen: int = msgspec.field(name="told", default=0)


def kept(remote: Remote) -> Kept:
    """Return the mark, an empty one if it's missing or unreadable."""
    try:
        return msgspec.convert((remote.metadata or {}).get(METADATA, {}), Kept)
    except msgspec.ValidationError:
        return Kept()


def marked(ours: Remote | None, key: str, seen: int) -> Mapping[str, object]:
    """Return the metadata to write, which keeps the keys that others have set."""
    return {**(ours.metadata or {} if ours else {}), METADATA: Kept(key, seen)}


def worst(component: str, others: Iterable[Remote], own: ComponentState) -> ComponentState:
    """Return the component's worst state: `own`, or by another incident that affects it."""
    states = {indicator: state for state, indicator in INDICATORS.items()}
    found = [
        states.get(remote.impact, ComponentState.OPERATIONAL)
        for remote in others
        if component in remote.component_ids
    ]
    return max([*found, own], key=lambda state: state.rank)
