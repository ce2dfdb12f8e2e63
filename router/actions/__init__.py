"""Actions against an incident: one module for each kind, and the runner.

A kind's module is imported when a config first has an action of it, because its libraries load
slowly.
"""

from collections.abc import Mapping
from importlib import import_module
from typing import cast

from router.actions.job import Action
from router.config.actions import ActionConfig

KINDS = {"argv": "Argv", "sql_flag": "SqlFlag", "git_revert": "GitRevert"}
"""Module and class of each kind of action, by the key in the config that selects it.

A guide runs nothing, so it isn't here.
"""


def build(documents: Mapping[str, ActionConfig]) -> dict[str, tuple[Action, float]]:
    """Return the actions of a config, each with its timeout in seconds."""
    return {
        name: (_build(kind, document), float(document.timeout))
        for name, document in documents.items()
        for kind in KINDS
        if getattr(document, kind)
    }


def _build(kind: str, document: ActionConfig) -> Action:
    return cast(Action, getattr(import_module(f"{__name__}.{kind}"), KINDS[kind])(document))
