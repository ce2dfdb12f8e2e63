"""The format of `actions`: programs and changes to run against an incident, checked at load."""

import re
from collections.abc import Callable, Iterable, Mapping
from hashlib import blake2b
from typing import Any

from msgspec import Struct

from router.config.convert import Context
from router.config.fields import HttpUrl
from router.config.people_check import check_name
from router.config.secret import Secret
from router.core.incident.action_binding import ActionPlan, GuideStep, Parameter, placeholders
from router.model.action import Approval
from router.model.scalars import Duration, IntegerRange

_IDENTIFIER = r"[A-Za-z_][A-Za-z0-9_]{0,62}"


def parse_range(text: str) -> IntegerRange:
    """Raises: ValueError."""
    found = re.fullmatch(r"(-?[0-9]{1,18})\.\.(-?[0-9]{1,18})", text)
    if not found or int(found[1]) > int(found[2]):
        raise ValueError(f"int: expected a range like 0..100, found '{text}'")
    return IntegerRange((int(found[1]), int(found[2])))


PARSERS: dict[Any, Callable[[str], object]] = {IntegerRange: parse_range}
"""The parsers of this module, for `Hooks.parsers`."""

EXPECTED: dict[Any, str] = {IntegerRange: "a range like 0..100"}
"""Descriptions of these types, for `Hooks.expected`."""


class SqlFlagConfig(Struct, frozen=True, kw_only=True):
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
            name = getattr(self, key)
            if not re.fullmatch(pattern, name):
                raise ValueError(f"{key}: '{name}' isn't a name of letters, digits and _")
        if not self.database.reveal().startswith(("postgresql://", "postgres://")):
            raise ValueError("database: expected postgresql://USER@HOST/DATABASE")


class GitRevertConfig(Struct, frozen=True, kw_only=True):
    """Opens a pull request that reverts a commit, from a new branch.

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


class ActionConfig(Struct, frozen=True, kw_only=True):
    """One action: exactly one of `argv`, `sql_flag`, `git_revert` and `guide`.

    `argv` is the program and its arguments, without a shell. `{name}` in it is replaced by a
    parameter.
    """

    argv: tuple[str, ...] = ()
    dry_run: tuple[str, ...] = ()
    undo: tuple[str, ...] = ()
    env: tuple[str, ...] = ()
    sql_flag: SqlFlagConfig | None = None
    git_revert: GitRevertConfig | None = None
    guide: tuple[GuideStep, ...] = ()
    description: str = ""
    parameters: dict[str, Parameter] = {}
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
            raise ValueError("dry_run, undo and env are only for an action with argv")
        for argv in filter(None, (self.argv, self.dry_run, self.undo)):
            if not argv[0] or placeholders(argv[0]):
                raise ValueError("the program, the first item of the list, can't be a parameter")
        if not 0 < self.timeout <= 3600:
            raise ValueError("timeout: expected more than 0s, and at most 1h")
        self._check_placeholders()

    def _check_placeholders(self) -> None:
        named = {name for text in self._texts() for name in placeholders(text)}
        if unknown := sorted(named - set(self.parameters)):
            raise ValueError(f"unknown parameter {', '.join(unknown)}: add it under parameters")
        if unused := sorted(set(self.parameters) - named):
            raise ValueError(f"unused parameter {', '.join(unused)}")

    def _texts(self) -> Iterable[str]:
        yield from (*self.argv, *self.dry_run, *self.undo)
        if self.sql_flag:
            yield self.sql_flag.flag
        if self.git_revert:
            yield self.git_revert.commit
        for step in self.guide:
            yield from (step.do, step.confirm)


def plans(actions: Mapping[str, ActionConfig]) -> dict[str, ActionPlan]:
    """Convert to the core's settings."""
    return {name: _plan(name, action) for name, action in actions.items()}


def _plan(name: str, action: ActionConfig) -> ActionPlan:
    built_in = bool(action.sql_flag or action.git_revert)
    # The repr of secrets is constant, so a new secret doesn't change the digest.
    digest = blake2b(repr(action).encode(), digest_size=8).hexdigest()
    return ActionPlan(
        name=name,
        digest=digest,
        expires=action.expires,
        timeout=action.timeout,
        second_person=action.approval is Approval.SECOND_PERSON,
        checked=bool(action.dry_run) or built_in,
        undoable=bool(action.undo) or built_in,
        guide=action.guide,
        parameters=action.parameters,
        description=action.description,
    )


def check_actions(context: Context) -> None:
    """Report rules with unknown actions, and approvals by a second person without known people."""
    actions = context.names_at(("actions",))
    for trail, name in context.all_of(str):
        if len(trail) < 2 or trail[-2] != "actions":
            continue
        if trail[0] == "default_rule" or "rules" in trail[:-2]:
            check_name("action", name, actions, trail, context)
    auth = context.values.get(("auth",))
    known = auth is not None and (auth.is_required or auth.insecure)
    for trail, action in context.all_of(ActionConfig):
        if action.approval is Approval.SECOND_PERSON and not known:
            context.report(
                context.place_of((*trail, "approval")),
                "without auth.users or auth.tokens, the router can't distinguish people: add one, "
                "or write auth: {insecure: true} if a proxy in front of the router sets "
                "X-Router-User",
            )
