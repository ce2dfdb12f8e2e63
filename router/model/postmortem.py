"""The follow-up of an incident: the post-mortem and its action items."""

from msgspec import Struct


class Item(Struct, frozen=True, gc=False):
    """An action item of a post-mortem, open until `done_at`.

    number: counts the incident's items from 1.
    owner: the person who does it, by `due_at` (UTC seconds).
    key: chosen by the client that adds it, so that a repeated request has no second effect.
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


class Extra(Struct, frozen=True):
    """A section that people added, with its heading."""

    title: str
    text: str


class Words(Struct, frozen=True):
    """The texts of a post-mortem that people write, as Markdown.

    `users_affected`, `revenue` and `services` are the impact, on one line each.
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


class Written(Words, frozen=True):
    """Texts that people wrote in a post-mortem; `extra` holds sections that they added."""

    extra: tuple[Extra, ...] = ()

    @property
    def is_empty(self) -> bool:
        texts = (getattr(self, name) for name in Words.__struct_fields__)
        return not self.extra and not any(text.strip() for text in texts)
