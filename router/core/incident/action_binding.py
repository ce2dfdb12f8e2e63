"""What an action takes: typed parameters, and texts with `{name}` in them where the values go.

The law: a value goes into the one text that names it, once, and is never looked at again. So it
can't become another argument, or another placeholder; nor an option, since it can't begin with a
dash unless its parameter says so.
"""

import re
from collections.abc import Mapping
from string import Formatter

from msgspec import Struct, field

from router.core.rules.matcher import compile_regex
from router.model.scalars import IntegerRange

LONGEST = 200
"""Characters of a value. Nothing that an action is about has a longer name."""

_ORIGIN = re.compile(
    r"(labels|annotations)\.[a-zA-Z_][a-zA-Z0-9_]*|suspect\.(commit|version|previous)|incident"
)
_INTEGER = re.compile(r"-?[0-9]{1,18}")
# Values are approved by reading them: nothing in them may be invisible or reorder the text.
_UNWANTED = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff"
    r"\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)


class Parameter(Struct, frozen=True):
    """One that a person gives: text that a regular expression takes as a whole, one of `choices`,
    or a whole number.

    `default` is taken where none is given; before it what `origin` names of the incident, like
    `labels.service`.
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
        """Raises: ValueError, that says what was expected."""
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
            raise ValueError(f"expected what the pattern {self.pattern} takes")
        if value.startswith("-") and not self.dash:
            raise ValueError("it begins with a dash, so it could be taken for an option")

    @staticmethod
    def _check_integer(value: str, least: int, most: int) -> None:
        if not _INTEGER.fullmatch(value) or not least <= int(value) <= most:
            raise ValueError(f"expected a whole number from {least} to {most}")


class GuideStep(Struct, frozen=True):
    """What a person does, and the words they type to say that they have."""

    do: str
    confirm: str


class ActionPlan(Struct, frozen=True):
    """All that deciding about an action depends on. `expires` and `timeout` are in seconds.

    `checked`: it has a dry run, which comes first. `undoable`: it can be taken back. `guide` are
    the steps, where the action is a person's to do. `digest` changes with anything that is
    configured of it.
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
                f"expected a parameter's name in braces in '{text}' ({{{{ and }}}} are plain braces)"
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
    """The value of each parameter, and what is wrong: (parameter, why).

    `given` is what the person says, `known` what the incident says, by what an `origin` calls it.
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
