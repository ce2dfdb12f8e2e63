"""Untrusted text in Markdown: alerts can't add markup, and a person's text stays in its section."""

import functools
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from router.core.text.plain import plain, visible

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_SPECIAL = re.compile(r"([\\`*_\[\]<>&~|$!#{}])")
_END = "\n\n## end\n"


def escaped(text: str) -> str:
    """Return `text` on one line, with every markup character escaped.

    Don't put it at the start of a line, where `1.` would start a list. The escaped characters are
    those of CommonMark (https://spec.commonmark.org/0.31.2/#backslash-escapes) and of GitHub. A
    zero-width space in `@name` keeps GitHub from notifying that user.
    """
    return _SPECIAL.sub(r"\\\1", plain(text)).replace("@", "@\u200b")


def unescaped(text: str) -> str:
    """Return a line without the escapes of `escaped`."""
    return re.sub(r"\\([\\`*_\[\]<>&~|$!#{}])", r"\1", text).replace("@\u200b", "@")


def headings(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield the headings of the second level: first line, line after it, title."""
    tokens = _parser().parse(text)
    for token, inline in pairwise(tokens):
        if token.type == "heading_open" and token.tag == "h2" and token.level == 0 and token.map:
            yield token.map[0], token.map[1], plain(inline.content)


def contained(text: str) -> str:
    """Return a person's Markdown, in a code fence if it would affect later sections.

    Examples are an unclosed code block, HTML, or a heading of the document's own levels.
    """
    text = tidy(text)
    if not text or _stays(text):
        return text
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", text)), default=0))
    return f"{fence}text\n{text}\n{fence}"


def tidy(text: str) -> str:
    """Return `text` without invisible characters, and without blank lines around it."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    return visible(text).strip("\n ").expandtabs(4)


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
