"""Which rules were in force when: a revision, and the commit of the files that it was loaded from."""

from msgspec import Struct


class Load(Struct, frozen=True):
    """The files were loaded at the time `at` because of `by`: `start`, `SIGHUP`, `/-/reload`.

    `commit` is git's of the folder that they're in, "" where that's unknown; `dirty`: they differed
    from that commit.
    """

    at: float
    by: str
    commit: str = ""
    dirty: bool = False


class Revision(Struct, frozen=True):
    """All loads of the same content from another commit than the one before, the oldest first."""

    loads: tuple[Load, ...]

    def at(self, at: float) -> Load:
        """The load that was in force then."""
        return next((load for load in reversed(self.loads) if load.at <= at), self.loads[0])


def loaded(before: Revision | None, load: Load) -> Revision | None:
    """With that load; None if it says nothing new."""
    if before is None:
        return Revision((load,))
    last = before.loads[-1]
    same = (last.commit, last.dirty) == (load.commit, load.dirty)
    return None if same else Revision((*before.loads, load))
