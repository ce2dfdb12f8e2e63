"""YAML as a tree in which every key and value knows where it is written.

A scalar keeps its text as written, and what it means is up to the type that is wanted there. So
`NO` can be Norway, `12:30` a time of day and `+44…` a telephone number, all of which YAML 1.1 would
take for something else.
"""

import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path

import yaml
from msgspec import Struct
from yaml.reader import Reader

# libyaml's is some 14 times faster, which shows with a thousand rules; it isn't in every build of
# PyYAML.
_FAST: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_CORE = "tag:yaml.org,2002:"
_TAGS = {
    _CORE + name
    for name in ("str", "int", "float", "bool", "null", "timestamp", "value", "merge", "seq", "map")
}


class Place(Struct, frozen=True, order=True):
    """Where something is written. Lines and columns count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Problem(Struct, frozen=True, order=True):
    """What is wrong, and where. The message holds no secret."""

    place: Place
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class Invalid(Exception):
    """The config can't be used.

    `problems` are all that is wrong with it, each once, sorted by place.
    """

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = sorted(set(problems))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class ScalarNode(Struct, frozen=True):
    """A single value, as written less its quotes.

    `null` is so where nothing, `~` or `null` is written.
    """

    place: Place
    text: str
    null: bool = False


class ListNode(Struct, frozen=True):
    place: Place
    items: tuple["Node", ...]


class Entry(Struct, frozen=True):
    """A key's place, and its value."""

    place: Place
    value: "Node"


class MapNode(Struct, frozen=True):
    place: Place
    entries: dict[str, Entry]


Node = ScalarNode | ListNode | MapNode


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` is most likely a misspelling of, whatever its case."""
    names = {one.casefold(): one for one in known}
    near = difflib.get_close_matches(name.casefold(), names, n=1)
    return names[near[0]] if near else None


def suggest(name: str, known: Iterable[str]) -> str:
    """`, did you mean 'x'?` for the nearest known name; "" if none is near."""
    near = nearest(name, known)
    return "" if near is None else f", did you mean {near!r}?"


def read(path: Path, problems: list[Problem]) -> Node | None:
    """The tree of the file at `path`, as `load` has it.

    A file that can't be read is a problem too.
    """
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

    A syntax error is added to `problems` and the answer is None. Duplicate keys, keys that aren't
    text and tags other than YAML's plain ones are added too, but leave a tree that the rest can be
    checked in.
    """
    if bad := Reader.NON_PRINTABLE.search(text):
        before = text[: bad.start()]
        place = Place(file, before.count("\n") + 1, bad.start() - before.rfind("\n"))
        problems.append(
            Problem(place, f"the character U+{ord(bad.group()):04X} isn't allowed in YAML")
        )
        return None
    try:
        root = _compose(text)
        return (
            _Builder(file, problems).node(root)
            if root
            else ScalarNode(Place(file, 1, 1), "", null=True)
        )
    except yaml.MarkedYAMLError as error:
        problems.append(Problem(_place(file, error.problem_mark), _explanation(error)))
        return None


def _compose(text: str) -> yaml.Node | None:
    """Raises: yaml.MarkedYAMLError, in the words of PyYAML's own parser, which say more than
    libyaml's.
    """
    try:
        return yaml.compose(text, _FAST)
    except yaml.YAMLError:
        return yaml.compose(text, yaml.SafeLoader)


def _explanation(error: yaml.MarkedYAMLError) -> str:
    return ": ".join(part for part in (error.context, error.problem) if part)


def _place(file: str, mark: yaml.Mark | None) -> Place:
    return Place(file, mark.line + 1, mark.column + 1) if mark else Place(file, 1, 1)


class _Builder:
    """Turns PyYAML's nodes into ours.

    An alias is its anchor's node again, at the anchor's place.
    """

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
            raise yaml.MarkedYAMLError(
                problem="an alias inside of what it stands for", problem_mark=node.start_mark
            )
        return built

    def build(self, node: yaml.Node) -> Node:
        if node.tag not in _TAGS:
            tag = node.tag.replace(_CORE, "!!")
            self.report(
                node, f"the tag {tag} isn't allowed (a value that starts with '!' needs quotes)"
            )
        place = _place(self.file, node.start_mark)
        if isinstance(node, yaml.MappingNode):
            return MapNode(place, self.entries(node))
        if isinstance(node, yaml.SequenceNode):
            return ListNode(place, tuple(self.node(item) for item in node.value))
        return ScalarNode(place, node.value, null=node.tag == _CORE + "null")

    def entries(self, node: yaml.MappingNode) -> dict[str, Entry]:
        """The mapping's own keys, then those merged into it by `<<` that it doesn't have."""
        own: dict[str, Entry] = {}
        merged: dict[str, Entry] = {}
        for key, value in node.value:
            if key.tag == _CORE + "merge":
                for mapping in self.merged(value):
                    merged = mapping.entries | merged
            elif not isinstance(key, yaml.ScalarNode):
                self.report(
                    key, "a key must be text (a value that starts with '{' or '[' needs quotes)"
                )
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
