"""Terraform files of each pager: every block and every argument is converted or reported."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from router.importers.pagers.convert import Converted, convert

HERE = Path(__file__).parent
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)
PAGERS = ("opsgenie", "pagerduty", "oncall")
BLOCK = re.compile(r"^(?:resource|data) .*(?:\{.*\}$|\{\n(?:  .*\n)*\})", re.MULTILINE)
OPENED = re.compile(r"^.*\{$", re.MULTILINE)

LEFT_OUT_WHOLE = {"opsgenie": 1, "pagerduty": 0, "oncall": 2}
"""Blocks of the examples that are left out with one line: a rotation with `for_each`, a route."""


def converted(pager: str, text: str) -> Converted:
    return convert(pager, {"main.tf": text}, NOW)


def example(pager: str) -> str:
    return (HERE / f"{pager}.tf").read_text()


def is_used(found: Converted) -> bool:
    setup = found.setup
    return any((setup.people, setup.schedules, setup.policies, setup.services))


@pytest.mark.parametrize("pager", PAGERS)
def test_every_block_of_an_example_is_converted_or_reported(pager: str) -> None:
    """Also each alone, without the blocks that it belongs to."""
    blocks = BLOCK.findall(example(pager))
    assert len(blocks) == len(re.findall(r"^(?:resource|data) ", example(pager), re.MULTILINE))
    silent = []
    for block in blocks:
        found = converted(pager, f"{block}\n")
        silent += [] if is_used(found) or found.report.lines else [block]
    assert silent == []


@pytest.mark.parametrize("pager", PAGERS)
def test_every_argument_of_an_example_is_read_or_reported(pager: str) -> None:
    """One that no importer knows, in each block and nested block."""
    text, silent = example(pager), []
    for opened in OPENED.finditer(text):
        changed = f'{text[: opened.end()]}\n  surprise = "x"{text[opened.end() :]}'
        if not any("surprise" in line for line in converted(pager, changed).report.lines):
            silent.append(opened[0].strip())
    assert len(silent) == LEFT_OUT_WHOLE[pager], silent


@pytest.mark.parametrize(
    ("pager", "block", "line"),
    [
        ("oncall", 'data "grafana_oncall_schedule" "a" { name = "A" }', "'A' has no turns"),
        ("oncall", 'data "grafana_oncall_escalation_chain" "a" { name = "A" }', "chain 'A' has no"),
        (
            "oncall",
            'resource "grafana_oncall_on_call_shift" "a" {\n  name = "A"\n  type = "x"\n}',
            "shift 'A' is in no schedule of the export: left out",
        ),
        (
            "opsgenie",
            'resource "opsgenie_schedule_rotation" "a" { schedule_id = "x" }',
            "the files have no opsgenie_schedule 'x' for opsgenie_schedule_rotation: left out",
        ),
        (
            "pagerduty",
            'resource "pagerduty_user_contact_method" "a" { user_id = "x" }',
            "the files have no pagerduty_user 'x' for pagerduty_user_contact_method: left out",
        ),
        (
            "pagerduty",
            'data "pagerduty_user_contact_method" "a" { user_id = "x" }',
            "the files have no pagerduty_user 'x' for pagerduty_user_contact_method: left out",
        ),
        (
            "pagerduty",
            'module "a" { source = "./a" }',
            "`module` blocks aren't read: give the output of `terraform show -json`",
        ),
    ],
)
def test_a_block_alone_is_one_line_of_the_report(pager: str, block: str, line: str) -> None:
    """With its place."""
    found = converted(pager, f"\n{block}\n")
    assert [shown for shown in found.report.lines if line in shown] == found.report.lines
    assert [shown.partition(" ")[0] for shown in found.report.lines] == ["main.tf:2:1:"]


def test_users_of_an_expression_are_reported_and_nobody() -> None:
    """An expression is a text, and its letters are no users."""
    found = converted(
        "pagerduty",
        """
locals { week = 60 * 60 * 24 * 7 }
resource "pagerduty_user" "ana" {
  name  = "Ana"
  email = "ana@example.com"
}
resource "pagerduty_schedule" "prod" {
  name      = "Prod"
  time_zone = "Europe/Lisbon"
  layer {
    start                        = "2018-05-22T12:00:00+01:00"
    rotation_virtual_start       = "2018-05-22T12:00:00+01:00"
    rotation_turn_length_seconds = local.week // 7 days
    users                        = [pagerduty_user.ana.id]
  }
  layer {
    start                        = "2018-05-22T12:00:00+01:00"
    rotation_virtual_start       = "2018-05-22T12:00:00+01:00"
    rotation_turn_length_seconds = local.week
    users                        = [for user in pagerduty_user.crew : user.id]
  }
}
""",
    )
    assert [person.name for person in found.setup.people.values()] == ["Ana"]
    (rota,) = found.setup.rotas
    assert [layer.seconds for layer in rota.layers] == [7 * 86_400]
    assert any("`layer` has an expression" in line for line in found.report.lines)


@pytest.mark.parametrize(
    ("pager", "text", "line"),
    [
        (
            "opsgenie",
            """
resource "opsgenie_schedule" "main" { name = "main" }
resource "opsgenie_schedule_rotation" "over" {
  schedule_id = opsgenie_schedule.main.id
  start_date  = "2019-06-18T17:00:00Z"
  end_date    = "2019-06-20T17:30:00Z"
  type        = "hourly"
}
""",
            "the rotation ended at 2019-06-20T17:30:00Z: left out",
        ),
        (
            "pagerduty",
            """
resource "pagerduty_schedule" "main" {
  name = "main"
  layer {
    start = "2019-06-18T17:00:00Z"
    end   = "2019-06-20T17:30:00Z"
  }
}
""",
            "the layer ended at 2019-06-20T17:30:00Z: left out",
        ),
    ],
)
def test_a_rotation_that_is_over_is_reported(pager: str, text: str, line: str) -> None:
    assert any(line in reported for reported in converted(pager, text).report.lines)


def test_a_user_that_opsgenie_knows_already_is_a_person() -> None:
    """A data source has only the address."""
    found = converted("opsgenie", 'data "opsgenie_user" "ana" { username = "ana@example.com" }\n')
    (person,) = {id(person): person for person in found.setup.people.values()}.values()
    assert (person.key, person.email) == ("ana-example-com", "ana@example.com")
    assert found.report.lines == []


def test_a_step_of_a_notification_rule_without_a_counterpart_is_reported() -> None:
    """So is a step that is disabled."""
    steps = """
resource "opsgenie_notification_rule" "ana" {
  name        = "Rule"
  username    = "ana@example.com"
  action_type = "create-alert"
  steps {
    send_after = 1
    contact {
      method = "mobile"
      to     = "ana"
    }
  }
  steps {
    enabled = false
    contact {
      method = "email"
      to     = "ana@example.com"
    }
  }
}
"""
    found = converted("opsgenie", steps)
    assert [line.partition(": ")[2] for line in found.report.lines] == [
        "ana@example.com: a step that is disabled in Opsgenie is left out",
        "ana@example.com: no counterpart of mobile: left out",
    ]
    assert not found.setup.people["ana@example.com"].methods


def test_a_notification_rule_of_pagerduty_without_a_counterpart_is_reported() -> None:
    """Its contact method may be elsewhere."""
    rule = """
resource "pagerduty_user" "ana" {
  name  = "Ana"
  email = "ana@example.com"
}
resource "pagerduty_user_notification_rule" "push" {
  user_id        = pagerduty_user.ana.id
  urgency        = "high"
  contact_method = { type = "push_notification_contact_method", id = "P1" }
}
"""
    assert converted("pagerduty", rule).report.lines == [
        "main.tf:2:1: Ana: no counterpart of push_notification in a rule: left out"
    ]


def test_terraform_of_oncall() -> None:
    """The chain notifies the schedule, then a person."""
    found = converted("oncall", example("oncall"))
    (policy,) = found.setup.policies.values()
    assert [(stage.after, stage.targets) for stage in policy.stages] == [
        (0, ("schedule:primary",)),
        (300, ("contact:ben",)),
    ]
    assert found.setup.rotas[0].layers[0].people == ("ben", "ana")
    assert [line.partition(": ")[2] for line in found.report.lines] == [
        "grafana_oncall_integration can't be converted: left out"
    ]
