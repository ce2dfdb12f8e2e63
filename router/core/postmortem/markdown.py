"""Text as Markdown: alerts can't say more in it than they say, and people can't write over their
section's end.
"""

import functools
import re
from typing import TYPE_CHECKING

from router.core.text.plain import plain

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_SPECIAL = re.compile(r"([\\`*_\[\]<>&~|$!#{}])")
_UNSEEN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_END = "\n\n## end\n"


def escaped(text: str) -> str:
    """`text` on one line, as itself. It has to stand behind something on its line: at the start
    `1.` makes a list.

    Whatever may mark something up has a backslash
    (https://spec.commonmark.org/0.31.2/#backslash-escapes), and what GitHub adds to that as well. A
    name isn't called by the zero-width space in `@name`.
    """
    return _SPECIAL.sub(r"\\\1", plain(text)).replace("@", "@\u200b")


def contained(text: str) -> str:
    """What a person wrote as Markdown, if it ends where it ends; else in a fence, as it was typed.

    What doesn't end is a code block that isn't closed, say, or HTML; nor may it have headings like
    those around it.
    """
    text = tidy(text)
    if not text or _stays(text):
        return text
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}text\n{text}\n{fence}"


def tidy(text: str) -> str:
    """Without what nobody sees, and without blank lines around it."""
    return (
        _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip("\n ").expandtabs(4)
    )


def _stays(text: str) -> bool:
    tokens = _parser().parse(text + _END)
    headings = [token for token in tokens if token.type == "heading_open" and token.level == 0]
    if [token.tag for token in headings if token.tag in {"h1", "h2"}] != ["h2"]:
        return False
    return [token.type for token in tokens[-3:]] == [
        "heading_open",
        "inline",
        "heading_close",
    ] and (tokens[-2].content == "end" and not any(token.type == "html_block" for token in tokens))


@functools.cache
def _parser() -> "MarkdownIt":
    from markdown_it import MarkdownIt  # noqa: PLC0415 - only who writes a post-mortem needs it

    return MarkdownIt("commonmark")
