"""YAML as a tree, with the place of each key and value in the file.

A scalar keeps its text as written; the expected type decides its meaning. So `NO` can be Norway,
`12:30` a time of day and `+44…` a phone number. YAML 1.1 would convert them.
"""

import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct
from yaml.reader import Reader

# libyaml is about 14 times faster, which matters with a thousand rules. Some PyYAML builds lack it.
_FAST: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_CORE = "tag:yaml.org,2002:"
_PLAIN = ("str", "int", "float", "bool", "null", "timestamp", "value", "merge", "seq", "map")
_TAGS = {_CORE + name for name in _PLAIN}

DEEPEST = 50
"""Maximum levels of nesting. Reading is recursive, and at about 10,000 levels libyaml crashes the
process."""


class Place(Struct, frozen=True, order=True):
    """A position in a file. Lines and columns count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Problem(Struct, frozen=True, order=True):
    """An error or a warning, and its place. The message contains no secret."""

    place: Place
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class Invalid(Exception):
    """The config can't be used. `problems` are all its errors, each once, sorted by place."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ScalarNode(Struct, frozen=True):
    """A single value, as written without its quotes. `null`: it is empty, `~` or `null`."""

    place: Place
    text: str
    null: bool = False


class ListNode(Struct, frozen=True):
    place: Place
    items: tuple["Node", ...]


class Entry(Struct, frozen=True):
    """The place of a key, and its value."""

    place: Place
    value: "Node"


class MapNode(Struct, frozen=True):
    place: Place
    entries: dict[str, Entry]


Node = ScalarNode | ListNode | MapNode


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` most likely misspells, ignoring case."""
    names = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(name.casefold(), names, n=1)
    return names[near[0]] if near else None


def suggest(name: str, known: Iterable[str]) -> str:
    """`, did you mean 'x'?` with the nearest known name; "" if none is near."""
    near = nearest(name, known)
    return "" if near is None else f", did you mean {near!r}?"


def read(path: Path, problems: list[Problem]) -> Node | None:
    """The tree of the file at `path`, as from `load`. An unreadable file is also a problem."""
    try:
        text = path.read_text("utf-8-sig")
    except OSError as error:
        problems.append(Problem(Place(str(path), 1, 1), f"can't be read: {error.strerror}"))
    except UnicodeDecodeError:
        problems.append(Problem(Place(str(path), 1, 1), "isn't UTF-8 text"))
    else:
        return load(text, str(path), problems)
    return None


def load(text: str, file: str, problems: list[Problem]) -> Node | None:
    """The tree of one YAML document; an empty one is null.

    A syntax error is added to `problems` and the result is None. Duplicate keys, keys that aren't
    text and tags other than YAML's plain ones are added too, but the rest can still be checked.
    """
    if bad := Reader.NON_PRINTABLE.search(text):
        before = text[: bad.start()]
        place = Place(file, before.count("\n") + 1, bad.start() - before.rfind("\n"))
        message = f"the character U+{ord(bad.group()):04X} isn't allowed in YAML"
        problems.append(Problem(place, message))
        return None
    try:
        root = _compose(text)
        if root is None:
            return ScalarNode(Place(file, 1, 1), "", null=True)
        return _Builder(file, problems).node(root)
    except yaml.MarkedYAMLError as error:
        problems.append(Problem(_place(file, error.problem_mark), _explanation(error)))
        return None


def _check_depth(text: str, loader: type[yaml.SafeLoader] = _FAST) -> None:
    """Raises: yaml.MarkedYAMLError, at the first value that is nested too deeply."""
    depth = 0
    for event in yaml.parse(text, loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEEPEST:
                raise _too_deep(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _too_deep(event: Any) -> yaml.MarkedYAMLError:
    problem = f"nested more than {DEEPEST} levels deep"
    return yaml.MarkedYAMLError(problem=problem, problem_mark=event.start_mark)


def _compose(text: str) -> yaml.Node | None:
    """Raises: yaml.MarkedYAMLError, with the message of PyYAML's parser, which is more precise."""
    try:
        _check_depth(text)
        return yaml.compose(text, _FAST)
    except yaml.YAMLError:
        _check_depth(text, yaml.SafeLoader)
        return yaml.compose(text, yaml.SafeLoader)


def _explanation(error: yaml.MarkedYAMLError) -> str:
    return ": ".join(part for part in (error.context, error.problem) if part)


def _place(file: str, mark: yaml.Mark | None) -> Place:
    return Place(file, mark.line + 1, mark.column + 1) if mark else Place(file, 1, 1)


class _Builder:
    """Builds the tree from PyYAML's nodes. An alias becomes its anchor's node, with that place."""

    def __init__(self, file: str, problems: list[Problem]) -> None:
        self.file = file
        self.problems = problems
        self.built: dict[int, Node | None] = {}

    def node(self, node: yaml.Node) -> Node:
        if id(node) not in self.built:
            self.built[id(node)] = None
            self.built[id(node)] = self.build(node)
        built = self.built[id(node)]
        if built is None:
            problem = "an alias inside the value that it refers to"
            raise yaml.MarkedYAMLError(problem=problem, problem_mark=node.start_mark)
        return built

    def build(self, node: yaml.Node) -> Node:
        if node.tag not in _TAGS:
            tag = node.tag.replace(_CORE, "!!")
            message = f"the tag {tag} isn't allowed (a value that starts with '!' needs quotes)"
            self.report(node, message)
        place = _place(self.file, node.start_mark)
        if isinstance(node, yaml.MappingNode):
            return MapNode(place, self.entries(node))
        if isinstance(node, yaml.SequenceNode):
            return ListNode(place, tuple(self.node(item) for item in node.value))
        return ScalarNode(place, node.value, null=node.tag == _CORE + "null")

    def entries(self, node: yaml.MappingNode) -> dict[str, Entry]:
        """The mapping's own keys, then the other keys that `<<` merges into it."""
        own: dict[str, Entry] = {}
        merged: dict[str, Entry] = {}
        for key, value in node.value:
            if key.tag == _CORE + "merge":
                for mapping in self.merged(value):
                    merged = mapping.entries | merged
            elif not isinstance(key, yaml.ScalarNode):
                message = "a key must be text (a value that starts with '{' or '[' needs quotes)"
                self.report(key, message)
            elif key.value in own:
                first = own[key.value].place.line
                self.report(key, f"duplicate key {key.value!r}, first on line {first}")
            else:
                own[key.value] = Entry(_place(self.file, key.start_mark), self.node(value))
        return own | {key: entry for key, entry in merged.items() if key not in own}

    def merged(self, value: yaml.Node) -> Iterator[MapNode]:
        for part in value.value if isinstance(value, yaml.SequenceNode) else [value]:
            node = self.node(part)
            if isinstance(node, MapNode):
                yield node
            else:
                self.report(part, "'<<' takes a mapping or a list of mappings")

    def report(self, node: yaml.Node, message: str) -> None:
        self.problems.append(Problem(_place(self.file, node.start_mark), message))
