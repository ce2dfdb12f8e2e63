"""Revisions of the rules: when each was active, and the commit of its files."""

from msgspec import Struct

REVISION = "revision"
"""The kind of the documents that store the git commit of each revision of the rules."""


class Load(Struct, frozen=True):
    """One load of the rule files. `by` is its cause: `start`, `SIGHUP` or `/-/reload`.

    commit: of the files' repository; "" if unknown.
    dirty: the files differed from that commit.
    """

    at: float
    by: str
    commit: str = ""
    dirty: bool = False


class Revision(Struct, frozen=True):
    """The loads of the same rules, oldest first. A load is only stored if the commit changed."""

    loads: tuple[Load, ...]

    def at(self, at: float) -> Load:
        """The load that was active at that time."""
        return next((load for load in reversed(self.loads) if load.at <= at), self.loads[0])


def loaded(before: Revision | None, load: Load) -> Revision | None:
    """The revision with that load added; None if it changes nothing."""
    if before is None:
        return Revision((load,))
    last = before.loads[-1]
    same = (last.commit, last.dirty) == (load.commit, load.dirty)
    return None if same else Revision((*before.loads, load))
