"""Tables of the docs: complete, and with the types, defaults and labels of the code."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, get_args

import pytest
from msgspec import NODEFAULT, Struct, structs
from typer.testing import CliRunner

from router.app import TYPES
from router.cli import main
from router.cli.registry import COMMANDS
from router.config.channel_options import ChannelOptions
from router.config.config_file import RuleConfig
from router.config.convert import Context, convert
from router.config.drills import ScenarioConfig
from router.config.located import load as read_yaml
from router.config.rule_tests import RuleTests, hooks
from router.config.scalar import FAILED
from router.config.shapes import Shape, config_fields, is_optional, members_of, shape_of
from router.core.text.units import Dimension, Threshold, read_value
from router.model.incident import Severity
from router.model.reason import Reason
from router.receivers import RECEIVERS
from router.senders import KINDS
from router.telemetry.metrics import Metrics
from router.web.api.openapi import OPERATIONS
from tests.pages import ROOT, blocks, names, rows

HOOKS = hooks(TYPES.hooks)
NAME = re.compile(r"`(\w+)`")

# --- keys


def keys(type_: Any, path: str = "") -> Iterator[tuple[str, structs.FieldInfo]]:
    """Each key below a struct, as the docs write it: `policies.NAME.steps[].after`."""
    for field in config_fields(type_):
        here = path + field.encode_name
        yield here, field
        yield from _below(field.type, here)


def _below(type_: Any, path: str) -> Iterator[tuple[str, structs.FieldInfo]]:
    if is_optional(type_):
        (type_,) = members_of(type_)
    match shape_of(type_, HOOKS):
        case Shape.STRUCT:
            yield from keys(type_, f"{path}.")
        case Shape.UNION:
            for member in members_of(type_):
                yield from _below(member, path)
        case Shape.DICT:
            key, value = get_args(type_)
            yield from _below(value, f"{path}.{'SEVERITY' if key is Severity else 'NAME'}")
        case Shape.LIST:
            yield from _below(get_args(type_)[0], f"{path}[]")
        case Shape.CHOICE if type_ in HOOKS.keyed:
            yield f"{path}.type", structs.FieldInfo("type", "type", str, default=None)
        case Shape.CHOICE:
            yield f"{path}.type", structs.FieldInfo("type", "type", str)
            yield from keys(ChannelOptions, f"{path}.")


WRITTEN = re.compile(r".*?(?:, (required)| \((`.+`)\))?")


def documented(table: list[list[str]]) -> dict[str, str]:
    """Return what follows the type of each key: `required`, the default, or nothing."""
    found = {}
    for cells in table:
        for name in names([cells]):
            assert len(cells) == 3, cells
            match: Any = WRITTEN.fullmatch(cells[1])
            found[name] = match[1] or match[2] or ""
    return found


def agree(shown: Mapping[str, str], there: Mapping[str, structs.FieldInfo]) -> None:
    """The same keys, and each with the default that it has.

    A key that isn't required is empty by default if nothing is written.
    An optional mapping may go without a row of its own if its keys have rows.
    """
    implied = {
        key
        for key, field in there.items()
        if not field.required and any(name.startswith(f"{key}.") for name in shown)
    }
    assert set(shown) | implied == set(there)
    for key, written in shown.items():
        field = there[key]
        assert field.required == (written == "required"), key
        if written == "":
            default = _default(field)
            assert default in (None, "", (), [], {}, set()) or isinstance(default, Struct), key
        elif written != "required":
            assert _read(written.strip("`"), field) == _default(field), key


def _default(field: structs.FieldInfo) -> object:
    return field.default if field.default is not NODEFAULT else field.default_factory()


def _read(written: str, field: structs.FieldInfo) -> object:
    """A default as the config would read it."""
    problems: list[Any] = []
    node = read_yaml(written, "docs", problems)
    context = Context(env={}, base=ROOT, hooks=HOOKS, problems=problems)
    assert node is not None
    value = convert(node, field.type, context)
    assert value is not FAILED, problems
    return value


def test_every_key_of_the_config_is_documented_with_its_default() -> None:
    """docs/reference/config.md lists exactly the keys of the config, with their defaults."""
    agree(documented(rows("docs/reference/config.md")), dict(keys(TYPES.config_file)))


def test_every_key_of_a_rule_is_documented_with_its_default() -> None:
    """So does docs/reference/rules.md."""
    agree(documented(rows("docs/reference/rules.md", "Keys")), dict(keys(RuleConfig)))


def test_every_key_of_a_rule_test_is_documented_with_its_default() -> None:
    """So does docs/how-to/test-rules.md."""
    agree(documented(rows("docs/how-to/test-rules.md", "Keys")), dict(keys(RuleTests)))


def test_every_key_of_a_drill_is_documented_with_its_default() -> None:
    """So does docs/explanation/drills.md."""
    agree(documented(rows("docs/explanation/drills.md", "Scenarios")), dict(keys(ScenarioConfig)))


@pytest.mark.parametrize("kind", KINDS)
def test_every_channel_type_has_its_page_with_its_keys(kind: str) -> None:
    """A page lists the keys that a type adds, and those with another default."""
    common = {field.name: field.default for field in structs.fields(ChannelOptions)}
    own = {
        key: field
        for key, field in keys(KINDS[kind].config())
        if key not in common or field.default != common[key]
    }
    page = f"docs/reference/channels/{kind}.md"
    agree(documented(rows(page, "Config")), own)
    assert [block for block in blocks("yaml", "config-part") if block.page == ROOT / page], (
        "it has an example"
    )
    headings = re.findall(r"^## (.*)$", (ROOT / page).read_text(), re.MULTILINE)
    assert {"Config", "What is sent when", "Failures"} <= set(headings)


@pytest.mark.parametrize("source", RECEIVERS)
def test_every_source_has_its_page_with_its_keys(source: str) -> None:
    """A page names each way to show who sends."""
    shown = names(rows(f"docs/reference/sources/{source}.md", "Connect"))
    assert shown == [field.encode_name for field in structs.fields(RECEIVERS[source].config())]


def test_no_page_is_about_what_does_not_exist() -> None:
    """When a channel type or source is removed, so is its page."""
    assert {page.stem for page in (ROOT / "docs/reference/channels").iterdir()} == set(KINDS)
    assert {page.stem for page in (ROOT / "docs/reference/sources").iterdir()} == set(RECEIVERS)


@pytest.mark.parametrize("of", ["config", "rules", "tests", "drills"])
def test_the_schemas_are_current(of: str) -> None:
    """Editors check by the structs. docs/contributing.md says how to write the files."""
    printed = CliRunner().invoke(main, ["schema", "--of", of])
    assert (ROOT / f"docs/{of}.schema.json").read_text() == printed.stdout


# --- values, reasons, metrics, dependencies


@pytest.mark.parametrize(
    ("written", "kind", "read"), rows("docs/reference/rules.md", "The measured value")
)
def test_values_are_read_as_documented(written: str, kind: str, read: str) -> None:
    """Each documented example of a value is parsed as stated."""
    assert read_value(written.strip("`"), Dimension(kind)) == pytest.approx(float(read))


@pytest.mark.parametrize(
    "threshold",
    re.findall(r"`((?:[<>]=?|==) [^`]+)`", (ROOT / "docs/reference/rules.md").read_text()),
)
def test_thresholds_are_read(threshold: str) -> None:
    """Each threshold in the text of docs/reference/rules.md is one."""
    assert Threshold.parse(threshold).text == threshold


def test_every_reason_is_listed() -> None:
    """docs/reference/reasons.md names each once; `alert-router reasons` prints what it means."""
    listed = [name for _, cell in rows("docs/reference/reasons.md") for name in NAME.findall(cell)]
    assert sorted(listed) == sorted(Reason)


def test_every_metric_is_documented_with_its_type_and_labels() -> None:
    """docs/reference/metrics.md lists the metrics there are, and no others."""
    registry = Metrics().registry
    collectors: Any = registry._names_to_collectors
    there = {}
    for family in registry.collect():
        name = f"{family.name}_total" if family.type == "counter" else family.name
        there[name] = (family.type, list(collectors[family.name]._labelnames))
    for name in ("alert_router_build_info", "alertmanager_build_info"):
        there[name] = ("gauge", ["version"])
    shown = {
        row[0].strip("`"): (row[1], re.findall(r"`(\w+)`", row[2]))
        for row in rows("docs/reference/metrics.md", "Table")
    }
    assert shown == there


def test_the_suggested_alerts_are_about_metrics_there_are() -> None:
    """An alert on a metric that was renamed would never fire."""
    known = {row[0].strip("`") for row in rows("docs/reference/metrics.md", "Table")}
    shown = [block for block in blocks("yaml", "prometheus") if block.page.name == "metrics.md"]
    assert {
        name for block in shown for name in re.findall(r"alert_router_\w+", block.text)
    } <= known


def test_every_dependency_says_why() -> None:
    """docs/explanation/dependencies.md has a line for each of pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    wanted = {
        "To run": project["project"]["dependencies"],
        "For charts": project["project"]["optional-dependencies"]["charts"],
        "For other services": project["project"]["optional-dependencies"]["apprise"],
        "To import": project["project"]["optional-dependencies"]["terraform"],
        "To develop": project["project"]["optional-dependencies"]["dev"][1:],
        "To build": project["build-system"]["requires"],
    }
    for heading, requirements in wanted.items():
        shown = rows("docs/explanation/dependencies.md", heading)
        assert names(shown) == [re.match(r"[\w-]+", requirement)[0] for requirement in requirements]  # type: ignore[index]
        assert all(row[1] for row in shown)


# --- commands, API


def test_every_command_is_listed() -> None:
    """docs/reference/cli.md names each command once, beside links to the pages about it."""
    text = (ROOT / "docs/reference/cli.md").read_text().partition("\n## ")[0]
    listed = re.findall(r"`([a-z-]+)`", re.sub(r"^(?!\|).*", "", text, flags=re.MULTILINE))
    assert sorted(name for name in listed if not name.startswith("-")) == sorted(COMMANDS)


def test_every_path_of_the_api_is_listed() -> None:
    """docs/reference/api.md names each operation of the OpenAPI document once, and no other."""
    text = (ROOT / "docs/reference/api.md").read_text().partition("\n## Endpoints\n")[2]
    listed = re.findall(
        r"`(GET|POST|PUT|DELETE) (/[^`]+)`", re.sub(r"^\|.*", "", text, flags=re.MULTILINE)
    )
    assert sorted(listed) == sorted((each.method, each.path) for each in OPERATIONS)
