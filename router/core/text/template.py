"""Templates of titles, links, conditions and messages: checked when loaded, rendered safely.

The output isn't escaped; each destination escapes it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import jinja2
from jinja2 import meta, nodes

from router.core.text.sandbox import (
    CONDITION,
    LINK,
    LONGEST_STEP,
    METHODS,
    STATEMENTS,
    TITLE,
    Environment,
    NotMeant,
    TemplateKind,
)

LONGEST = 500
"""Maximum characters of a rendered line, including the mark of a cut."""

_LONGEST_SOURCE = 10_000


@dataclass(frozen=True, slots=True)
class Template:
    """A checked template. Two with the same source are equal."""

    source: str
    compiled: jinja2.Template = field(repr=False, compare=False)
    longest: int = field(default=LONGEST_STEP, repr=False)


@dataclass(frozen=True, slots=True)
class Condition:
    """A checked expression over an incident, like `labels.customer_facing == 'true'`."""

    source: str
    compiled: jinja2.Template = field(repr=False, compare=False)

    def holds(self, *, labels: Mapping[str, str], annotations: Mapping[str, str]) -> bool:
        """Evaluate the expression. A failure counts as true: better one page too many.

        Never raises.
        """
        given = {"labels": _cut(labels), "annotations": _cut(annotations)}
        try:
            return bool(_output(_pieces(self.compiled, given)))
        except Exception:  # noqa: BLE001 - a template raises whatever its operands raise
            return True


def compile_link(source: str) -> Template:
    """Check the template of a web link. Raises: ValueError("line N: …")."""
    if not source.lstrip().startswith(("https://", "http://", "{{", "{%")):
        raise ValueError("expected a URL that begins with https:// or http://")
    return compile_template(source, LINK)


def compile_template(source: str, kind: TemplateKind = TITLE) -> Template:
    """Check a template that may use the names of its kind. Raises: ValueError("line N: …")."""
    if len(source) > _LONGEST_SOURCE:
        limit = _LONGEST_SOURCE
        raise ValueError(f"line 1: expected at most {limit} characters, not {len(source)}")
    try:
        tree = kind.environment.parse(source)
        for node in tree.find_all((nodes.Stmt, nodes.Expr)):
            if problem := _problem(node, kind.environment):
                raise ValueError(f"line {node.lineno}: {problem}")
        _check_names(tree, kind.names)
        # No globals: Jinja2 would copy a chain of two empty maps for each text.
        compiled = kind.environment.from_string(tree)
        compiled.globals = {}
        return Template(source, compiled, kind.longest)
    except jinja2.TemplateSyntaxError as error:
        raise ValueError(f"line {error.lineno}: {error.message}") from None
    except (RecursionError, SyntaxError, MemoryError):  # as Python's compiler reports nesting
        raise ValueError(f"line {_deepest_line(source)}: nested too deeply") from None


def _deepest_line(source: str) -> int:
    """The line with the most open brackets."""
    depth, deepest, line = 0, (0, 1), 1
    for character in source:
        line += character == "\n"
        depth += (character in "([{") - (character in ")]}")
        deepest = max(deepest, (depth, -line))
    return abs(deepest[1])


def compile_condition(source: str) -> Condition:
    """Check an expression that may use `labels` and `annotations`. Raises: ValueError."""
    if "%}" in source:
        raise ValueError(
            "expected one expression over labels and annotations, "
            "like labels.customer_facing == 'true'"
        )
    try:
        template = compile_template(f"{{% if {source} %}}yes{{% endif %}}", CONDITION)
    except ValueError as error:
        why = str(error).partition(": ")[2].replace("'end of statement block'", "end")
        raise ValueError(f"invalid condition: {why}") from None
    return Condition(source, template.compiled)


def _problem(node: nodes.Node, environment: Environment) -> str | None:
    """The reason why a template may not contain this node."""
    match node:
        case nodes.For() if node.recursive or any(node.find_all(nodes.For)):
            return "expected no loop inside a loop"
        case nodes.Stmt() if not isinstance(node, STATEMENTS):
            return f"expected no statement but if and for, not {type(node).__name__.lower()}"
        case nodes.Call() if getattr(node.node, "attr", None) not in METHODS:
            return f"expected a call of one of {', '.join(sorted(METHODS))}"
        case nodes.Filter() if node.name not in environment.filters:
            known = ", ".join(sorted(environment.filters))
            return f"expected one of the filters {known}, not {node.name}"
        case nodes.Test() if node.name not in environment.tests:
            return f"expected one of Jinja2's tests, not {node.name}"
    return None


def _check_names(tree: nodes.Template, names: frozenset[str]) -> None:
    """Raises: ValueError, for a name that this kind of template doesn't have."""
    unknown = meta.find_undeclared_variables(tree) - names
    for node in tree.find_all(nodes.Name):
        if node.name in unknown:
            known = ", ".join(sorted(names))
            raise ValueError(f"line {node.lineno}: expected one of {known}, not {node.name}")


def render(
    template: Template,
    *,
    labels: Mapping[str, str],
    annotations: Mapping[str, str],
    value: float | None,
    fallback: str,
) -> str:
    """One line of at most `LONGEST` characters; `fallback` if it fails or is empty. Never raises.

    A missing label is empty, and a missing `value` is undefined (`value | percent` is "unknown").
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
    """Render the template, up to a length that is far beyond any real text.

    Raises: NotMeant; ValueError, with the reason.
    """
    cut = {
        name: _cut(value) if isinstance(value, Mapping) else value for name, value in given.items()
    }
    try:
        return _output(_pieces(template.compiled, cut), template.longest)
    except NotMeant:
        raise
    except Exception as error:  # noqa: BLE001 - a template raises whatever its operands raise
        raise ValueError(str(error) or type(error).__name__) from None


def _cut(texts: Mapping[str, str]) -> dict[str, str]:
    return {name: text[:LONGEST_STEP] for name, text in texts.items()}


def _pieces(compiled: jinja2.Template, given: dict[str, Any]) -> Iterable[str]:
    """As `compiled.generate`, without copies of `given` and without rewritten tracebacks."""
    return compiled.root_render_func(compiled.new_context(given, shared=True))


def _output(pieces: Iterable[str], longest: int = LONGEST_STEP) -> str:
    text = ""
    for piece in pieces:
        text += piece
        if len(text) > longest:
            break
    return text
