"""Parameters of an action: typed values, and texts with `{name}` placeholders.

Invariant: a value replaces only the placeholders with its name, and isn't expanded again. So it
can't become another argument or placeholder. It can't become an option either, because it can't
begin with a dash unless its parameter allows that.
"""

import re
from collections.abc import Mapping
from string import Formatter

from msgspec import Struct, field

from router.core.rules.matcher import compile_regex
from router.model.scalars import IntegerRange

LONGEST = 200
"""Maximum characters of a value: enough for any name that an action needs."""

_ORIGIN = re.compile(
    r"(labels|annotations)\.[a-zA-Z_][a-zA-Z0-9_]*|suspect\.(commit|version|previous)|incident"
)
_INTEGER = re.compile(r"-?[0-9]{1,18}")
# People read values to approve them, so no character may be invisible or reorder the text.
_UNWANTED = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff"
    r"\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)


class Parameter(Struct, frozen=True):
    """A value that a person enters: text that matches a pattern, a choice, or an integer.

    A missing value is the incident's value that `origin` names, such as `labels.service`, or else
    `default`.
    """

    pattern: str = ""
    choices: tuple[str, ...] = ()
    integers: IntegerRange | None = field(name="int", default=None)
    default: str | None = None
    origin: str = field(name="from", default="")
    dash: bool = False

    def __post_init__(self) -> None:
        if bool(self.pattern) + bool(self.choices) + (self.integers is not None) != 1:
            raise ValueError("a parameter needs one of pattern, choices or int")
        if self.origin and not _ORIGIN.fullmatch(self.origin):
            raise ValueError(
                f"from: '{self.origin}' is none of labels.NAME, annotations.NAME, suspect.commit, "
                "suspect.version, suspect.previous, incident"
            )
        if self.pattern:
            compile_regex(self.pattern)
        if self.default is not None:
            try:
                self.check(self.default)
            except ValueError as error:
                raise ValueError(f"the default isn't a valid value: {error}") from None

    def check(self, value: str) -> None:
        """Check a value. Raises: ValueError, with the expected form."""
        if not value:
            raise ValueError("it's empty")
        if len(value) > LONGEST or _UNWANTED.search(value):
            raise ValueError(f"expected one line of at most {LONGEST} visible characters")
        if self.integers is not None:
            self._check_integer(value, *self.integers)
        elif self.choices:
            if value not in self.choices:
                raise ValueError(f"expected one of: {', '.join(self.choices)}")
        elif compile_regex(self.pattern).fullmatch(value) is None:
            raise ValueError(f"expected a value that matches the pattern {self.pattern}")
        if value.startswith("-") and not self.dash:
            raise ValueError("it begins with a dash, so a program could read it as an option")

    @staticmethod
    def _check_integer(value: str, least: int, most: int) -> None:
        if not _INTEGER.fullmatch(value) or not least <= int(value) <= most:
            raise ValueError(f"expected a whole number from {least} to {most}")


class GuideStep(Struct, frozen=True):
    """An instruction to a person, and the words they type to confirm it."""

    do: str
    confirm: str


class ActionPlan(Struct, frozen=True):
    """Everything that decisions about an action depend on. `expires` and `timeout` are in seconds.

    `checked`: a dry run comes first. `undoable`: it can be undone. `guide`: the steps of an action
    that a person does. `digest` changes with the action's config.
    """

    name: str
    digest: str
    expires: float
    timeout: float
    second_person: bool = False
    checked: bool = False
    undoable: bool = False
    guide: tuple[GuideStep, ...] = ()
    parameters: Mapping[str, Parameter] = {}
    description: str = ""


def placeholders(text: str) -> set[str]:
    """The names in braces; `{{` and `}}` are plain braces. Raises: ValueError."""
    names = set()
    for _, name, spec, conversion in Formatter().parse(text):
        if name is None:
            continue
        if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or spec or conversion:
            raise ValueError(
                f"expected a parameter's name in braces in '{text}' "
                "({{ and }} are plain braces)"
            )
        names.add(name)
    return names


def fill(text: str, values: Mapping[str, str]) -> str:
    """`text` with the values in place of their names."""
    return "".join(
        literal + (values[name] if name is not None else "")
        for literal, name, _, _ in Formatter().parse(text)
    )


def bind(
    plan: ActionPlan, given: Mapping[str, str], known: Mapping[str, str]
) -> tuple[dict[str, str], list[tuple[str, str]]]:
    """The value of each parameter, and the problems: (parameter, reason).

    `given` are a person's values, `known` the incident's by the names that an `origin` uses.
    """
    values: dict[str, str] = {}
    problems = [
        (name, "the action has no such parameter") for name in given if name not in plan.parameters
    ]
    for name, parameter in plan.parameters.items():
        value = given.get(name) or known.get(parameter.origin) or parameter.default
        if value is None:
            problems.append((name, "it's missing"))
            continue
        try:
            parameter.check(value)
        except ValueError as error:
            problems.append((name, str(error)))
        else:
            values[name] = value
    return values, problems
