"""What follows an incident once it's over: the post-mortem, and what is to be done so that it
doesn't come again.
"""

from msgspec import Struct


class Item(Struct, frozen=True, gc=False):
    """An action item of a post-mortem. `number` counts those of an incident from 1.

    `owner` is whoever does it, by `due_at` (UTC seconds). `key` is chosen by whoever adds it, so
    that adding it again has no second effect. It's open until `done_at`.
    """

    number: int
    text: str
    owner: str
    due_at: float
    added_by: str
    added_at: float
    key: str = ""
    done_by: str = ""
    done_at: float | None = None

    @property
    def is_open(self) -> bool:
        return self.done_at is None


class Written(Struct, frozen=True):
    """What people write into a post-mortem, as Markdown; all the rest of it is made from the
    incident.

    `users_affected`, `revenue` and `services` are its impact, on one line each.
    """

    summary: str = ""
    root_cause: str = ""
    users_affected: str = ""
    revenue: str = ""
    services: str = ""
    resolution: str = ""
    went_well: str = ""
    improve: str = ""
    prevent: str = ""
