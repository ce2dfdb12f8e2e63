"""Parse a post-mortem that people edited as Markdown, without losing any of their text.

Each section is compared with the one that the router renders now. Texts in the parts for people are
stored, and so are sections that people added. Any other text that can't be stored is reported as a
problem, and then nothing is written.
"""

import re
from collections.abc import Iterator

from msgspec import Struct
from msgspec.structs import replace

from router.core.postmortem.document import LESSONS, PARTS, Case, Section, sections
from router.core.postmortem.markdown import headings, tidy, unescaped
from router.model.postmortem import Extra, Written

FACTS = {
    "Users Affected": "users_affected",
    "Revenue Impact": "revenue",
    "Services Affected": "services",
}
"""The facts under Impact that people write, and their fields."""

_FACT = re.compile(r"- \*\*([^*]+):\*\* (.*)")
_LESSON = re.compile(r"\*\*([^*]+):\*\*")
_HINT = re.compile(r"\*[^*]*: to be written\*|\*to be written\*")
SHOWN = 80
"""Maximum characters of a line that a problem quotes."""


class Parsed(Struct, frozen=True):
    """The texts of people, or the problems that keep them from being stored."""

    written: Written
    problems: tuple[str, ...] = ()


def parsed(text: str, case: Case) -> Parsed:
    """Read the Markdown of a whole post-mortem."""
    made = {section.title: section.text for section in sections(replace(case, written=Written()))}
    before = {section.title: section.text for section in sections(case)}
    fields: dict[str, str] = {}
    extra: list[Extra] = []
    problems: list[str] = []
    seen: set[str] = set()
    for given in split(text):
        if given.title in seen or given.title not in made:
            extra.append(Extra(given.title, tidy(given.text)))
        elif given.text == before[given.title].strip("\n"):
            fields |= _as_before(given.title, case.written)
        elif given.title in PARTS:
            fields[PARTS[given.title]] = _words(given.text)
        elif given.title == "Impact":
            found, wrong = _impact(given.text, made["Impact"], case.written)
            fields |= found
            problems += wrong
        elif given.title == "Lessons Learned":
            found, wrong = _lessons(given.text)
            fields |= found
            problems += wrong
        else:
            problems += _changed(given, made[given.title])
        seen.add(given.title)
    return Parsed(Written(**fields, extra=tuple(extra)), tuple(problems))


def split(text: str) -> Iterator[Section]:
    """Yield the parts of a document, at each heading of the second level; the head comes first."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    title, begin = "", 0
    for start, end, heading in headings("\n".join(lines)):
        yield Section(title, "\n".join(lines[begin:start]).strip("\n"))
        title, begin = heading, end
    yield Section(title, "\n".join(lines[begin:]).strip("\n"))


def _as_before(title: str, written: Written) -> dict[str, str]:
    """Return the fields of a section that nobody changed."""
    names = [PARTS[title]] if title in PARTS else []
    names += FACTS.values() if title == "Impact" else ()
    names += LESSONS.values() if title == "Lessons Learned" else ()
    return {name: getattr(written, name) for name in names}


def _words(text: str) -> str:
    text = tidy(text)
    return "" if _HINT.fullmatch(text) else text


def _impact(text: str, made: str, written: Written) -> tuple[dict[str, str], list[str]]:
    """Return the facts under Impact, and the lines that are not facts."""
    known = set(made.split("\n"))
    fields = dict.fromkeys(FACTS.values(), "")
    problems = []
    for line in filter(str.strip, text.split("\n")):
        found = _FACT.fullmatch(line.strip())
        if found and found[1] in FACTS:
            value = unescaped(found[2])
            default = line.strip() in known and not getattr(written, FACTS[found[1]])
            fields[FACTS[found[1]]] = "" if default or _HINT.fullmatch(found[2]) else value
        elif line.strip() not in known:
            problems.append(_problem("Impact", line))
    return fields, problems


def _lessons(text: str) -> tuple[dict[str, str], list[str]]:
    """Return the text below each of the three names, and the text above the first name."""
    fields: dict[str, list[str]] = {name: [] for name in LESSONS.values()}
    current: list[str] = []
    above = current
    for line in text.split("\n"):
        found = _LESSON.fullmatch(line.strip())
        if found and found[1] in LESSONS:
            current = fields[LESSONS[found[1]]]
        else:
            current.append(line)
    problems = [_problem("Lessons Learned", line) for line in above if line.strip()]
    return {name: _words("\n".join(lines)) for name, lines in fields.items()}, problems


def _changed(given: Section, made: str) -> list[str]:
    """Return a problem for each added line. Missing lines are no problem: they're restored."""
    known = {line.strip() for line in made.split("\n")}
    lines = [line for line in given.text.split("\n") if line.strip()]
    title = given.title or "head"
    return [_problem(title, line) for line in lines if line.strip() not in known]


def _problem(title: str, line: str) -> str:
    quoted = line.strip()
    quoted = quoted if len(quoted) <= SHOWN else f"{quoted[: SHOWN - 1]}…"
    return f"{title}: the router writes this section, so it can't keep the line '{quoted}'"
