"""A post-mortem as a file that people may edit. Their edits are never overwritten.

The file's front matter has a digest of each exported section. It shows who has changed the section
since: only the router (its text is used), only people (their text is kept), or both (a conflict:
the file is kept).
"""

import json
import re
from collections.abc import Sequence
from hashlib import blake2b

from msgspec import Struct

from router.core.postmortem.document import Section, assembled

_FRONT = re.compile(r"\A---\nincident: [^\n]*\nsections: (\{[^\n]*\})\n---\n\n?", re.MULTILINE)


class Exported(Struct, frozen=True):
    """The file's text, or the titles of the sections in conflict."""

    text: str
    conflicts: tuple[str, ...] = ()


def exported(name: str, made: Sequence[Section], there: str | None) -> Exported:
    """Return the new file of the incident `name`. `there` is the existing file, None if missing."""
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
    """Return a file with digests of the router's sections, to recognize later edits."""
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
    """Return the sections of a file if it has exactly these titles, in this order."""
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
