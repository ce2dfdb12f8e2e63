"""Exports of the pagers to contacts, schedules and policies, next to the old tool's shifts."""

import json
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from router.app import TYPES
from router.config.load import load
from router.config.located import Invalid
from router.core.oncall.schedule import on_call
from router.importers.pagers.compare import rows
from router.importers.pagers.convert import Converted, convert

HERE = Path(__file__).parent
NOW = datetime(2026, 11, 30, 12, tzinfo=UTC)


def imported(pager: str, file: str) -> Converted:
    return convert(pager, {file: (HERE / file).read_text()}, NOW)


def made(found: Converted) -> dict[str, Any]:
    config: dict[str, Any] = yaml.safe_load(found.written.files["config.yaml"])
    return config


def remarks(found: Converted) -> list[str]:
    return [f"{problem.place.line} {problem.message}" for problem in sorted(found.report.remarks)]


def compared(found: Converted, folder: Path) -> dict[str, list[tuple[str, str, str]]]:
    """The rows of each schedule with shifts: when they begin, and both on-call persons."""
    for name, text in found.written.files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text(text)
    schedules = load(folder / "config.yaml", {}, TYPES).settings.people.schedules
    return {
        old.name: [
            (
                f"{datetime.fromtimestamp(row.start, UTC):%a %H:%M}",
                *map(",".join, (row.old, row.new)),
            )
            for row in rows(old, schedules)
        ]
        for old in dict.fromkeys(found.setup.schedules.values())
    }


def mappings(node: Any) -> Iterator[dict[str, Any]]:
    """Every mapping in a document."""
    if isinstance(node, dict):
        yield node
    for one in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from mappings(one)


@pytest.mark.parametrize(
    ("pager", "left_out"), [("opsgenie", 8), ("pagerduty", 4), ("oncall", 3), ("goalert", 2)]
)
def test_no_key_of_an_export_is_dropped_silently(pager: str, left_out: int) -> None:
    """Unless its mapping is left out as a whole, or matters to nobody on call."""
    document, silent = json.loads((HERE / f"{pager}.json").read_text()), 0
    for at in range(len([*mappings(document)])):
        changed = json.loads(json.dumps(document))
        [*mappings(changed)][at]["surprise"] = ["x"]
        lines = convert(pager, {"x.json": json.dumps(changed)}, NOW).report.lines
        silent += not any("surprise" in line for line in lines)
    assert silent == left_out


# --- PagerDuty


def test_the_schedule_of_pagerduty_has_its_highest_layer_last(tmp_path: Path) -> None:
    """A layer that is over is left out. One shift of the export differs, as it was made to."""
    found = imported("pagerduty", "pagerduty.json")
    schedule = made(found)["schedules"]["primary"]
    assert schedule["layers"] == [
        {
            "rotate": "daily",
            "handover": "09:00",
            "contacts": ["ana-lima", "ben-okafor"],
            "start": date(2026, 11, 2),
        },
        {
            "rotate": "weekly",
            "handover": "Mon 00:00",
            "contacts": ["ben-okafor"],
            "start": date(2026, 11, 2),
            "restrict": [{"days": ["Sat", "Sun"], "from": "00:00", "to": "24:00"}],
        },
    ]
    assert schedule["overrides"] == [
        {
            "contact": "ana-lima",
            "from": "2026-12-01T09:00-05:00",
            "to": "2026-12-01T12:00-05:00",
        }
    ]
    assert compared(found, tmp_path)["Primary"] == [
        ("Mon 14:00", "ana-lima", "ana-lima"),
        ("Tue 17:00", "ben-okafor", "ben-okafor"),
        ("Wed 14:00", "ben-okafor", "ana-lima"),
    ]


def test_people_policies_and_services_of_pagerduty() -> None:
    """Urgency becomes severities; a service is a rule; somebody unknown is a contact in name."""
    config = made(imported("pagerduty", "pagerduty.json"))
    assert config["contacts"]["ana-lima"]["reach"] == [{"via": "text", "for": ["P0", "P1"]}]
    assert config["contacts"]["ben-okafor"]["reach"] == [{"via": "mail"}]
    assert config["policies"]["shop"]["steps"] == [
        {"notify": ["schedule:primary"]},
        {
            "after": "10m",
            "notify": ["contact:ben-okafor", "contact:cleo-marsh"],
            "unless": "acknowledged",
        },
    ]
    found = imported("pagerduty", "pagerduty.json")
    (rule,) = yaml.safe_load(found.written.files["rules/services.yaml"])["rules"]
    assert (rule["match"], rule["policy"]) == (['service="Checkout"'], "shop")
    assert remarks(found) == [
        "6 Ana Lima: no counterpart of push_notification: left out",
        "18 the layer ended at 2021-01-01T00:00:00-05:00: left out",
        "37 the export has no user 'Cleo Marsh': a contact without contact methods",
    ]


def test_terraform_of_pagerduty_is_the_same_with_its_layers_in_order(tmp_path: Path) -> None:
    """References, variables and products are followed; it has no shifts to compare."""
    found = imported("pagerduty", "pagerduty.tf")
    config = made(found)
    layers = config["schedules"]["primary"]["layers"]
    assert [layer["contacts"] for layer in layers] == [["ana-lima", "ben-okafor"], ["ben-okafor"]]
    assert layers[1]["every"] == "12h"
    assert layers[1]["restrict"] == [{"from": "20:00", "to": "08:00"}]
    assert config["contacts"]["ana-lima"]["reach"] == [
        {"via": "call", "after": "1m", "for": ["P0", "P1"]}
    ]
    assert config["policies"]["shop"]["repeat"] == {"every": "25m", "times": 2}
    assert compared(found, tmp_path) == {"Primary": []}
    assert "71 pagerduty_team can't be converted: left out" in remarks(found)


def test_the_state_of_terraform_is_read_too() -> None:
    """Terraform has evaluated everything in it."""
    resources = [
        {"type": "pagerduty_user", "name": "ana", "values": {"id": "P1", "name": "Ana"}},
        {
            "type": "pagerduty_schedule",
            "name": "s",
            "values": {
                "id": "P2",
                "name": "Days",
                "time_zone": "Asia/Tokyo",
                "layer": [
                    {
                        "name": "a",
                        "start": "2026-11-02T00:00:00Z",
                        "rotation_virtual_start": "2026-11-02T00:00:00Z",
                        "rotation_turn_length_seconds": 86400,
                        "users": ["P1"],
                        "restriction": [],
                    }
                ],
            },
        },
    ]
    text = json.dumps({"values": {"root_module": {"child_modules": [{"resources": resources}]}}})
    config = made(convert("pagerduty", {"state.json": text}, NOW))
    assert config["schedules"]["days"]["layers"][0]["handover"] == "09:00"


# --- Opsgenie


def test_rotations_of_opsgenie_that_never_overlap_are_layers_of_one_schedule(
    tmp_path: Path,
) -> None:
    """Others are schedules of their own, since both people are on call."""
    found = imported("opsgenie", "opsgenie.json")
    schedules = made(found)["schedules"]
    assert list(schedules) == ["shop", "twice-first", "twice-second"]
    office, weekend = schedules["shop"]["layers"]
    assert (office["every"], office["restrict"]) == (
        "2d",
        [
            {"days": ["Mon"], "from": "09:00", "to": "24:00"},
            {"days": ["Tue-Thu"], "from": "00:00", "to": "24:00"},
            {"days": ["Fri"], "from": "00:00", "to": "17:00"},
        ],
    )
    assert weekend["contacts"] == ["ben-okafor"]
    assert schedules["twice-second"]["layers"][0]["restrict"] == [{"from": "22:30", "to": "06:00"}]
    assert compared(found, tmp_path)["Shop"][1] == ("Wed 09:00", "ana-lima", "ben-okafor")


def test_people_and_policies_of_opsgenie() -> None:
    """Steps in order of time; whoever can't be notified is in the report."""
    found = imported("opsgenie", "opsgenie.json")
    config = made(found)
    assert config["contacts"]["ana-lima"]["phone"] == "+442079460123"
    assert config["contacts"]["ana-lima"]["reach"] == [
        {"via": "mail"},
        {"via": "call", "after": "5m"},
    ]
    assert config["policies"]["shop-escalation"] == {
        "steps": [
            {"notify": ["schedule:shop"]},
            {"after": "1h", "notify": ["schedule:twice-first", "schedule:twice-second"]},
        ],
        "repeat": {"every": "10m", "times": 3},
    }
    assert remarks(found) == [
        "4 Ana Lima: no counterpart of mobile: left out",
        "15 a turn of team Shop: left out, so later turns begin earlier",
        "18 schedule 'Twice' has several people on call: split into 2 schedules",
        "22 policy 'Shop escalation' repeats all its steps at once, not one after another",
        "25 notifying all of team 'Shop' is left out",
        "26 `resetRecipientStates` has no counterpart here: left out",
        "26 an incident isn't closed after the last repetition",
    ]


def test_terraform_of_opsgenie() -> None:
    found = imported("opsgenie", "opsgenie.tf")
    (layer,) = made(found)["schedules"]["shop"]["layers"]
    assert (layer["every"], layer["handover"]) == ("2w", "Mon 17:00")
    assert layer["restrict"] == [{"from": "17:00", "to": "09:00"}]
    assert "52 `for_each` isn't evaluated: give the output of `terraform show -json`" in remarks(
        found
    )


# --- Grafana OnCall


def test_shifts_of_oncall_are_layers_by_their_level(tmp_path: Path) -> None:
    """Turns by weekdays change with the week; the first of several people is on call."""
    found = imported("oncall", "oncall.json")
    schedule = made(found)["schedules"]["primary"]
    days, nights = schedule["layers"]
    assert (days["contacts"], days["handover"]) == (["ben", "ana"], "Mon 00:00")
    assert days["restrict"] == [{"days": ["Mon-Fri"], "from": "09:00", "to": "17:00"}]
    assert nights["restrict"] == [{"from": "17:00", "to": "09:00"}]
    assert [override["contact"] for override in schedule["overrides"]] == ["ana"]
    assert compared(found, tmp_path)["Primary"] == [("Mon 09:00", "ben", "ben")]


def test_people_and_chains_of_oncall() -> None:
    found = imported("oncall", "oncall.json")
    config = made(found)
    assert config["contacts"]["ana"]["reach"] == [
        {"via": "mail", "after": "5m", "for": ["P0", "P1"]}
    ]
    assert config["contacts"]["ana"]["slack"] == "UANA"
    assert config["policies"]["shop"] == {
        "steps": [
            {"notify": ["schedule:primary"]},
            {"after": "5m", "notify": ["contact:ben"], "unless": "acknowledged"},
        ],
        "repeat": {"every": "20m", "times": 5},
    }
    assert "20 the step trigger_webhook is left out" in remarks(found)


# --- GoAlert


def test_the_active_person_of_a_rotation_of_goalert_is_on_call_now(tmp_path: Path) -> None:
    """GoAlert stores who is active, and its rules when."""
    found = imported("goalert", "goalert.json")
    assert compared(found, tmp_path)["Primary"][-1] == ("Mon 09:00", "ben-okafor", "ben-okafor")
    schedules = load(tmp_path / "config.yaml", {}, TYPES).settings.people.schedules
    saturday = datetime(2026, 12, 5, 10, 30, tzinfo=UTC).timestamp()
    assert on_call(schedules["primary"], saturday) == ("ben-okafor",)
    assert on_call(schedules["primary"], saturday + 7200) == ("ana-lima",)
    assert on_call(schedules["weeks"], NOW.timestamp()) == ("ben-okafor",)


def test_people_and_policies_of_goalert() -> None:
    """A rotation that a step names is a schedule of its own."""
    found = imported("goalert", "goalert.json")
    config = made(found)
    assert config["contacts"]["ana-lima"]["reach"] == [{"via": "text"}]
    assert config["policies"]["shop"]["steps"][1]["notify"] == ["schedule:weeks"]
    assert "25 notifying slackChannel '#shop' is left out" in remarks(found)


def test_destinations_of_goalert_are_read(tmp_path: Path) -> None:
    """Its newer schema has `dest` and `actions` instead of `type`, `value` and `targets`."""
    found = imported("goalert", "goalert-dest.json")
    config = made(found)
    assert config["contacts"]["ana-lima"]["reach"] == [{"via": "call", "after": "2m"}]
    assert config["contacts"]["ana-lima"]["phone"] == "+442079460123"
    assert config["policies"]["shop"]["steps"] == [
        {"notify": ["schedule:primary"]},
        {"after": "5m", "notify": ["contact:ben-okafor"], "unless": "acknowledged"},
    ]
    assert remarks(found) == [
        "9 Ana Lima: a disabled contact method is left out",
        "10 Ana Lima: no counterpart of builtin-slack-dm: left out",
        "11 Ana Lima: a rule for a contact method that isn't converted: left out",
        "16 rotation 'Months': turns by monthly are left out",
        "21 schedule 'Monthly' has no turns that can be converted: left out",
        "31 an acknowledgement ends the notifications of this step, too",
        "32 notifying slack-channel '#shop' is left out",
        "35 service 'Orphan': its policy isn't in the export",
    ]
    assert compared(found, tmp_path) == {"Primary": [], "Monthly": []}


# --- all


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"users": [', "am.json:1:12: "),
        ('{"users": [], "more": true}', "am.json:1:1: this is one page of several"),
        ('{"users": [{"id": "1", "name": "A", "email": "nobody"}]}', "left out: expected an addr"),
        ('{"licenses": [{"id": "1"}]}', "this object can't be converted"),
    ],
)
def test_what_cannot_be_read_has_its_place(text: str, message: str) -> None:
    try:
        shown = "\n".join(convert("pagerduty", {"am.json": text}, NOW).report.lines)
    except Invalid as error:
        shown = str(error)
    assert message in shown


def test_terraform_that_is_not_hcl_is_an_error_with_its_line() -> None:
    with pytest.raises(Invalid, match=r"main\.tf:2:1: can't be read as HCL"):
        convert("pagerduty", {"main.tf": 'a = "b"\nresource {{'}, NOW)


def test_an_expression_that_is_not_evaluated_is_plain_text_in_the_config(tmp_path: Path) -> None:
    """It is no environment variable there, and it is in the report."""
    text = 'resource "pagerduty_user" "a" {\n  name = "Ana ${upper(var.b)}"\n}\n'
    found = convert("pagerduty", {"main.tf": text}, NOW)
    assert compared(found, tmp_path) == {}
    assert "1 `name` has an expression that isn't evaluated" in remarks(found)


def test_terraform_without_its_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The state needs none."""
    monkeypatch.setitem(sys.modules, "hcl2", None)
    with pytest.raises(ImportError, match=r"pip install 'alert-router\[terraform\]'"):
        imported("pagerduty", "pagerduty.tf")
