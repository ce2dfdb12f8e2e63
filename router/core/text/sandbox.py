"""A restricted Jinja2 for templates: text, expressions, `if` and one level of `for`.

Time and memory are limited, so that a mistake in a template can't stall the router. Dangerous
filters and methods are left out.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any
from urllib.parse import quote

import jinja2
from jinja2 import nodes, pass_context
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from router.core.text import plain as plain_text
from router.core.text import units
from router.core.text.plain import plain

LONGEST_TEXT = 20_000
"""Maximum characters of a rendered message, approximately."""

LONGEST_STEP = 2_000
"""Maximum characters or items of any intermediate result."""

STATEMENTS = (nodes.Output, nodes.If, nodes.For)
METHODS = frozenset(
    [
        *("get", "items", "keys", "values", "lower", "upper", "title", "capitalize"),
        *("strip", "lstrip", "rstrip", "removeprefix", "removesuffix"),
        *("startswith", "endswith", "split", "rsplit", "partition", "rpartition"),
    ]
)
_FILTERS = frozenset(
    [
        *("default", "d", "lower", "upper", "title", "capitalize", "trim", "truncate", "replace"),
        *("string", "urlencode", "int", "float", "round", "abs", "length", "count", "min", "max"),
        *("join", "first", "last", "list", "sort", "unique", "reverse", "items", "dictsort"),
        *("select", "reject"),
    ]
)


class NotMeant(ValueError):
    """The template doesn't apply: an `if` without `else` whose condition is false."""


class Environment(ImmutableSandboxedEnvironment):
    """No globals such as `range`, no loader, few filters, and arithmetic on numbers only."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def __init__(
        self,
        undefined: type[jinja2.Undefined],
        finalize: Callable[[Any], Any],
        filters: Mapping[str, Callable[..., Any]] | None = None,
        *,
        blocks: bool = False,
    ) -> None:
        super().__init__(
            autoescape=False,
            undefined=undefined,
            finalize=finalize,
            trim_blocks=blocks,
            lstrip_blocks=blocks,
        )
        self.globals.clear()
        kept = {name: make for name, make in self.filters.items() if name in _FILTERS}
        self.filters = {name: _bounded(make) for name, make in kept.items()}
        for write in (units.percent, units.duration, units.number):
            self.filters[write.__name__] = _measured(write)
        self.filters |= {"json": _bounded(_json), "raw": _Raw, **(filters or {})}

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Check operands: text times a number, text % values and big powers can create gigabytes.

        Raises: SecurityError.
        """
        if not (isinstance(left, (int, float)) and isinstance(right, (int, float))):
            raise SecurityError(f"{operator} takes numbers only")
        base = float(left) if operator == "**" else left
        return super().call_binop(context, operator, base, right)

    # `labels.items` is the label `items`, if it exists.
    getattr = ImmutableSandboxedEnvironment.getitem  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class TemplateKind:
    """A kind of template: the names it may use, how expressions are output, the maximum length."""

    names: frozenset[str]
    environment: Environment
    longest: int = LONGEST_STEP
    has_lines: bool = False


def text_kind(names: Iterable[str]) -> TemplateKind:
    """A message of several lines.

    A missing value is empty, and no value can start a new line.
    """
    environment = Environment(jinja2.ChainableUndefined, _on_one_line, _TIMES, blocks=True)
    return TemplateKind(frozenset(names) | {"zone"}, environment, LONGEST_TEXT, has_lines=True)


# --- filters


def _measured(write: Callable[[float], str]) -> Callable[[Any], str]:
    """A filter that formats a number, or a text that is a number. Other text is unchanged.

    A missing value is "unknown".
    """

    def written(value: Any) -> str:
        try:
            return write(float(value))
        except (TypeError, ValueError, jinja2.UndefinedError):
            return str(value) or "unknown"

    return written


def _bounded(make: Callable[..., Any]) -> Callable[..., Any]:
    """Limit the length of a filter's result. `wraps` keeps the attributes that Jinja2 needs."""

    @wraps(make)
    def made(*args: Any, **kwargs: Any) -> Any:
        result = make(*args, **kwargs)
        if isinstance(result, (str, list)) and len(result) > LONGEST_STEP:
            raise SecurityError("the result of a filter is too long")
        return result

    return made


def _in_zone(write: Callable[[float, str], str]) -> Callable[..., str]:
    """A filter that formats a time in the reader's time zone."""

    @pass_context
    def written(context: Context, at: Any) -> str:
        return write(float(at), str(context["zone"])) if isinstance(at, (int, float)) else ""

    return written


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str)


_CLOCKS = (plain_text.local, plain_text.day, plain_text.clock, plain_text.moment)
_TIMES: Mapping[str, Callable[..., Any]] = {
    **{write.__name__: _in_zone(write) for write in _CLOCKS},
    "lasted": _measured(plain_text.lasted),
}


# --- missing values, and output of expressions


class _Raw(str):
    """Text that is already part of a URL."""

    __slots__ = ()


class _Needed(jinja2.ChainableUndefined):
    """A missing value that a template may test or replace by a default, but not print."""

    def __str__(self) -> str:
        raise _missing(self)


def _finalized(value: Any) -> Any:
    """Print a method that isn't called as empty, instead of its memory address."""
    return "" if callable(value) else value


def _on_one_line(value: Any) -> str:
    return "" if value is None or callable(value) else plain(str(value))


def _encoded(value: Any) -> str:
    """Encode so that the result is safe anywhere in a URL."""
    if isinstance(value, _Raw):
        return str(value)
    if isinstance(value, jinja2.Undefined):
        # For an `if` without `else` Jinja2 uses its own class, which would print "".
        raise _missing(value)
    return quote(str(_finalized(value)), safe="")


def _missing(value: jinja2.Undefined) -> Exception:
    name = value._undefined_name  # noqa: SLF001 - meant for such subclasses
    if name:
        return jinja2.UndefinedError(f"there's no '{name}'")
    return NotMeant("the condition is false")


# --- the kinds of templates

TITLE = TemplateKind(
    frozenset({"labels", "annotations", "value"}),
    Environment(jinja2.ChainableUndefined, _finalized),
)
"""A line of text. A missing value is empty."""

CONDITION = TemplateKind(frozenset({"labels", "annotations"}), TITLE.environment)
"""A condition on an incident. A missing value is empty."""

LINK = TemplateKind(
    frozenset({"labels", "annotations", "id", "name", "rule", "severity", "source", "url", "query"})
    | {f"{moment}{form}" for moment in ("start", "end") for form in ("", "_s", "_ms")},
    Environment(_Needed, _encoded),
)
"""A URL. Each expression is encoded, except with `| raw`. A missing value is an error."""
