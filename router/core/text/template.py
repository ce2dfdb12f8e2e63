"""The titles that rules write, the links of configs, and the texts of messages: Jinja2, cut down to
what these need.

A template's author is trusted to read labels and to format numbers, and no further: no mistake of
theirs may stall the router or fill its memory. So a template has text, expressions, `if` and one
level of `for`, over filters and methods whose cost is bounded; the rest is refused when the rules
are read. Output isn't escaped: that's up to its destination.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any
from urllib.parse import quote

import jinja2
from jinja2 import meta, nodes, pass_context
from jinja2.exceptions import SecurityError
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment

from router.core.text import plain as line
from router.core.text import units as quantity
from router.core.text.plain import plain

LONGEST = 500
"""Characters of a rendered line, the cut mark included."""

LONGEST_TEXT = 20_000
"""Characters of a rendered message, or a little more."""

_LONGEST_STEP = 2_000  # characters or items that anything may have on the way there, so that nothing can explode
_LONGEST_SOURCE = 10_000

_STATEMENTS = (nodes.Output, nodes.If, nodes.For)
_METHODS = frozenset(
    {"get", "items", "keys", "values"}
    | {
        "lower",
        "upper",
        "title",
        "capitalize",
        "strip",
        "lstrip",
        "rstrip",
        "removeprefix",
        "removesuffix",
    }
    | {"startswith", "endswith", "split", "rsplit", "partition", "rpartition"}
)
_FILTERS = frozenset(
    {
        "default",
        "d",
        "lower",
        "upper",
        "title",
        "capitalize",
        "trim",
        "truncate",
        "replace",
        "string",
        "urlencode",
    }
    | {"int", "float", "round", "abs", "length", "count", "min", "max"}
    | {
        "join",
        "first",
        "last",
        "list",
        "sort",
        "unique",
        "reverse",
        "items",
        "dictsort",
        "select",
        "reject",
    }
)


def _measured(write: Callable[[float], str]) -> Callable[[Any], str]:
    """A filter that writes a number, or text that is one.

    Anything else stays as it is, and nothing is "unknown".
    """

    def written(value: Any) -> str:
        try:
            return write(float(value))
        except (TypeError, ValueError, jinja2.UndefinedError):
            return str(value) or "unknown"

    return written


def _bounded(make: Callable[..., Any]) -> Callable[..., Any]:
    """The same filter, refusing to make too much.

    It keeps the marks by which Jinja2 knows what to pass it.
    """

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
        self.filters = {
            name: _bounded(make) for name, make in self.filters.items() if name in _FILTERS
        }
        for write in (quantity.percent, quantity.duration, quantity.number):
            self.filters[write.__name__] = _measured(write)
        self.filters |= {"json": _bounded(_json), "raw": _Raw, **(filters or {})}

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Text times a number, text % values and big powers can each make gigabytes.

        Raises: SecurityError.
        """
        if not (isinstance(left, (int, float)) and isinstance(right, (int, float))):
            raise SecurityError(f"{operator} takes numbers only")
        return super().call_binop(
            context, operator, float(left) if operator == "**" else left, right
        )

    def getattr(self, obj: Any, attribute: str) -> Any:
        """`labels.items` is the label of that name, if there is one."""
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)


class _Raw(str):
    """Text for a URL that is part of one already."""

    __slots__ = ()


class _Needed(jinja2.ChainableUndefined):
    """What isn't there can be asked for and have a default, but not be written."""

    def __str__(self) -> str:
        raise _missing(self)


def _finalized(value: Any) -> Any:
    """A method that isn't called says nothing; its address would differ at each start."""
    return "" if callable(value) else value


def _encoded(value: Any) -> str:
    """As it can stand anywhere in a URL."""
    if isinstance(value, _Raw):
        return str(value)
    if isinstance(
        value, jinja2.Undefined
    ):  # of an `if` without `else` it's Jinja2's own, which would say nothing
        raise _missing(value)
    return quote(str(_finalized(value)), safe="")


class NotMeant(ValueError):
    """The template is an `if` without `else`, of which the condition doesn't hold."""


def _missing(value: jinja2.Undefined) -> Exception:
    name = value._undefined_name  # noqa: SLF001 - for those who make their own
    return (
        jinja2.UndefinedError(f"there's no '{name}'")
        if name
        else NotMeant("it isn't for this incident")
    )


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, default=str)


@dataclass(frozen=True, slots=True)
class TemplateKind:
    """What a template is for: the names that it's given, how an expression in it is written, how
    long it gets.
    """

    names: frozenset[str]
    environment: _Environment
    longest: int = _LONGEST_STEP


TITLE = TemplateKind(
    frozenset({"labels", "annotations", "value"}),
    _Environment(jinja2.ChainableUndefined, _finalized),
)
"""A line of text. What isn't there is empty."""

CONDITION = TemplateKind(frozenset({"labels", "annotations"}), TITLE.environment)
"""What an incident must be. What isn't there is empty."""

LINK = TemplateKind(
    frozenset({"labels", "annotations", "id", "name", "rule", "severity", "source", "url", "query"})
    | {f"{moment}{form}" for moment in ("start", "end") for form in ("", "_s", "_ms")},
    _Environment(_Needed, _encoded),
)
"""A URL. Each expression is encoded, but one that ends in `| raw`; one about what isn't there fails."""


def _on_one_line(value: Any) -> str:
    return "" if value is None else plain(str(_finalized(value)))


def _in_zone(write: Callable[[float, str], str]) -> Callable[..., str]:
    """A filter that writes a time by the reader's clock."""

    @pass_context
    def written(context: Context, at: Any) -> str:
        return write(float(at), str(context["zone"])) if isinstance(at, (int, float)) else ""

    return written


_TIMES: Mapping[str, Callable[..., Any]] = {
    write.__name__: _in_zone(write) for write in (line.local, line.day, line.clock, line.moment)
} | {"lasted": _measured(line.lasted)}


def text_kind(names: Iterable[str]) -> TemplateKind:
    """A message of several lines.

    No expression begins one of its own, whatever is in it; what isn't there is empty.
    """
    environment = _Environment(jinja2.ChainableUndefined, _on_one_line, _TIMES, blocks=True)
    return TemplateKind(frozenset(names) | {"zone"}, environment, LONGEST_TEXT)


@dataclass(frozen=True, slots=True)
class Template:
    """A template that has been checked. Two with the same source are equal."""

    source: str
    compiled: jinja2.Template = field(repr=False, compare=False)
    longest: int = field(default=_LONGEST_STEP, repr=False)


def compile_link(source: str) -> Template:
    """Raises: ValueError("line N: …"), or that it can't lead to a website, as far as its beginning
    tells.
    """
    if not source.lstrip().startswith(("https://", "http://", "{{", "{%")):
        raise ValueError("expected a URL that begins with https:// or http://")
    return compile_template(source, LINK)


def compile_template(source: str, kind: TemplateKind = TITLE) -> Template:
    """Check a template that may use the names of its kind. Raises: ValueError("line N: …")."""
    if len(source) > _LONGEST_SOURCE:
        raise ValueError(
            f"line 1: expected at most {_LONGEST_SOURCE} characters, not {len(source)}"
        )
    try:
        tree = kind.environment.parse(source)
        for node in tree.find_all((nodes.Stmt, nodes.Expr)):
            if problem := _problem(node, kind.environment):
                raise ValueError(f"line {node.lineno}: {problem}")
        _check_names(tree, kind.names)
        return Template(source, kind.environment.from_string(tree), kind.longest)
    except jinja2.TemplateSyntaxError as error:
        raise ValueError(f"line {error.lineno}: {error.message}") from None
    except (RecursionError, SyntaxError, MemoryError):  # as Python's compiler reports nesting
        raise ValueError(f"line {_deepest_line(source)}: nested too deeply") from None


def _deepest_line(source: str) -> int:
    """The line with the most brackets that are open."""
    depth, deepest, line = 0, (0, 1), 1
    for character in source:
        line += character == "\n"
        depth += (character in "([{") - (character in ")]}")
        deepest = max(deepest, (depth, -line))
    return abs(deepest[1])


@dataclass(frozen=True, slots=True)
class Condition:
    """An expression over an incident that has been checked, like `labels.customer_facing ==
    'true'`.
    """

    source: str
    compiled: jinja2.Template = field(repr=False, compare=False)

    def holds(self, *, labels: Mapping[str, str], annotations: Mapping[str, str]) -> bool:
        """Never raises: one that fails holds, since whoever is told for nothing is the lesser evil."""
        try:
            return bool(
                _output(
                    self.compiled.generate(
                        {"labels": _cut(labels), "annotations": _cut(annotations)}
                    )
                )
            )
        except Exception:  # noqa: BLE001 - a template raises whatever its operands raise
            return True


def compile_condition(source: str) -> Condition:
    """Check an expression that may use `labels` and `annotations`. Raises: ValueError."""
    if "%}" in source:
        raise ValueError(
            "expected one expression over labels and annotations, like labels.customer_facing == 'true'"
        )
    try:
        return Condition(
            source, compile_template(f"{{% if {source} %}}yes{{% endif %}}", CONDITION).compiled
        )
    except ValueError as error:
        why = str(error).partition(": ")[2].replace("'end of statement block'", "end")
        raise ValueError(f"the condition isn't one: {why}") from None


def _problem(node: nodes.Node, environment: _Environment) -> str | None:
    """Why a template can't have this."""
    match node:
        case nodes.For() if node.recursive or any(node.find_all(nodes.For)):
            return "expected no loop inside a loop"
        case nodes.Stmt() if not isinstance(node, _STATEMENTS):
            return f"expected no statement but if and for, not {type(node).__name__.lower()}"
        case nodes.Call() if getattr(node.node, "attr", None) not in _METHODS:
            return f"expected a call of one of {', '.join(sorted(_METHODS))}"
        case nodes.Filter() if node.name not in environment.filters:
            return f"expected one of the filters {', '.join(sorted(environment.filters))}, not {node.name}"
        case nodes.Test() if node.name not in environment.tests:
            return f"expected one of Jinja2's tests, not {node.name}"
    return None


def _check_names(tree: nodes.Template, names: frozenset[str]) -> None:
    """Raises: ValueError, for a name that nothing will be given under."""
    unknown = meta.find_undeclared_variables(tree) - names
    for node in tree.find_all(nodes.Name):
        if node.name in unknown:
            raise ValueError(
                f"line {node.lineno}: expected one of {', '.join(sorted(names))}, not {node.name}"
            )


def render(
    template: Template,
    *,
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    value: float | None,
    fallback: str,
) -> str:
    """One line of at most `LONGEST` characters; `fallback` if it fails or says nothing. Never
    raises.

    A label that isn't there is empty, and a missing `value` is undefined (`value | percent` says "unknown").
    """
    given: dict[str, Any] = {"labels": labels, "annotations": annotations}
    if value is not None:
        given["value"] = value
    try:
        text = written(template, given)
    except ValueError:
        text = ""
    shown = " ".join(text.split()) or fallback
    return shown if len(shown) <= LONGEST else f"{shown[: LONGEST - 1]}…"


def written(template: Template, given: Mapping[str, Any]) -> str:
    """All that the template says, up to a length that nothing sensible has.

    Raises: NotMeant; ValueError, with why it can't.
    """
    cut = {
        name: _cut(value) if isinstance(value, Mapping) else value for name, value in given.items()
    }
    try:
        return _output(template.compiled.generate(cut), template.longest)
    except NotMeant:
        raise
    except Exception as error:  # noqa: BLE001 - a template raises whatever its operands raise
        raise ValueError(str(error) or type(error).__name__) from None


def _cut(texts: Mapping[str, str]) -> dict[str, str]:
    return {name: text[:_LONGEST_STEP] for name, text in texts.items()}


def _output(pieces: Iterable[str], longest: int = _LONGEST_STEP) -> str:
    text = ""
    for piece in pieces:
        text += piece
        if len(text) > longest:
            break
    return text
