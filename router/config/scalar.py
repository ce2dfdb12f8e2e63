"""Read single values: text, with variables replaced, and secrets."""

from collections.abc import Callable, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Final, Protocol

from router.config.environment import bare_variable, substitute
from router.config.located import ListNode, MapNode, Node, Place, ScalarNode
from router.config.secret import Secret


class Failed(Enum):
    FAILED = "failed"


FAILED: Final = Failed.FAILED


class Reports(Protocol):
    """The parts of a conversion's `Context` that are needed to read a single value."""

    env: Mapping[str, str]
    base: Path

    def report(self, place: Place, message: str) -> None: ...
    def warn(self, place: Place, message: str) -> None: ...


def is_null(node: Node) -> bool:
    return isinstance(node, ScalarNode) and node.null


def mismatch(node: Node, expected: str, context: Reports) -> Failed:
    """Report a node of the wrong kind, without its text, which might be a misplaced secret."""
    found = {MapNode: "a mapping", ListNode: "a list", ScalarNode: "a single value"}[type(node)]
    if is_null(node):
        found = "nothing"
    context.report(node.place, f"expected {expected}, found {found}")
    return FAILED


def text_of(node: Node, parse: Callable[[str], object], expected: str, context: Reports) -> Any:
    """The parsed text of a single value, or FAILED."""
    if not isinstance(node, ScalarNode) or node.null:
        return mismatch(node, expected, context)
    if name := bare_variable(node.text, context.env, whole=True):
        context.warn(node.place, f"'${name}' is plain text: a variable is written ${{{name}}}")
    try:
        return _parse(node.text, context.env, parse, expected)
    except ValueError as error:
        context.report(node.place, str(error))
        return FAILED


def _parse(
    written: str, env: Mapping[str, str], parse: Callable[[str], object], expected: str
) -> object:
    text = substitute(written, env)
    try:
        return parse(text)
    except ValueError:
        if text == written:
            raise
        # Don't use the parser's message: it may quote a secret from the environment.
        raise ValueError(f"the value of {written!r} isn't {expected}") from None


def secret_of(node: Node, type_: type[Secret], expected: str, context: Reports) -> Any:
    """A secret from text, a variable or a file; or FAILED."""
    try:
        if isinstance(node, ScalarNode) and not node.null:
            return type_(_secret_text(node.text, context.env))
        if not isinstance(node, MapNode) or list(node.entries) != ["file"]:
            return mismatch(node, expected, context)
        entry = node.entries["file"].value
        path = text_of(entry, context.base.joinpath, "the path of a file", context)
        return FAILED if path is FAILED else type_(_content(path))
    except ValueError as error:
        context.report(node.place, str(error))
        return FAILED


def _secret_text(text: str, env: Mapping[str, str]) -> str:
    """Raises: ValueError."""
    if bare_variable(text, env, whole=True):
        raise ValueError("write ${VARIABLE}: without braces, the secret is the variable's name")
    if bare_variable(text, env, whole=False):
        raise ValueError(
            "the secret contains the name of a variable after a '$', without braces: "
            "write ${VARIABLE} for its value, or read the secret from a {file: PATH}"
        )
    return substitute(text, env)


def _content(path: Path) -> str:
    """The file's text without its last line break. Raises: ValueError."""
    try:
        return path.read_text("utf-8").removesuffix("\n")
    except OSError as error:
        raise ValueError(f"can't read the secret's file: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError("the secret's file isn't UTF-8 text") from None


def url_text(value: str | Secret) -> str:
    return value.reveal() if isinstance(value, Secret) else value
