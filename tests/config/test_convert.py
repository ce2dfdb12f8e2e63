"""YAML into structs: what comes out, and every error with its place."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct, field, to_builtins

from router.config.convert import Context, convert, convert_tagged
from router.config.fields import HttpUrl, Rate, Size
from router.config.located import Invalid, Place, load
from router.config.scalar import FAILED
from router.config.secret import Secret, SecretUrl
from router.config.shapes import Hooks
from router.model.incident import Severity
from router.model.scalars import Duration, TimeZone

ENV = {
    "TOKEN": "hunter2-token",
    "PORT": "8080",
    "HOOK": "https://hooks.example.com/hunter2",
    "NOTHING": "",
}


class Celsius(Struct, frozen=True):
    """Example of a core type that is written as text."""

    degrees: int

    @classmethod
    def parse(cls, text: str) -> "Celsius":
        if not text.endswith("C"):
            raise ValueError(f"{text!r} isn't a temperature")
        return cls(int(text[:-1]))


class Channel(Struct, frozen=True):
    """One of several kinds."""


class Console(Channel, frozen=True):
    colour: bool = True


class Slack(Channel, frozen=True):
    token: Secret
    from_: str = field(name="from", default="")


class Mail(Struct, frozen=True, rename="kebab"):
    host: str
    port: int = 25
    reply_to: str | None = None

    def __post_init__(self) -> None:
        if self.port == 0:
            raise ValueError("port 0 can't be sent to")


class Root(Struct, frozen=True, kw_only=True):
    name: str
    kind: Literal["one", "two"] = "one"
    after: Duration | None = None
    share: float = 0.5
    rate: Rate | None = None
    size: Size = Size(0)
    zone: TimeZone = TimeZone("UTC")
    url: HttpUrl | None = None
    hook: SecretUrl | None = None
    token: Secret | None = None
    tags: tuple[str, ...] = ()
    levels: dict[Severity, int] = {}
    mails: dict[str, Mail] = {}
    either: int | list[int] | Literal["auto"] | None = None
    warm: list[Celsius] = []
    channels: dict[str, Channel] = {}


HOOKS = Hooks(
    parsers={Celsius: Celsius.parse}, choices={Channel: {"console": Console, "slack": Slack}}
)


def context(base: Path = Path(), env: Mapping[str, str] = ENV) -> Context:
    return Context(env, base, HOOKS)


def root(text: str, with_: Context) -> Any:
    node = load(text, "c.yaml", with_.problems)
    assert node is not None
    return convert(node, Root, with_)


def lines(text: str, with_: Context | None = None) -> list[str]:
    with_ = with_ or context()
    assert root(text, with_) is FAILED
    return str(Invalid(with_.problems)).splitlines()


def good(text: str, with_: Context | None = None) -> Root:
    with_ = with_ or context()
    value = root(text, with_)
    assert with_.problems == []
    assert isinstance(value, Root)
    return value


def test_a_whole_file_becomes_structs(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from a file\n")
    text = """
        name: 007
        kind: two
        after: 1h30m
        share: 1
        rate: 30/m
        size: 16MiB
        zone: Europe/London
        url: http://127.0.0.1:${PORT}/x
        hook: ${HOOK}
        token: {file: token}
        tags: [NO, "12:30", +44]
        levels: {P0: 1}
        mails: {a: {host: h, port: "${PORT}", reply-to: ~}}
        either: [1, 2]
        warm: [20C]
        channels: {log: {type: console}, s: {type: slack, token: "a ${TOKEN}", from: me}}
    """
    assert good(text, context(tmp_path)) == Root(
        name="007",
        kind="two",
        after=Duration(5400.0),
        share=1.0,
        rate=Rate(30, 60.0),
        size=Size(16 * 1024 * 1024),
        zone=TimeZone("Europe/London"),
        url=HttpUrl("http://127.0.0.1:8080/x"),
        hook=SecretUrl("https://hooks.example.com/hunter2"),
        token=Secret("from a file"),
        tags=("NO", "12:30", "+44"),
        levels={Severity.P0: 1},
        mails={"a": Mail("h", 8080)},
        either=[1, 2],
        warm=[Celsius(20)],
        channels={"log": Console(), "s": Slack(Secret("a hunter2-token"), "me")},
    )


@pytest.mark.parametrize(
    ("written", "value"), [("7", 7), ("auto", "auto"), ("[1]", [1]), ("~", None), ("", None)]
)
def test_a_union_is_told_by_what_is_written(written: str, value: object) -> None:
    assert good(f"name: x\neither: {written}").either == value


KEYS = ", ".join((*Root.__struct_fields__, "insecure"))
SECRET = "a secret: ${VARIABLE}, {file: PATH} or text"

WRONG = [
    ("", "1:1: expected a mapping, found nothing"),
    ("[a]", "1:1: expected a mapping, found a list"),
    ("{}", "1:1: missing key 'name' (expected text)"),
    (
        "name: x\nkinds: one",
        f"2:1: unknown key 'kinds', did you mean 'kind'? (expected one of: {KEYS})",
    ),
    ("name: x\nqqqq: one", f"2:1: unknown key 'qqqq' (expected one of: {KEYS})"),
    ("nmae: x", f"1:1: unknown key 'nmae', did you mean 'name'? (expected one of: {KEYS})"),
    ("name:", "1:6: expected text, found nothing"),
    ("name: [x]", "1:7: expected text, found a list"),
    ("name: ${NAME}", "1:7: environment variable 'NAME' isn't set"),
    (
        "name: x\nkind: tow",
        "2:7: unknown value 'tow', did you mean 'two'? (expected one of: one, two)",
    ),
    ("name: x\nafter: 5", "2:8: '5' has no unit: write 5s, 5m or 5h"),
    (
        "name: x\nafter: {}",
        "2:8: expected a duration such as 30s, 5m, 1h30m or 2d, found a mapping",
    ),
    (
        "name: x\nzone: ${TOKEN}",
        "2:7: the value of '${TOKEN}' isn't a time zone such as Europe/London",
    ),
    ("name: x\nkind: ${TOKEN}", "2:7: the value of '${TOKEN}' isn't one of: one, two"),
    ("name: x\nwarm: [20C, '${TOKEN}']", "2:13: the value of '${TOKEN}' isn't celsius"),
    ("name: x\nwarm: [20C, hot]", "2:13: 'hot' isn't a temperature"),
    ("name: x\ntags: a", "2:7: expected a list, found a single value"),
    ("name: x\nlevels: {P4: 1}", "2:10: unknown value 'P4' (expected one of: P0, P1, P2, P3)"),
    ("name: x\nlevels: {P1: one}", "2:14: expected a whole number, found 'one'"),
    ("name: x\nlevels: []", "2:9: expected a mapping, found a list"),
    ("name: x\nmails:\n  a:\n    port: 1", "4:5: missing key 'host' (expected text)"),
    ("name: x\nmails: {a: {host: h, port: 0}}", "2:12: port 0 can't be sent to"),
    (
        "name: x\nmails: {a: {host: h, reply_to: b}}",
        (
            "2:22: unknown key 'reply_to', did you mean 'reply-to'? (expected one of: host, "
            "port, reply-to)"
        ),
    ),
    (
        "name: x\neither: {}",
        "2:9: expected a whole number or a list or one of: auto, found a mapping",
    ),
    (
        "name: x\neither: often",
        "2:9: expected a whole number or a list or one of: auto, found a single value",
    ),
    ("name: x\ntoken: [hunter2]", f"2:8: expected {SECRET}, found a list"),
    ("name: x\ntoken: {hunter2}", f"2:8: expected {SECRET}, found a mapping"),
    ("name: x\ntoken: {file: [hunter2]}", "2:15: expected the path of a file, found a list"),
    (
        "name: x\ntoken: ${TOKNE}",
        "2:8: environment variable 'TOKNE' isn't set, did you mean 'TOKEN'?",
    ),
    ("name: x\ntoken: ${NOTHING}", "2:8: the secret is empty"),
    (
        "name: x\ntoken: {file: no-such-file}",
        "2:8: can't read the secret's file: No such file or directory",
    ),
    ("name: x\nhook: ${TOKEN}", "2:7: expected an https URL (or http on a loopback host)"),
    ("name: x\nchannels: {a: console}", "2:15: expected a mapping, found a single value"),
    ("name: x\nchannels: {a: {}}", "2:15: missing key 'type' (expected one of: console, slack)"),
    (
        "name: x\nchannels: {a: {type: slak}}",
        "2:22: unknown type 'slak', did you mean 'slack'? (expected one of: console, slack)",
    ),
    (
        "name: x\nchannels: {a: {type: '${TOKEN}'}}",
        "2:22: the value of '${TOKEN}' isn't one of: console, slack",
    ),
    ("name: x\nchannels: {a: {type: slack}}", f"2:15: missing key 'token' (expected {SECRET})"),
    (
        "name: x\nchannels: {a: {type: console, color: no}}",
        "2:31: unknown key 'color', did you mean 'colour'? (expected one of: colour)",
    ),
]


@pytest.mark.parametrize(("text", "line"), WRONG)
def test_what_is_wrong_is_said_with_place_expectation_and_suggestion(text: str, line: str) -> None:
    assert lines(text) == [f"c.yaml:{line}"]


@pytest.mark.parametrize("text", [text for text, _ in WRONG])
def test_no_problem_says_what_the_environment_or_a_secret_holds(text: str) -> None:
    assert "hunter2" not in "".join(lines(text))


QUOTED = "'${TOKEN}'"


@given(
    st.sampled_from(list(Root.__struct_fields__)),
    st.sampled_from(["x", "[x]", "{x: y}", "{type: slack}"]),
)
def test_no_secret_shows_wherever_it_is_put(key: str, shape: str) -> None:
    """A variable that holds a secret, in a field of any type: neither a problem nor a struct's repr
    shows it.
    """
    with_ = context()
    value = root(
        f"name: x\n{key if key != 'name' else 'kind'}: {shape.replace('x', QUOTED, 1)}", with_
    )
    assert "hunter2" not in str(Invalid(with_.problems))
    if value is not FAILED and key in {"token", "hook", "channels"}:
        assert "hunter2" not in repr(value)


def test_a_file_of_a_secret_that_is_not_text_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "token").write_bytes(b"\xff")
    assert lines("name: x\ntoken: {file: token}", context(tmp_path)) == [
        "c.yaml:2:8: the secret's file isn't UTF-8 text"
    ]


def test_all_errors_are_said_at_once_in_order_of_place() -> None:
    text = """\
kind: three
after: soon
mails:
  a: {host: h, port: many, prot: 1}
  b: {port: 0}
tags: [{}, a, ~]
tags: []
channels:
  x: {type: console, colour: red}
  y: {type: fax}
"""
    assert [line.removeprefix("c.yaml:").split(" (")[0] for line in lines(text)] == [
        "1:1: missing key 'name'",
        "1:7: unknown value 'three'",
        "2:8: expected a duration such as 30s, 5m, 1h30m or 2d, found 'soon'",
        "4:22: expected a whole number, found 'many'",
        "4:28: unknown key 'prot', did you mean 'port'?",
        "5:6: missing key 'host'",
        "5:6: port 0 can't be sent to",
        "6:8: expected text, found a mapping",
        "6:15: expected text, found nothing",
        "7:1: duplicate key 'tags', first on line 6",
        "9:30: expected true or false, found 'red'",
        "10:13: unknown type 'fax'",
    ]


def test_an_aliased_mistake_is_said_once_where_it_is_written() -> None:
    assert lines("name: x\nmails: {a: &m {host: h, port: x}, b: *m}") == [
        "c.yaml:2:31: expected a whole number, found 'x'"
    ]


def test_places_and_values_are_there_for_checks_across_the_config() -> None:
    """Also of what is within a struct that failed, so that such checks don't wait for the other
    errors.
    """
    with_ = context()
    assert (
        root(
            "name: x\nchannels:\n  a: {type: fax}\n  b: {type: console}\nwarm:\n  - 20C\n  - hot",
            with_,
        )
        is FAILED
    )
    assert with_.place_of(("warm", 0)) == Place("c.yaml", 6, 5)
    assert with_.place_of(("channels", "a", "type")) == Place("c.yaml", 3, 6)
    assert with_.place_of(("rate", "per")) == Place("c.yaml", 1, 1)
    assert with_.names_at(("channels",)) == ["a", "b"]
    assert with_.names_at(("mails",)) == []
    assert list(with_.all_of(Celsius)) == [(("warm", 0), Celsius(20))]


def test_a_second_file_shares_problems_and_has_its_own_base(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("t")
    first = context()
    node = load("name: x\ntoken: {file: token}\n", "d.yaml", first.problems)
    assert node is not None
    assert convert(node, Root, replace(first, base=tmp_path), ("more", 0)) == Root(
        name="x", token=Secret("t")
    )
    assert convert(node, Root, first, ("more", 1)) is FAILED
    assert str(first.place_of(("more", 0, "token"))) == "d.yaml:2:8"
    assert len(first.problems) == 1


def test_a_tagged_choice_can_have_another_tag() -> None:
    with_ = context()
    node = load("kind: slack\ntoken: x", "c.yaml", with_.problems)
    assert node is not None
    assert convert_tagged(node, {"slack": Slack}, with_, tag="kind") == Slack(Secret("x"))
    assert with_.values[()] == Slack(Secret("x"))


TEXT = st.text(
    alphabet=st.characters(codec="utf-8", categories=["L", "N", "P", "Z", "S"]), max_size=12
).filter(lambda text: "${" not in text)
MAIL = st.builds(Mail, host=TEXT, port=st.integers(1, 65535), reply_to=st.none() | TEXT)
ROOT = st.builds(
    Root,
    name=TEXT,
    kind=st.sampled_from(["one", "two"]),
    after=st.none() | st.integers(1, 10**6).map(lambda seconds: Duration(float(seconds))),
    share=st.floats(allow_nan=False, allow_infinity=False),
    rate=st.none(),
    size=st.integers(0, 2**40).map(Size),
    zone=st.sampled_from(["UTC", "Europe/London", "Asia/Tokyo"]).map(TimeZone),
    url=st.none() | st.just(HttpUrl("https://example.com")),
    hook=st.none(),
    token=st.none(),
    tags=st.lists(TEXT).map(tuple),
    levels=st.dictionaries(st.sampled_from(Severity), st.integers()),
    mails=st.dictionaries(TEXT, MAIL, max_size=3),
    either=st.none() | st.integers() | st.just("auto") | st.lists(st.integers()),
    warm=st.just([]),
    channels=st.just({}),
)


@given(ROOT, st.booleans(), st.booleans())
def test_a_struct_written_as_yaml_is_read_back(struct: Root, flow: bool, unicode: bool) -> None:
    """In block and flow style, with and without escapes."""
    plain = to_builtins(struct)
    if struct.after is not None:
        plain["after"] = f"{struct.after:.0f}s"
    text = yaml.safe_dump(plain, default_flow_style=flow, allow_unicode=unicode)
    assert good(text) == struct
