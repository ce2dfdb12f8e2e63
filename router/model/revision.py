"""Revisions: the rules that were in force at a time, and the commit of their files."""

from msgspec import Struct


class Load(Struct, frozen=True):
    """The files were loaded at `at` by `by`: `start`, `SIGHUP`, `/-/reload`.

    commit: of the files' repository; "" if unknown.
    dirty: the files differed from that commit.
    """

    at: float
    by: str
    commit: str = ""
    dirty: bool = False


class Revision(Struct, frozen=True):
    """All loads of the same content from another commit than the one before, the oldest first."""

    loads: tuple[Load, ...]

    def at(self, at: float) -> Load:
        """The load in force at that time."""
        return next((load for load in reversed(self.loads) if load.at <= at), self.loads[0])


def loaded(before: Revision | None, load: Load) -> Revision | None:
    """With that load; None if it changes nothing."""
    if before is None:
        return Revision((load,))
    last = before.loads[-1]
    same = (last.commit, last.dirty) == (load.commit, load.dirty)
    return None if same else Revision((*before.loads, load))
