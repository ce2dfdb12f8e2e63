"""Templates of titles, links, conditions and messages: checked when loaded, rendered safely.

The output isn't escaped; each destination escapes it.
"""

import re
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
"""Maximum characters of a rendered line, including the ellipsis if it's cut."""

_LONGEST_SOURCE = 10_000
_BLANKS = re.compile(r"\n{3,}")

_KNOWN = 256
"""Maximum cached results of a condition."""

Lookups = Mapping[str, frozenset[str]]
"""The keys that a template reads from each mapping. Mappings that it reads whole are absent."""


@dataclass(frozen=True, slots=True)
class Template:
    """A checked template. Two with the same source are equal."""

    source: str
    compiled: jinja2.Template = field(repr=False, compare=False)
    kind: TemplateKind = field(default=TITLE, repr=False, compare=False)
    lookups: Lookups = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Condition(Template):
    """A checked expression over an incident, like `labels.customer_facing == 'true'`."""

    _known: dict[object, bool] = field(default_factory=dict, init=False, repr=False, compare=False)

    def holds(self, *, labels: Mapping[str, str], annotations: Mapping[str, str]) -> bool:
        """Evaluate the expression. Never raises: if it fails, the condition counts as true.

        A page too many is better than a missed page.
        """
        lookups = self.lookups
        given = {
            "labels": _shortened(labels, lookups.get("labels")),
            "annotations": _shortened(annotations, lookups.get("annotations")),
        }
        # Cached: the result depends only on these values, which are mostly the same.
        key = (*given["labels"].items(), "", *given["annotations"].items())
        if (known := self._known.get(key)) is not None:
            return known
        try:
            holds = bool(written(self, given))
        except ValueError:
            holds = True
        if len(self._known) >= _KNOWN:
            self._known.clear()
        self._known[key] = holds
        return holds


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
        # No globals: Jinja2 would copy them for each rendered text.
        compiled = kind.environment.from_string(tree)
        compiled.globals = {}
        return Template(source, compiled, kind, _lookups(tree, kind.names))
    except jinja2.TemplateSyntaxError as error:
        raise ValueError(f"line {error.lineno}: {error.message}") from None
    except (
        RecursionError,
        SyntaxError,
        MemoryError,
    ):  # Python's compiler raises these for deep nesting
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
        why = why.replace("got '='", "got '=': write == to compare")
        raise ValueError(f"invalid condition: {why}") from None
    return Condition(source, template.compiled, template.kind, template.lookups)


def mistyped(condition: Condition) -> list[str]:
    """Labels and annotations, which are text, that it compares with a number or a boolean."""
    tree = condition.kind.environment.parse(f"{{% if {condition.source} %}}{{% endif %}}")
    found = []
    for node in tree.find_all(nodes.Compare):
        sides = [node.expr, *(operand.expr for operand in node.ops)]
        constants = [side.value for side in sides if isinstance(side, nodes.Const)]
        if any(isinstance(value, bool | int | float) for value in constants):
            found += [_lookup(side) for side in sides]
    return [name for name in found if name]


def _lookup(node: nodes.Expr) -> str:
    """The label or annotation that it reads, as `labels.service`; "" for anything else."""
    if not isinstance(node, nodes.Getattr | nodes.Getitem):
        return ""
    key = _key(node)
    return f"{node.node.name}.{key}" if key and isinstance(node.node, nodes.Name) else ""


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


def _lookups(tree: nodes.Template, names: Iterable[str]) -> Lookups:
    """The keys read from each mapping, for mappings that are only read by key."""
    keys: dict[str, set[str]] = {}
    looked_up = set[int]()
    for node in tree.find_all(nodes.Expr):
        if not isinstance(node, nodes.Getattr | nodes.Getitem):
            continue
        key = _key(node)
        # A method, such as `labels.items()`, reads the whole mapping.
        if isinstance(node.node, nodes.Name) and key is not None and not hasattr(dict, key):
            keys.setdefault(node.node.name, set()).add(key)
            looked_up.add(id(node.node))
    whole = {node.name for node in tree.find_all(nodes.Name) if id(node) not in looked_up}
    return {name: frozenset(keys.get(name, ())) for name in names if name not in whole}


def _key(node: nodes.Getattr | nodes.Getitem) -> str | None:
    if isinstance(node, nodes.Getattr):
        return node.attr
    arg = node.arg
    return arg.value if isinstance(arg, nodes.Const) and isinstance(arg.value, str) else None


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
    """Render the template, up to a length far beyond any real text.

    A text of several lines has no spaces at line ends, and no repeated empty lines. Raises:
    NotMeant; ValueError, with the reason.
    """
    lookups = template.lookups
    cut = {
        name: _shortened(value, lookups.get(name)) if isinstance(value, Mapping) else value
        for name, value in given.items()
    }
    compiled, kind, text = template.compiled, template.kind, ""
    try:
        # Like `compiled.generate`, but without copying `cut` and rewriting tracebacks.
        for piece in compiled.root_render_func(compiled.new_context(cut, shared=True)):
            text += piece
            if len(text) > kind.longest:
                break
    except NotMeant:
        raise
    except Exception as error:  # noqa: BLE001 - a template raises whatever its operands raise
        raise ValueError(str(error) or type(error).__name__) from None
    if kind.has_lines:
        return _BLANKS.sub("\n\n", "\n".join(map(str.rstrip, text.splitlines()))).strip()
    return text


def _shortened(texts: Mapping[str, str], keys: frozenset[str] | None) -> dict[str, str]:
    """Shorten the values, and leave out those that the template doesn't read."""
    if keys is None:
        return {name: text[:LONGEST_STEP] for name, text in texts.items()}
    return {key: texts[key][:LONGEST_STEP] for key in keys if key in texts}
