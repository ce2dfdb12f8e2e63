"""JMESPath expressions in the config, with one more function: `parse_json(text)`.

https://jmespath.org
"""

import json
from collections.abc import Iterator
from typing import Any

import jmespath
from jmespath import functions
from jmespath.exceptions import JMESPathError
from msgspec import Struct

LONGEST = 2000
"""Maximum characters of an expression."""


class _Functions(functions.Functions):
    @functions.signature({"types": ["string", "null"]})
    def _func_parse_json(self, text: str | None) -> object:
        """Decode JSON text; null if it isn't JSON."""
        try:
            return None if text is None else json.loads(text)
        except ValueError:
            return None


_OPTIONS = jmespath.Options(custom_functions=_Functions())


class Expression(Struct, frozen=True):
    """A compiled expression and its source text."""

    text: str
    compiled: Any

    @staticmethod
    def parse(text: str) -> "Expression":
        """Parse an expression. Raises: ValueError, with the reason."""
        if len(text) > LONGEST:
            raise ValueError(f"the expression is longer than {LONGEST} characters")
        try:
            compiled = jmespath.compile(text)
            unknown = set(_functions_in(compiled.parsed)) - _Functions.FUNCTION_TABLE.keys()
        except JMESPathError as error:
            raise ValueError(f"not a JMESPath expression: {_plain(error)}") from None
        except RecursionError:
            raise ValueError("not a JMESPath expression: nested too deeply") from None
        if unknown:
            raise ValueError(f"not a JMESPath expression: there is no function {min(unknown)}()")
        return Expression(text, compiled)

    def search(self, content: object) -> object:
        """Evaluate the expression; None if it selects nothing. Raises: ValueError."""
        try:
            return self.compiled.search(content, _OPTIONS)
        except (JMESPathError, TypeError, ValueError, OverflowError) as error:
            raise ValueError(f"'{self.text}' fails: {_plain(error)}") from None
        except RecursionError:
            raise ValueError(f"'{self.text}' fails: nested too deeply") from None


def _functions_in(node: Any) -> Iterator[str]:
    """The names of all functions that a parsed expression calls."""
    if isinstance(node, dict):
        if node.get("type") == "function_expression":
            yield node["value"]
        for child in node.get("children", ()):
            yield from _functions_in(child)


def _plain(error: Exception) -> str:
    """The first line of the library's message, shortened, without the colon before a diagram."""
    return str(error).partition("\n")[0][:200].removesuffix(", for expression:").removesuffix(":")
