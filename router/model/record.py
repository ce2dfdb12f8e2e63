"""A document that the store keeps beside incidents: an override, a heartbeat, a deployment."""

from msgspec import Struct


class Record(Struct, frozen=True, gc=False):
    """One document, by `kind` and `id`. `doc` is JSON in the format of its kind.

    Documents of a kind are listed by `at` (UTC seconds). `version` counts the writes: a document of
    version 1 is new, and any other version replaces the previous one.
    """

    kind: str
    id: str
    at: float
    version: int
    doc: str
