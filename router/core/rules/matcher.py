"""Alertmanager's matchers: conditions of a rule, a silence or an inhibition on labels.

A missing label equals the empty string. Regular expressions have RE2's syntax, as in Go, and must
match the whole value. RE2 takes time linear in the length of the value, so no pattern can stall the
router.

There are two grammars, as in Alertmanager since 0.27 (matcher/compat/parse.go): the UTF-8 grammar,
and the classic grammar if the first fails or the two disagree.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any, NewType, NoReturn

import re2

from router.model.scalars import Joined

# Go's unicode.IsSpace, which differs from Python's \s. An unquoted word has no such space and no
# reserved character.
_SPACE = "\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
_WORD = rf"""[^{_SPACE}{{}}!=~,\\"'`]+"""
_TOKEN = re.compile(
    rf'[{_SPACE}]*((?P<quoted>"(?:\\.|[^"\\])*")|(?P<word>{_WORD})|=~|!=|!~|[={{}},]|\Z)',
    re.DOTALL,
)
_ESCAPE = re.compile(
    rb'\\(?:([abfnrtv\\"])|x([\da-fA-F]{2})|([0-7]{3})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|.)',
    re.DOTALL,
)
_SIMPLE = dict(zip(b'abfnrtv\\"', b'\a\b\f\n\r\t\v\\"', strict=True))

# One matcher and the comma after it. An unquoted value extends to the comma. Possessive quantifiers
# keep the time linear.
_CLASSIC = re.compile(
    r"\s*+([a-zA-Z_:][a-zA-Z0-9_:]*+)\s*+(=~|=|!=|!~)\s*+"
    r'(?:"((?:\\.|[^"\\])*+)"\s*+|((?:\\[^,]|\\(?=,|\Z)|[^,"\\])*+))(?:,|\Z)',
    re.ASCII | re.DOTALL,
)
_CLASSIC_ESCAPE = re.compile(r'\\([n"\\])')

# A regular expression that is a list of plain texts, separated by bars, with escaped punctuation.
_TEXT = re.compile(r"(?:[^\\.^$*+?{}\[\]()|]|\\[^a-zA-Z0-9])*", re.DOTALL)
_PUNCTUATION = re.compile(r"\\(.)", re.DOTALL)


class MatchOp(StrEnum):
    EQUAL = "="
    NOT_EQUAL = "!="
    MATCHES = "=~"
    NOT_MATCHES = "!~"


_SAYS_YES = frozenset({MatchOp.EQUAL, MatchOp.MATCHES})


@lru_cache(maxsize=4096)
def compile_regex(pattern: str) -> Any:
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(pattern, options)
    except re2.error as error:
        why = error.args[0].decode() if isinstance(error.args[0], bytes) else error
        raise ValueError(f"expected a regular expression in RE2 syntax: {why}") from None


@lru_cache(maxsize=4096)
def listed(pattern: str) -> frozenset[str] | None:
    """The texts that a pattern matches, if it's a list of plain texts like `error|fatal`."""
    texts = pattern.split("|")
    if all(_TEXT.fullmatch(text) for text in texts):
        return frozenset(_PUNCTUATION.sub(r"\1", text) for text in texts)
    return None


@dataclass(frozen=True, slots=True)
class Matcher:
    """A condition on a label. Raises: ValueError, for an invalid regular expression.

    `values` are the values that an expression matches, if it's only a list of values.
    """

    name: str
    op: MatchOp
    value: str
    values: frozenset[str] | None = field(init=False, repr=False, compare=False, default=None)
    _regex: Any = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        values: frozenset[str] | None = frozenset({self.value})
        if self.op in (MatchOp.MATCHES, MatchOp.NOT_MATCHES):
            object.__setattr__(self, "_regex", compile_regex(self.value))
            values = listed(self.value)
        object.__setattr__(self, "values", values)

    def matches(self, labels: Mapping[str, str]) -> bool:
        label = labels.get(self.name, "")
        if self.values is not None:
            return (label in self.values) is (self.op in _SAYS_YES)
        # Encode the value, since the binding counts a str's characters at each call. A lone
        # surrogate must not raise here.
        found = self._regex.fullmatch(label.encode("utf-8", "surrogatepass")) is not None
        return found is (self.op is MatchOp.MATCHES)

    def __str__(self) -> str:
        """The canonical text, which parses back to an equal matcher in either grammar."""
        name = self.name if re.fullmatch(_WORD, self.name) else _quoted(self.name)
        return f"{name}{self.op}{_quoted(self.value)}"


Matchers = NewType("Matchers", tuple[Matcher, ...])
"""Matchers in one text, all of which must match: `alertname="DiskFull", level=~"error|fatal"`."""

MatcherList = Annotated[tuple[Matcher, ...], Joined(Matchers)]
"""Matchers, all of which must match. Written as a list of texts."""


def match_all(matchers: Iterable[Matcher], labels: Mapping[str, str]) -> bool:
    """Check if all matchers match the labels."""
    for matcher in matchers:  # noqa: SIM110 - a generator costs more than most matchers
        if not matcher.matches(labels):
            return False
    return True


def parse_matchers(text: str) -> tuple[Matcher, ...]:
    r"""Parse Alertmanager's syntax: `{foo="bar", "a b"!~"x|y",}`, with or without braces.

    "" and `{}` have no matchers. Raises: ValueError, with the expected token and column (from 1).
    """
    classic = _parse_classic(
        text
    )  # The classic grammar wins if the two disagree, so if it parses the text, that's the result.
    return tuple(_parse_utf8(text)) if classic is None else classic


def _quoted(text: str) -> str:
    """Quote with only those three escapes that both grammars parse in the same way."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'


def _unquoted(body: str) -> str:
    """Unquote the inside as Go's strconv.Unquote does. Raises: ValueError."""
    if "\n" in body:
        raise ValueError("no line break is allowed inside quotes")
    return _ESCAPE.sub(_unescaped, body.encode()).decode()


def _unescaped(escape: re.Match[bytes]) -> bytes:
    """Raises: ValueError, also for a byte over 255 or a number that is not a character."""
    simple, hexadecimal, octal, short, long = escape.groups()
    if simple:
        return bytes([_SIMPLE[simple[0]]])
    if hexadecimal or octal:
        return bytes([int(hexadecimal, 16) if hexadecimal else int(octal, 8)])
    if short or long:
        return chr(int(short or long, 16)).encode()
    raise ValueError(f"unknown escape {escape[0].decode(errors='replace')}")


class _Reader:
    """The tokens of a text, one at a time. Unexpected tokens raise ValueError."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def accept(self, *tokens: str) -> str | None:
        """The next token if it's one of these, else None. The end is the token ""."""
        token = _TOKEN.match(self._text, self._at)
        if token is None or token[1] not in tokens:
            return None
        self._at = token.end()
        return token[1]

    def string(self, expected: str) -> str:
        """An unquoted word, or the content of a quoted string."""
        token = _TOKEN.match(self._text, self._at)
        if token is None or not (token["word"] or token["quoted"]):
            self.fail(expected)
        try:
            string = token["word"] or _unquoted(token["quoted"][1:-1])
        except ValueError as error:
            self.fail(f"{expected} with the string escapes of Go ({error})")
        self._at = token.end()
        return string

    @property
    def column(self) -> int:
        """The column where the next token starts, from 1."""
        return len(self._text) - len(self._text[self._at :].lstrip()) + 1

    def fail(self, expected: str) -> NoReturn:
        rest = self._text[self.column - 1 :]
        found = f"not {rest[:20]!r}" if rest else "where the text ends"
        raise ValueError(f"expected {expected} at column {self.column}, {found}")


def _parse_utf8(text: str) -> Iterator[Matcher]:
    reader = _Reader(text)
    close = "}" if reader.accept("{") else ""
    while reader.accept(close) is None:
        yield _parse_matcher(reader)
        if reader.accept(","):
            continue
        if reader.accept(close) is None:
            reader.fail("a comma or }" if close else "a comma or the end")
        break
    if reader.accept("") is None:
        reader.fail("the end")


def _parse_matcher(reader: _Reader) -> Matcher:
    at = reader.column
    name = reader.string("a label name")
    if not name:
        raise ValueError(f"expected a label name at column {at}, not an empty one")
    op = reader.accept(*MatchOp)
    if op is None:
        reader.fail("one of = != =~ !~")
    at = reader.column
    value = reader.string("a label value")
    try:
        return Matcher(name, MatchOp(op), value)
    except ValueError as error:
        raise ValueError(f"{error} (at column {at})") from None


def _parse_classic(text: str) -> tuple[Matcher, ...] | None:
    """Parse by the grammar from before 0.27; None if it rejects the text.

    There each brace is optional.
    """
    inner = text.removeprefix("{").removesuffix("}").rstrip()
    matchers = []
    at = 0
    while at < len(inner):
        found = _CLASSIC.match(inner, at)
        if found is None:
            return None
        name, op, quoted, bare = found.groups()
        value = bare.rstrip() if quoted is None else quoted
        try:
            matchers.append(
                Matcher(name, MatchOp(op), _CLASSIC_ESCAPE.sub(_classic_unescaped, value))
            )
        except ValueError:
            return None
        at = found.end()
    return tuple(matchers)


def _classic_unescaped(escape: re.Match[str]) -> str:
    return "\n" if escape[1] == "n" else escape[1]
