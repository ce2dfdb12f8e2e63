"""Reads the docs: their pages, fenced blocks and tables."""

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]


class Block(NamedTuple):
    """A fenced block: where it starts, its language, its mark, and what is in it."""

    page: Path
    line: int
    language: str
    mark: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks(language: str, *marks: str) -> list[Block]:
    found = [
        Block(page, text[: fence.start()].count("\n") + 1, *fence.groups())
        for page in PAGES
        for text in [page.read_text()]
        for fence in re.finditer(r"^```(\w*) ?([\w-]*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    ]
    return [
        block
        for block in found
        if block.language == language and (not marks or block.mark in marks)
    ]


def rows(page: str, heading: str = "") -> list[list[str]]:
    """The cells of the tables on a page, or under one of its headings, less their first line."""
    text = (ROOT / page).read_text()
    if heading:
        level = len(re.search(rf"^(#+) {re.escape(heading)}$", text, re.MULTILINE)[1])  # type: ignore[index]
        text = re.split(
            rf"^#{{1,{level}}} ", text.partition(f"# {heading}\n")[2], flags=re.MULTILINE
        )[0]
    lines = [line for line in text.splitlines() if line.startswith("|")]
    heads = {number - 1 for number, line in enumerate(lines) if re.fullmatch(r"[|\s-]+", line)}
    kept = [
        line
        for number, line in enumerate(lines)
        if number not in heads and not re.fullmatch(r"[|\s-]+", line)
    ]
    return [
        [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
        for line in kept
    ]


def names(table: list[list[str]], column: int = 0) -> list[str]:
    return [match[1] for row in table if (match := re.fullmatch(r"`([^`]+)`", row[column]))]
