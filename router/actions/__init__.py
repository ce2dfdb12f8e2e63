"""Runs what may be done against an incident: one module for each kind of action, and the desk that
they're asked at.

A kind's module is imported when a config first has one, since the libraries are slow to load.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import cast

from router.actions.job import Action
from router.config.actions import ActionConfig

KINDS = {"argv": "Argv", "sql_flag": "SqlFlag", "git_revert": "GitRevert"}
"""By the key that an action has: the module here, and the class in it.

A guide runs nothing, so it has none.
"""


def build(documents: Mapping[str, ActionConfig]) -> dict[str, tuple[Action, float]]:
    """The actions of a config, each with its time-out in seconds."""
    return {
        name: (_build(kind, document), float(document.timeout))
        for name, document in documents.items()
        for kind in KINDS
        if getattr(document, kind)
    }


def _build(kind: str, document: ActionConfig) -> Action:
    return cast(Action, getattr(import_module(f"{__name__}.{kind}"), KINDS[kind])(document))
