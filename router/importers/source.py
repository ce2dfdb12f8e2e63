"""Reads other tools' files, YAML or JSON, with the place of each value."""

import re
from collections.abc import Collection, Iterator
from typing import Any

from router.config.located import (
    Entry,
    Invalid,
    ListNode,
    MapNode,
    Node,
    Place,
    Problem,
    ScalarNode,
)
from router.config.located import load as load_yaml

_PAIR = re.compile(r"\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")
"""A surrogate pair: JSON's escape of a character beyond 16 bits, which YAML doesn't support."""

_TRUE = frozenset({"true", "yes", "on"})

LEFT_OUT = "has no counterpart here: left out"


class _Use:
    """Records which keys of a mapping were read, and which need no remark."""

    def __init__(self, node: MapNode) -> None:
        self.node = node
        self.read: set[str] = set()
        self.done: set[str] = set()


class Report:
    """The remarks of an import: each names something in the export and how it was converted."""

    def __init__(self) -> None:
        self.remarks: list[Problem] = []
        self._uses: dict[int, _Use] = {}

    def use_of(self, node: MapNode) -> _Use:
        """Return the shared record of which keys of a mapping were read."""
        return self._uses.setdefault(id(node), _Use(node))

    def finish(self, node: Node, quiet: Collection[str] = ()) -> None:
        """Report every key below the node that nothing read, except those in `quiet`."""
        if isinstance(node, ListNode):
            for item in node.items:
                self.finish(item, quiet)
        elif isinstance(node, MapNode):
            use = self.use_of(node)
            left = {key: node.entries[key] for key in node.entries.keys() - use.done - {*quiet}}
            for key, entry in left.items():
                if key in use.read:
                    self.finish(entry.value, quiet)
                elif not _is_empty(entry.value):
                    self.add(entry.place, f"`{key}` {LEFT_OUT}")

    def add(self, place: Place, message: str) -> None:
        """Add a remark, once."""
        remark = Problem(place, message)
        if remark not in self.remarks:
            self.remarks.append(remark)

    @property
    def lines(self) -> list[str]:
        """`file:line:column: message`, in the order of the files."""
        return [str(problem) for problem in sorted(self.remarks)]


class Section:
    """A mapping in a file. Its report knows which of its keys were read."""

    def __init__(self, node: MapNode, report: Report) -> None:
        self.place = node.place
        self.report = report
        self._node = node
        self._entries = node.entries
        self._use = report.use_of(node)

    @classmethod
    def of(cls, place: Place, values: dict[str, Node], report: Report) -> "Section":
        """A section with these values, all with the same place."""
        return cls(
            MapNode(place, {key: Entry(place, node) for key, node in values.items()}), report
        )

    def __contains__(self, key: str) -> bool:
        entry = self._entries.get(key)
        return entry is not None and not _is_empty(entry.value)

    @property
    def keys(self) -> list[str]:
        return list(self._entries)

    def at(self, key: str) -> Place:
        """The place of a key, or of the section without it."""
        return self._entries[key].place if key in self._entries else self.place

    def remark(self, key: str, message: str) -> None:
        """Report something about a key, and mark it as reported."""
        self._use.done.add(key)
        self.report.add(self.at(key), message)

    def rest(self, message: str = LEFT_OUT) -> None:
        """Report every key that was not read and has a value."""
        for key in self._entries.keys() - self._use.read - self._use.done:
            if key in self:
                self.remark(key, f"`{key}` {message}")

    def skip(self, *keys: str) -> None:
        """Mark keys as irrelevant, so that they are not reported."""
        self._use.done.update(keys)

    def leave_out(self, message: str = "") -> None:
        """Leave out the whole mapping, with one remark instead of one for each key."""
        self.skip(*self._entries)
        if message:
            self.report.add(self.place, message)

    def finish(self, quiet: Collection[str] = ()) -> None:
        """Report every unread key of this mapping and of mappings in it."""
        self.report.finish(self._node, quiet)

    # --- values

    def node(self, key: str) -> Node | None:
        """The value of a key; None if it is missing or null."""
        self._use.read.add(key)
        return self._entries[key].value if key in self else None

    def text(self, key: str, default: str = "") -> str:
        node = self.node(key)
        if node is None or isinstance(node, ScalarNode):
            return node.text if node else default
        self.report.add(node.place, f"expected a text in `{key}`: left out")
        return default

    def flag(self, key: str, *, default: bool = False) -> bool:
        text = self.text(key).casefold()
        return text in _TRUE if text else default

    def number(self, key: str, default: float = 0.0) -> float:
        text = self.text(key)
        try:
            return float(text) if text else default
        except ValueError:
            self.remark(key, f"expected a number in `{key}`, found '{text}': left out")
            return default

    def minute(self, key: str) -> int:
        """A time of day such as `09:30` or `09:30:00Z`, in minutes; 0 without it."""
        text = self.text(key, "00:00")
        clock = re.fullmatch(r"(\d\d?):(\d\d)(?::\d\d)?Z?", text)
        if clock is None:
            self.remark(key, f"expected a time of day in `{key}`, found '{text}': 00:00 is used")
            return 0
        return int(clock[1]) * 60 + int(clock[2])

    def items(self, key: str) -> list[Node]:
        """The items of a list. A single value is treated as a list of one item."""
        node = self.node(key)
        if node is None:
            return []
        return list(node.items) if isinstance(node, ListNode) else [node]

    def texts(self, key: str) -> list[str]:
        return [node.text for node in self.items(key) if isinstance(node, ScalarNode)]

    def section(self, key: str) -> "Section":
        """The mapping under a key; an empty one without it."""
        node = self.node(key)
        if isinstance(node, MapNode):
            return Section(node, self.report)
        if node is not None:
            self.report.add(node.place, f"expected a mapping in `{key}`: left out")
        return Section(MapNode(self.at(key), {}), self.report)

    def sections(self, key: str) -> Iterator["Section"]:
        """The mappings in the list under a key."""
        for node in self.items(key):
            if isinstance(node, MapNode):
                yield Section(node, self.report)
            else:
                self.report.add(node.place, f"expected a mapping in `{key}`: left out")

    def pairs(self, key: str) -> dict[str, str]:
        """The texts of a mapping under a key."""
        below = self.section(key)
        return {name: below.text(name) for name in below.keys}


def _is_empty(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.null


def plain(node: Node) -> Any:
    """The value of a node as a Python object, with every scalar as text."""
    match node:
        case MapNode():
            return {key: plain(entry.value) for key, entry in node.entries.items()}
        case ListNode():
            return [plain(item) for item in node.items]
        case ScalarNode():
            return None if node.null else node.text


def read(text: str, file: str) -> Node:
    """The tree of a YAML or JSON document. Raises: Invalid, with every error and its place."""
    problems: list[Problem] = []
    if text.lstrip()[:1] in {"{", "["}:
        text = _PAIR.sub(_joined, text.replace("\t", " "))
    root = load_yaml(text, file, problems)
    if root is None or problems:
        raise Invalid(problems)
    return root


def read_section(text: str, file: str, report: Report) -> Section:
    """The document, which must be a mapping. Raises: Invalid."""
    root = read(text, file)
    if not isinstance(root, MapNode):
        raise Invalid([Problem(root.place, "expected a mapping at the top of the file")])
    return Section(root, report)


def _joined(pair: re.Match[str]) -> str:
    high, low = (int(half, 16) for half in pair.groups())
    return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))
