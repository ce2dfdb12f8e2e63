"""Actions in the config: valid forms, and errors with positions."""

from pathlib import Path
from typing import Any

import pytest

from router.app import load_config
from router.config.located import Invalid
from tests.daemon import write_config

RULES = [{"name": "r", "match": ['a="b"'], "severity": "P0", "actions": ["act"]}]
X = {"x": {"pattern": "[a-z]+"}}
FLAG = {"database": "postgresql://h/d", "table": "flags", "flag": "{x}"}


def problems(folder: Path, action: Any, **changes: Any) -> str:
    try:
        load_config(write_config(folder, RULES, actions={"act": action}, **changes))
    except Invalid as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    "action",
    [
        {"argv": ["true"]},
        {
            "argv": ["echo", "{x}"],
            "parameters": X,
            "approval": "responder",
            "expires": "10m",
            "timeout": "5s",
        },
        {"argv": ["echo", "{{x}}"]},
        {
            "argv": ["echo", "{x}"],
            "parameters": {"x": {"int": "0..9", "default": "3", "from": "labels.x"}},
        },
        {"sql_flag": FLAG, "parameters": X},
        {"sql_flag": FLAG | {"table": "public.feature_flags"}, "parameters": X},
        {"guide": [{"do": "Press it", "confirm": "pressed"}]},
        {"git_revert": {"repository": "a/b", "token": "t", "commit": "{x}"}, "parameters": X},
    ],
)
def test_an_action_is_of_one_kind(tmp_path: Path, action: Any) -> None:
    """These are right as they stand."""
    assert problems(tmp_path, action) == ""


@pytest.mark.parametrize(
    ("action", "says"),
    [
        ({}, "exactly one of argv, sql_flag, git_revert, guide"),
        ({"argv": ["true"], "guide": [{"do": "a", "confirm": "b"}]}, "exactly one"),
        ({"argv": "gcloud run"}, "expected a list"),
        ({"argv": ["{x}"], "parameters": X}, "can't be a parameter"),
        ({"argv": ["true"], "undo": ["{x}"], "parameters": X}, "can't be a parameter"),
        ({"argv": ["echo", "{y}"]}, "unknown parameter y"),
        ({"argv": ["echo", "{y.z}"]}, "parameter's name in braces"),
        ({"argv": ["true"], "parameters": X}, "unused parameter x"),
        (
            {"guide": [{"do": "a", "confirm": "b"}], "env": ["HOME"]},
            "are only for an action with argv",
        ),
        ({"argv": ["echo", "{x}"], "parameters": {"x": {}}}, "one of pattern, choices or int"),
        ({"argv": ["echo", "{x}"], "parameters": {"x": {"pattern": "("}}}, "regular expression"),
        ({"argv": ["echo", "{x}"], "parameters": {"x": {"int": "9..1"}}}, "range like 0..100"),
        (
            {"argv": ["echo", "{x}"], "parameters": {"x": {"choices": ["a"], "default": "b"}}},
            "isn't a valid value",
        ),
        (
            {"argv": ["echo", "{x}"], "parameters": {"x": {"choices": ["a"], "from": "env.X"}}},
            "none of labels.NAME",
        ),
        ({"argv": ["true"], "timeout": "2h"}, "at most 1h"),
        ({"argv": ["true"], "approval": "second-person"}, "the router can't distinguish people"),
        (
            {"sql_flag": FLAG | {"table": "flags; DROP TABLE flags"}, "parameters": X},
            "isn't a name",
        ),
        ({"sql_flag": FLAG | {"name_column": 'n"ame'}, "parameters": X}, "isn't a name"),
        (
            {"sql_flag": FLAG | {"database": "mysql://h/d"}, "parameters": X},
            "expected postgresql://",
        ),
        (
            {"git_revert": {"repository": "b", "token": "t", "commit": "{x}"}, "parameters": X},
            "OWNER/NAME",
        ),
        (
            {
                "git_revert": {"repository": "a/b", "token": "t", "commit": "{x}", "branch": "-f"},
                "parameters": X,
            },
            "branch",
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_place(tmp_path: Path, action: Any, says: str) -> None:
    """Each with file, line and column."""
    said = problems(tmp_path, action)
    assert says in said
    assert "config.yaml:" in said


def test_a_rule_names_actions_there_are(tmp_path: Path) -> None:
    """A misspelt action is reported at its position with a suggestion, in the default rule too."""
    rules = [{"name": "r", "match": ['a="b"'], "severity": "P0", "actions": ["rolback"]}]
    path = write_config(
        tmp_path,
        rules,
        actions={"rollback": {"argv": ["true"]}},
        default_rule={"actions": ["none"]},
    )
    with pytest.raises(Invalid) as error:
        load_config(path)
    assert "rules.yaml" in str(error.value)
    assert "unknown action 'rolback'" in str(error.value)
    assert "rollback" in str(error.value)
    assert "unknown action 'none'" in str(error.value)


def test_a_second_person_needs_people_to_be_known(tmp_path: Path) -> None:
    """People are identified by their tokens, or by the proxy in front of the router."""
    for auth in ({"insecure": True}, {"tokens": {"ana": {"sha256": "0" * 64}}}):
        assert problems(tmp_path, {"argv": ["true"], "approval": "second-person"}, auth=auth) == ""
