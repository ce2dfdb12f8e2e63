"""A post-mortem as a file that people edit as well: made anew, their edits stay, and none is ever
overwritten.

The file's front matter has a digest of each section as it was exported. So for each section it's
known who changed it
since: if only the router did, its text is taken; if only people did, theirs; if both did, it's a
conflict, and the file stays as it is.
"""

import json
import re
from collections.abc import Sequence
from hashlib import blake2b

from msgspec import Struct

from router.core.postmortem.document import Section, assembled

_FRONT = re.compile(r"\A---\nincident: [^\n]*\nsections: (\{[^\n]*\})\n---\n\n?", re.MULTILINE)


class Exported(Struct, frozen=True):
    """The file's text, or what of it can't be put together: the titles of the sections that both
    have changed.
    """

    text: str
    conflicts: tuple[str, ...] = ()


def exported(name: str, made: Sequence[Section], there: str | None) -> Exported:
    """What becomes of the file of the incident `name`, which holds `there` (None: it isn't there
    yet).
    """
    if there is None:
        return Exported(_file(name, made, made))
    known, held = _digests(there), _split(there, [section.title for section in made])
    if known is None or held is None:
        whole = assembled(made).strip() == _FRONT.sub("", there).strip()
        return Exported(there, () if whole else ("the whole file",))
    kept, conflicts = [], []
    for mine, theirs in zip(made, held, strict=True):
        changed = _digest(theirs.text) != known.get(theirs.title)
        if changed and _digest(mine.text) != known.get(mine.title) and mine.text != theirs.text:
            conflicts.append(mine.title or "the head")
        kept.append(theirs if changed else mine)
    if conflicts:
        return Exported(there, tuple(conflicts))
    return Exported(_file(name, kept, made))


def _file(name: str, shown: Sequence[Section], made: Sequence[Section]) -> str:
    """With the digests of what the router made, which people's edits are told by."""
    digests = json.dumps({section.title: _digest(section.text) for section in made})
    return f"---\nincident: {name}\nsections: {digests}\n---\n\n{assembled(shown)}"


def _digest(text: str) -> str:
    return blake2b(text.strip().encode(), digest_size=8).hexdigest()


def _digests(text: str) -> dict[str, str] | None:
    front = _FRONT.match(text)
    if front is None:
        return None
    try:
        return dict(json.loads(front[1]))
    except ValueError:
        return None


def _split(text: str, titles: Sequence[str]) -> list[Section] | None:
    """The sections of a file, if it has these, each once and in this order."""
    body = _FRONT.sub("", text.replace("\r\n", "\n"))
    found = [Section("", "")]
    for line in body.split("\n"):
        if line.startswith("## ") and line[3:].strip() in titles:
            found.append(Section(line[3:].strip(), ""))
        else:
            found[-1] = Section(found[-1].title, f"{found[-1].text}{line}\n")
    if [section.title for section in found] != list(titles):
        return None
    return [Section(section.title, section.text.strip("\n")) for section in found]
