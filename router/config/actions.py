"""The shape of `actions`: what may be run against an incident, and how that's checked before
anybody needs it.
"""

import re
from collections.abc import Iterable
from hashlib import blake2b

from msgspec import Struct, field

from router.config.convert import Context
from router.config.fields import Duration, HttpUrl
from router.config.people_check import check_name
from router.config.secret import Secret
from router.core.incident.action_binding import ActionPlan, GuideStep, Parameter, placeholders
from router.core.rules.matcher import compile_regex
from router.model.action import Approval

_IDENTIFIER = r"[A-Za-z_][A-Za-z0-9_]{0,62}"
_ORIGIN = re.compile(
    r"(labels|annotations)\.[a-zA-Z_][a-zA-Z0-9_]*|suspect\.(commit|version|previous)|incident"
)


class ParameterDocument(Struct, frozen=True, kw_only=True):
    """What a person gives when they ask for the action: exactly one of `pattern`, `choices` and
    `int`.
    """

    pattern: str = ""
    choices: tuple[str, ...] = ()
    integers: str = field(name="int", default="")
    default: str | None = None
    origin: str = field(name="from", default="")
    dash: bool = False

    def __post_init__(self) -> None:
        if bool(self.pattern) + bool(self.choices) + bool(self.integers) != 1:
            raise ValueError("a parameter needs one of pattern, choices or int")
        if self.origin and not _ORIGIN.fullmatch(self.origin):
            raise ValueError(
                f"from: '{self.origin}' is none of labels.NAME, annotations.NAME, suspect.commit, suspect.version, "
                "suspect.previous, incident"
            )
        parameter = self.parameter()
        if self.default is not None:
            try:
                parameter.check(self.default)
            except ValueError as error:
                raise ValueError(f"the default is no value of the parameter: {error}") from None

    def parameter(self) -> Parameter:
        """Raises: ValueError."""
        if self.pattern:
            compile_regex(self.pattern)
        return Parameter(
            self.pattern,
            self.choices,
            _range(self.integers) if self.integers else None,
            self.default,
            self.origin,
            self.dash,
        )


def _range(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(-?[0-9]{1,18})\.\.(-?[0-9]{1,18})", text)
    if not found or int(found[1]) > int(found[2]):
        raise ValueError(f"int: expected a range like 0..100, found '{text}'")
    return int(found[1]), int(found[2])


class GuideStepDocument(Struct, frozen=True, kw_only=True):
    """A step that a person takes, and the words that they type to say so."""

    do: str
    confirm: str


class SqlFlagDocument(Struct, frozen=True, kw_only=True):
    """Sets a flag in PostgreSQL: UPDATE table SET value_column = value WHERE name_column = flag."""

    database: Secret
    table: str
    flag: str
    name_column: str = "name"
    value_column: str = "enabled"
    value: bool = False

    def __post_init__(self) -> None:
        names = {
            "table": rf"({_IDENTIFIER}\.)?{_IDENTIFIER}",
            "name_column": _IDENTIFIER,
            "value_column": _IDENTIFIER,
        }
        for key, pattern in names.items():
            if not re.fullmatch(pattern, getattr(self, key)):
                raise ValueError(
                    f"{key}: '{getattr(self, key)}' isn't a name of letters, digits and _"
                )
        if not self.database.reveal().startswith(("postgresql://", "postgres://")):
            raise ValueError("database: expected postgresql://USER@HOST/DATABASE")


class GitRevertDocument(Struct, frozen=True, kw_only=True):
    """Opens a pull request that reverts a commit, from a branch of its own.

    `clone_url` is GitHub's unless given.
    """

    repository: str
    token: Secret
    commit: str
    branch: str = "main"
    draft: bool = False
    api_url: HttpUrl = HttpUrl("https://api.github.com")
    clone_url: str = ""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", self.repository, re.ASCII):
            raise ValueError(f"repository: expected OWNER/NAME, found '{self.repository}'")
        if not re.fullmatch(r"\w[\w./-]*", self.branch, re.ASCII) or ".." in self.branch:
            raise ValueError(f"branch: '{self.branch}' isn't a branch's name")
        if self.clone_url and not self.clone_url.startswith(("https://", "/")):
            raise ValueError("clone_url: expected https://… or the absolute path of a repository")


class ActionDocument(Struct, frozen=True, kw_only=True):
    """One action: exactly one of `argv`, `sql_flag`, `git_revert` and `guide`.

    The texts of an `argv` are the program and its arguments; there's no shell. `{name}` in one
    stands for a parameter.
    """

    argv: tuple[str, ...] = ()
    dry_run: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    sql_flag: SqlFlagDocument | None = None
    git_revert: GitRevertDocument | None = None
    guide: tuple[GuideStepDocument, ...] = ()
    description: str = ""
    parameters: dict[str, ParameterDocument] = {}
    approval: Approval = Approval.RESPONDER
    timeout: Duration = Duration(60.0)
    expires: Duration = Duration(3600.0)

    def __post_init__(self) -> None:
        kinds = {
            "argv": self.argv,
            "sql_flag": self.sql_flag,
            "git_revert": self.git_revert,
            "guide": self.guide,
        }
        if sum(map(bool, kinds.values())) != 1:
            raise ValueError(f"an action needs exactly one of {', '.join(kinds)}")
        if not self.argv and (self.dry_run or self.undo or self.env):
            raise ValueError("dry_run, undo and env go with argv only")
        for argv in filter(None, (self.argv, self.dry_run, self.undo)):
            if not argv[0] or placeholders(argv[0]):
                raise ValueError("the program, first in the list, can't be a parameter")
        if not 0 < self.timeout <= 3600:
            raise ValueError("timeout: at most an hour, and more than nothing")
        self._check_placeholders()

    def _check_placeholders(self) -> None:
        named = {name for text in self._texts() for name in placeholders(text)}
        if unknown := sorted(named - set(self.parameters)):
            raise ValueError(
                f"no parameter is called {', '.join(unknown)}: give it under parameters"
            )
        if unused := sorted(set(self.parameters) - named):
            raise ValueError(f"nothing uses the parameter {', '.join(unused)}")

    def _texts(self) -> Iterable[str]:
        yield from (*self.argv, *self.dry_run, *self.undo)
        if self.sql_flag:
            yield self.sql_flag.flag
        if self.git_revert:
            yield self.git_revert.commit
        for step in self.guide:
            yield from (step.do, step.confirm)


def plans(actions: dict[str, ActionDocument]) -> dict[str, ActionPlan]:
    """What the core is told of the actions."""
    return {name: _plan(name, action) for name, action in actions.items()}


def _plan(name: str, action: ActionDocument) -> ActionPlan:
    built_in = bool(action.sql_flag or action.git_revert)
    return ActionPlan(
        name=name,
        digest=blake2b(
            repr(action).encode(), digest_size=8
        ).hexdigest(),  # a secret's repr is the same for all
        expires=action.expires,
        timeout=action.timeout,
        second_person=action.approval is Approval.SECOND_PERSON,
        checked=bool(action.dry_run) or built_in,
        undoable=bool(action.undo) or built_in,
        guide=tuple(GuideStep(step.do, step.confirm) for step in action.guide),
        parameters={key: parameter.parameter() for key, parameter in action.parameters.items()},
        description=action.description,
    )


def check_actions(context: Context) -> None:
    """Report rules that name actions there aren't, and a second person who can't be told from the
    first.
    """
    actions = context.names_at(("actions",))
    for trail, name in list(context.all_of(str)):
        if (
            len(trail) > 1
            and trail[-2] == "actions"
            and (trail[0] == "default_rule" or "rules" in trail[:-2])
        ):
            check_name("action", name, actions, trail, context)
    auth = context.values.get(("auth",))
    known = auth is not None and (auth.tokens or auth.insecure)
    for trail, action in list(context.all_of(ActionDocument)):
        if action.approval is Approval.SECOND_PERSON and not known:
            context.report(
                context.place_of((*trail, "approval")),
                "without auth.tokens nobody can be told from anybody: give them, or write auth: {insecure: true} if "
                "something in front of the router sets X-Router-User to who it is",
            )
