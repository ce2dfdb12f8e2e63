"""A post-mortem as the Markdown file that `postmortem edit` opens."""

import re
from collections.abc import Mapping

FIELDS = {
    "summary": "Summary",
    "root_cause": "Root cause",
    "users_affected": "Users affected (one line)",
    "revenue": "Revenue impact (one line)",
    "services": "Services affected (one line)",
    "resolution": "Resolution",
    "went_well": "What went well",
    "improve": "What could be improved",
    "prevent": "Preventive measures",
}
"""Field of the API -> heading in the file."""

_NAMES = {f"## {label}": name for name, label in FIELDS.items()}
_HEADING = re.compile(
    rf"^(\\*)(## (?:{'|'.join(map(re.escape, FIELDS.values()))}))[ \t]*$", re.MULTILINE
)


def form(written: Mapping[str, str]) -> str:
    """The file: each field below its heading.

    A line of the text that equals such a heading gets a backslash, which `read` removes.
    """
    texts = {name: _HEADING.sub(r"\\\1\2", written[name]) for name in FIELDS}
    return "\n\n".join(f"## {FIELDS[name]}\n\n{text}" for name, text in texts.items()) + "\n"


def read(text: str) -> dict[str, str]:
    """The fields in a file. No line of it is lost.

    Text above the first heading belongs to the summary. Headings other than those of the form
    are part of the field that they are in.
    """
    found: dict[str, list[str]] = {name: [] for name in FIELDS}
    current = found["summary"]
    for line in text.split("\n"):
        match = _HEADING.match(line)
        if match and not match[1]:
            current = found[_NAMES[match[2]]]
        else:
            current.append(line[1:] if match else line)
    return {name: "\n".join(lines).strip("\n") for name, lines in found.items()}
