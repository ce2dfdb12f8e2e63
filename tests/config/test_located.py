"""Located YAML: the tree, its places, and what is refused."""

import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from router.config.located import (
    Invalid,
    ListNode,
    MapNode,
    Node,
    Place,
    Problem,
    ScalarNode,
    load,
    read,
    suggest,
)


def plain(node: Node) -> object:
    match node:
        case MapNode(entries=entries):
            return {key: plain(entry.value) for key, entry in entries.items()}
        case ListNode(items=items):
            return [plain(item) for item in items]
        case _:
            return None if node.null else node.text


def tree(text: str) -> Node:
    problems: list[Problem] = []
    node = load(text, "c.yaml", problems)
    assert problems == []
    assert node is not None
    return node


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", None),
        ("# only a comment\n", None),
        ("a: 1\nb: [x, 'y']\nc: {d: }", {"a": "1", "b": ["x", "y"], "c": {"d": None}}),
        (
            "[NO, 12:30, +4479, 2026-01-02, 0x1F, 'null', null, ~]",
            ["NO", "12:30", "+4479", "2026-01-02", "0x1F", "null", None, None],
        ),
        ("a: &x {k: 1}\nb: *x", {"a": {"k": "1"}, "b": {"k": "1"}}),
        (
            "a: &x {k: 1, l: 2}\nb: {<<: *x, k: 3}",
            {"a": {"k": "1", "l": "2"}, "b": {"k": "3", "l": "2"}},
        ),
        ("a: {<<: [{k: 1}, {k: 2, l: 3}], m: 4}", {"a": {"m": "4", "k": "1", "l": "3"}}),
        ("a: {'<<': 1}", {"a": {"<<": "1"}}),
        ("a: !!str 5", {"a": "5"}),
        ("a: |\n  one\n  two\n", {"a": "one\ntwo\n"}),
    ],
)
def test_a_scalar_keeps_its_text_and_aliases_and_merges_are_followed(
    text: str, expected: object
) -> None:
    assert plain(tree(text)) == expected


def test_every_key_and_value_knows_its_place() -> None:
    """Lines and columns count from 1, in characters; an aliased value is where its anchor is."""
    root = tree("é: {ü: 1, x: &x [a]}\nb:\n  - *x\n")
    assert isinstance(root, MapNode)
    inner = root.entries["é"].value
    assert isinstance(inner, MapNode)
    assert str(inner.entries["x"].place) == "c.yaml:1:11"
    assert str(inner.entries["x"].value.place) == "c.yaml:1:14"
    assert isinstance(root.entries["b"].value, ListNode)
    assert root.entries["b"].value.items[0].place == Place("c.yaml", 1, 14)


REFUSED = [
    ("a: 1\nb: 2\na: 3", ["c.yaml:3:1: duplicate key 'a', first on line 1"]),
    (
        "a: {b: 1, b: 2}\nc: [{d: 1, d: 2}]",
        [
            "c.yaml:1:11: duplicate key 'b', first on line 1",
            "c.yaml:2:12: duplicate key 'd', first on line 2",
        ],
    ),
    ("a: b: c", ["c.yaml:1:5: mapping values are not allowed here"]),
    (
        "a: [1,\nb: 2",
        ["c.yaml:2:5: while parsing a flow sequence: expected ',' or ']', but got '<stream end>'"],
    ),
    ("a: *b", ["c.yaml:1:4: found undefined alias 'b'"]),
    (
        "a: 1\n---\nb: 2",
        ["c.yaml:2:1: expected a single document in the stream: but found another document"],
    ),
    (
        "a: !!python/name:os.system x",
        [
            (
                "c.yaml:1:4: the tag !!python/name:os.system isn't allowed (a value that starts "
                "with '!' needs quotes)"
            )
        ],
    ),
    (
        "a: !env X",
        ["c.yaml:1:4: the tag !env isn't allowed (a value that starts with '!' needs quotes)"],
    ),
    (
        "a: {{ value }}",
        ["c.yaml:1:5: a key must be text (a value that starts with '{' or '[' needs quotes)"],
    ),
    ("a: &a [*a]", ["c.yaml:1:4: an alias inside the value that it refers to"]),
    ("a: " + "[" * 60, ["c.yaml:1:53: nested more than 50 levels deep"]),
    ("[" * 200_000, ["c.yaml:1:51: nested more than 50 levels deep"]),
    ("- " * 60 + "a", ["c.yaml:1:101: nested more than 50 levels deep"]),
    ("a: {<<: 1}", ["c.yaml:1:9: '<<' takes a mapping or a list of mappings"]),
    ("a: b\nc: \x00", ["c.yaml:2:4: the character U+0000 isn't allowed in YAML"]),
]


@pytest.mark.parametrize(("text", "lines"), REFUSED)
def test_what_is_refused_is_said_with_its_place(text: str, lines: list[str]) -> None:
    problems: list[Problem] = []
    load(text, "c.yaml", problems)
    assert [str(problem) for problem in problems] == lines


@given(st.text(alphabet=st.sampled_from("ab:-[]{}&*<!|>'\"#%@`,? \n\t\\\u00e9\x85"), max_size=40))
@example("? [a]\n: b")
@example("<<: *a")
def test_any_text_gives_a_tree_or_problems(text: str) -> None:
    problems: list[Problem] = []
    assert load(text, "c.yaml", problems) is not None or problems


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    """A missing file and one that isn't UTF-8; a byte order mark is fine."""
    binary, marked, missing = tmp_path / "binary", tmp_path / "marked", tmp_path / "missing"
    binary.write_bytes(b"\xff\xfe")
    marked.write_bytes(b"\xef\xbb\xbfa: 1")
    problems: list[Problem] = []
    assert read(binary, problems) is None
    assert read(missing, problems) is None
    assert plain(read(marked, problems) or ScalarNode(Place("", 0, 0), "")) == {"a": "1"}
    assert [str(problem) for problem in problems] == [
        f"{binary}:1:1: isn't UTF-8 text",
        f"{missing}:1:1: can't be read: No such file or directory",
    ]


def test_invalid_says_each_problem_once_in_order_of_place() -> None:
    one, two, ten = (Problem(Place("c.yaml", line, 1), "no") for line in (1, 2, 10))
    invalid = Invalid([ten, two, one, two])
    assert invalid.problems == [one, two, ten]
    assert str(invalid) == "c.yaml:1:1: no\nc.yaml:2:1: no\nc.yaml:10:1: no"


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("chanels", ", did you mean 'channels'?"),
        ("CHANNELS", ", did you mean 'channels'?"),
        ("xyz", ""),
    ],
)
def test_a_near_name_is_suggested(name: str, suggestion: str) -> None:
    assert suggest(name, ["channels", "contacts"]) == suggestion


def test_without_libyaml_the_tree_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not every build of PyYAML has libyaml."""
    text = "a: &x {k: [1, 'b c']}\nb: {<<: *x, ü: |\n  t\n }\nc:\n  - d\n"
    fast = load(text, "c.yaml", [])
    import yaml

    monkeypatch.setattr(sys.modules["router.config.located"], "_FAST", yaml.SafeLoader)
    assert load(text, "c.yaml", []) == fast
