"""The titles that rules write: Jinja2, cut down to what a title needs.

A template's author is trusted to read labels and to format numbers, and no further: no mistake of theirs may stall the
router or fill its memory. So a template has text, expressions, `if` and one level of `for`, over filters and methods
whose cost is bounded; the rest is refused when the rules are read. Output isn't escaped: that's up to its destination.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any

import jinja2
from jinja2 import meta, nodes
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from router.core import quantity

LONGEST = 500
"""Characters of a rendered text, the cut mark included."""

_LONGEST_STEP = 2_000  # characters or items that anything may have on the way there, so that nothing can explode
_LONGEST_SOURCE = 10_000

_NAMES = frozenset({"labels", "annotations", "value"})
_STATEMENTS = (nodes.Output, nodes.If, nodes.For)
_METHODS = frozenset(
    {"get", "items", "keys", "values"}
    | {"lower", "upper", "title", "capitalize", "strip", "lstrip", "rstrip", "removeprefix", "removesuffix"}
    | {"startswith", "endswith", "split", "rsplit", "partition", "rpartition"}
)
_FILTERS = frozenset(
    {"default", "d", "lower", "upper", "title", "capitalize", "trim", "truncate", "replace", "string", "urlencode"}
    | {"int", "float", "round", "abs", "length", "count", "min", "max"}
    | {"join", "first", "last", "list", "sort", "unique", "reverse", "items", "dictsort", "select", "reject"}
)


def _measured(write: Callable[[float], str]) -> Callable[[Any], str]:
    """A filter that writes a number, or text that is one. Anything else stays as it is, and nothing is "unknown"."""

    def written(value: Any) -> str:
        try:
            return write(float(value))
        except (TypeError, ValueError, jinja2.UndefinedError):
            return str(value) or "unknown"

    return written


def _bounded(make: Callable[..., Any]) -> Callable[..., Any]:
    """The same filter, refusing to make too much. It keeps the marks by which Jinja2 knows what to pass it."""

    @wraps(make)
    def made(*args: Any, **kwargs: Any) -> Any:
        result = make(*args, **kwargs)
        if isinstance(result, (str, list)) and len(result) > _LONGEST_STEP:
            raise SecurityError("a filter made too much")
        return result

    return made


class _Environment(ImmutableSandboxedEnvironment):
    """No globals (`range` and the like), no loader, few filters, and arithmetic on numbers only."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def __init__(self) -> None:
        super().__init__(autoescape=False, undefined=jinja2.ChainableUndefined, finalize=_finalized)
        self.globals.clear()
        self.filters = {name: _bounded(make) for name, make in self.filters.items() if name in _FILTERS}
        for write in (quantity.percent, quantity.duration, quantity.number):
            self.filters[write.__name__] = _measured(write)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Text times a number, text % values and big powers can each make gigabytes. Raises: SecurityError."""
        if not (isinstance(left, (int, float)) and isinstance(right, (int, float))):
            raise SecurityError(f"{operator} takes numbers only")
        return super().call_binop(context, operator, float(left) if operator == "**" else left, right)

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`labels.items` is the label of that name, if there is one."""
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)


def _finalized(value: Any) -> Any:
    """A method that isn't called says nothing; its address would differ at each start."""
    return "" if callable(value) else value


_ENVIRONMENT = _Environment()


@dataclass(frozen=True, slots=True)
class Template:
    """A template that has been checked. Two with the same source are equal."""

    source: str
    compiled: jinja2.Template = field(repr=False, compare=False)


def compile_template(source: str) -> Template:
    """Check a template that may use `labels`, `annotations` and `value`. Raises: ValueError("line N: …")."""
    if len(source) > _LONGEST_SOURCE:
        raise ValueError(f"line 1: expected at most {_LONGEST_SOURCE} characters, not {len(source)}")
    try:
        tree = _ENVIRONMENT.parse(source)
        for node in tree.find_all((nodes.Stmt, nodes.Expr)):
            if problem := _problem(node):
                raise ValueError(f"line {node.lineno}: {problem}")
        _check_names(tree)
        return Template(source, _ENVIRONMENT.from_string(tree))
    except jinja2.TemplateSyntaxError as error:
        raise ValueError(f"line {error.lineno}: {error.message}") from None


def _problem(node: nodes.Node) -> str | None:
    """Why a title can't have this."""
    match node:
        case nodes.For() if node.recursive or any(node.find_all(nodes.For)):
            return "expected no loop inside a loop"
        case nodes.Stmt() if not isinstance(node, _STATEMENTS):
            return f"expected no statement but if and for, not {type(node).__name__.lower()}"
        case nodes.Call() if getattr(node.node, "attr", None) not in _METHODS:
            return f"expected a call of one of {', '.join(sorted(_METHODS))}"
        case nodes.Filter() if node.name not in _ENVIRONMENT.filters:
            return f"expected one of the filters {', '.join(sorted(_ENVIRONMENT.filters))}, not {node.name}"
        case nodes.Test() if node.name not in _ENVIRONMENT.tests:
            return f"expected one of Jinja2's tests, not {node.name}"
    return None


def _check_names(tree: nodes.Template) -> None:
    """Raises: ValueError, for a name that nothing will be given under."""
    unknown = meta.find_undeclared_variables(tree) - _NAMES
    for node in tree.find_all(nodes.Name):
        if node.name in unknown:
            raise ValueError(f"line {node.lineno}: expected one of {', '.join(sorted(_NAMES))}, not {node.name}")


def render(
    template: Template,
    *,
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    value: float | None,
    fallback: str,
) -> str:
    """One line of at most `LONGEST` characters; `fallback` if it fails or says nothing. Never raises.

    A label that isn't there is empty, and a missing `value` is undefined (`value | percent` says "unknown").
    """
    given: dict[str, Any] = {"labels": _cut(labels), "annotations": _cut(annotations)}
    if value is not None:
        given["value"] = value
    try:
        text = _output(template.compiled.generate(given))
    except Exception:  # noqa: BLE001 - a template raises whatever its operands raise
        text = ""
    line = " ".join(text.split()) or fallback
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"


def _cut(texts: Mapping[str, str]) -> dict[str, str]:
    return {name: text[:_LONGEST_STEP] for name, text in texts.items()}


def _output(pieces: Iterable[str]) -> str:
    text = ""
    for piece in pieces:
        text += piece
        if len(text) > _LONGEST_STEP:
            break
    return text
