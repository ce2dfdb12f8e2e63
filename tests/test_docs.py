"""Examples in the docs work: configs load, commands and requests exist, links resolve."""

import inspect
import json
import re
import shlex
import subprocess
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import typer
import yaml
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from msgspec import structs
from typer.testing import CliRunner

from router.app import TYPES
from router.cli import main
from router.config.load import Config, load
from router.core.incident.batch import Batch
from router.core.messages.render import content
from router.model.event import AlertSeen
from router.model.notification import Message
from router.ports.webhooks import Incoming
from router.receivers import RECEIVERS
from router.receivers.context import ReceiverContext
from router.web.api.actions import Actions
from router.web.api.audit import AuditApi
from router.web.api.commands import CommandApi
from router.web.api.context import Investigation
from router.web.api.deployments import DeploymentApi
from router.web.api.drills import Drills
from router.web.api.events import Events
from router.web.api.explain import ExplainApi
from router.web.api.heartbeats import HeartbeatApi
from router.web.api.incidents import IncidentApi
from router.web.api.openapi import OpenApi, openapi
from router.web.api.overrides import Overrides
from router.web.api.previews import Drafts
from router.web.api.reconciliation import ReconciliationApi
from router.web.api.schedules import Schedules
from router.web.api.search import SearchApi
from router.web.api.silences import SilenceApi
from router.web.api.stats import Stats
from router.web.api.tokens import TokenApi
from router.web.operations import Operations
from router.web.postmortem.api import PostMortemPaths
from router.web.postmortem.items import ItemPaths
from router.web.probes import Probes
from router.web.statuspage.maintenance import Announcements
from router.web.webhooks.endpoint import Webhooks
from router.web.webhooks.heartbeats import Heartbeats
from tests.pages import PAGES, ROOT, Block, blocks
from tests.peers import require

LOCAL = "http://127.0.0.1:9095"
SHOWN_AT = 1795454041.977  # 2026-11-23 17:14 UTC, as in the README

SMALL = """
rules: []
sources: {alertmanager: {insecure: true}, sentry: {insecure: true}}
channels: {log: {type: console}}
severities: {P0: {policy: all}, P1: {policy: all}, P2: {policy: all}, P3: {policy: all}}
policies: {all: {steps: [{notify: [channel:log]}]}}
contacts: {ana: {}, ben: {}, cleo: {}, raj: {}}
"""


def as_named(block: Block) -> str:
    return str(block)


# --- YAML blocks


def loaded(folder: Path, config: str, rules: str = "") -> Config:
    """The config in a folder with every variable, secret file and rule file that it names."""
    for path in re.findall(r"file: ([^}\s]+)", config):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text("secret\n")
    (folder / "rules").mkdir(exist_ok=True)
    (folder / "rules/shown.yaml").write_text(rules or "rules: []\n")
    (folder / "config.yaml").write_text(config)
    env = {name: _value(name) for name in re.findall(r"\$\{(\w+)", config + rules)}
    return load(folder / "config.yaml", env, TYPES)


VALUES = {
    "HOOK_SECRET": "whsec_c2VjcmV0LXNlY3JldC1zZWNyZXQ=",
    "DISCORD_WEBHOOK_URL": "https://discord.com/api/webhooks/1/x",
    "GOOGLE_CHAT_WEBHOOK_URL": "https://chat.googleapis.com/v1/spaces/x/messages?key=x&token=x",
    "TELEGRAM_TOKEN": "1:x",
}
"""Values of environment variables that have a form of their own."""


def _value(variable: str) -> str:
    if variable.endswith("_URL"):
        return VALUES.get(variable, "https://hooks.slack.com/services/T0/B0/x")
    return VALUES.get(variable, "secret")


def test_every_yaml_block_says_what_it_is() -> None:
    """No example escapes the checks below for want of a mark."""
    known = {
        "config",
        "config-part",
        "rules",
        "rule-tests",
        "alertmanager",
        "prometheus",
        "comment",
    }
    assert [str(block) for block in blocks("yaml") if block.mark not in known] == []


@pytest.mark.parametrize("block", blocks("yaml", "config"), ids=as_named)
def test_a_whole_config_loads(block: Block, tmp_path: Path) -> None:
    """Complete configs in the docs load."""
    loaded(tmp_path, block.text)


@pytest.mark.parametrize("block", blocks("yaml", "config-part"), ids=as_named)
def test_a_part_of_a_config_loads_over_a_small_one(block: Block, tmp_path: Path) -> None:
    """Partial configs in the docs load within a small config."""
    # As text: PyYAML would make a number of 17:00.
    whole, part = (yaml.load(text, yaml.BaseLoader) for text in (SMALL, block.text))
    for key, value in part.items():
        whole[key] = whole[key] | value if key in ("channels", "policies") else value
    loaded(tmp_path, yaml.safe_dump(whole, sort_keys=False))


@pytest.mark.parametrize("block", blocks("yaml", "rules"), ids=as_named)
def test_a_rule_file_loads(block: Block, tmp_path: Path) -> None:
    """Rule files in the docs load."""
    config = loaded(tmp_path, SMALL.replace("rules: []", "rules: [rules/*.yaml]"), block.text)
    assert config.settings.rules.rules


@pytest.mark.parametrize("block", blocks("yaml", "rule-tests"), ids=as_named)
def test_rule_tests_pass(block: Block, tmp_path: Path) -> None:
    """Rule tests in the docs pass on the example config."""
    path = tmp_path / "shown.yaml"
    path.write_text(block.text.replace("../../deploy", str(ROOT / "deploy")))
    done = CliRunner().invoke(
        main, ["test", str(path), "--config", str(ROOT / "config.example.yaml")]
    )
    assert done.exit_code == 0, done.output


def test_a_failed_rule_test_looks_as_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the first example of the page without its acknowledgement."""
    monkeypatch.chdir(tmp_path)
    lines = blocks("yaml", "rule-tests")[0].text.splitlines()
    (tmp_path / "shown.yaml").write_text("\n".join(line for line in lines if "do: ack" not in line))
    done = CliRunner().invoke(
        main, ["test", "shown.yaml", "--config", str(ROOT / "config.example.yaml")]
    )
    shown = _block("failed-test").splitlines()
    assert [line.rstrip() for line in done.stdout.splitlines()[: len(shown)]] == shown


@pytest.mark.peer
@pytest.mark.parametrize("block", blocks("yaml", "alertmanager", "prometheus"), ids=as_named)
def test_what_is_for_others_passes_their_checks(block: Block, tmp_path: Path) -> None:
    """Snippets for Alertmanager and Prometheus are right by their own tools."""
    (tmp_path / "shown.yml").write_text(block.text)
    (tmp_path / "alert-router.token").write_text("secret")
    tool, *arguments = (
        ["amtool", "check-config"]
        if block.mark == "alertmanager"
        else ["promtool", "check", "rules"]
    )
    command = [require(tool), *arguments, "shown.yml"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("block", blocks("json"), ids=as_named)
def test_json_is_json(block: Block) -> None:
    """Every JSON example parses."""
    json.loads(block.text)


def test_the_example_config_loads_and_mentions_every_top_level_key() -> None:
    """`make run` starts, and the example shows every setting."""
    load(ROOT / "config.example.yaml", {}, TYPES)
    text = (ROOT / "config.example.yaml").read_text()
    keys = {field.encode_name for field in structs.fields(TYPES.config_file)}
    assert {key for key in keys if not re.search(rf"^(# )?{key}:", text, re.MULTILINE)} == set()


# --- links, commands, paths


def _anchors(page: Path) -> set[str]:
    prose = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.*)$", prose, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    """Each link to a file or a heading of ours has one."""
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text()):
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        assert linked.exists(), target
        assert not anchor or anchor in _anchors(linked), target


@pytest.mark.parametrize(
    "page", [page for page in PAGES if page.parent != ROOT], ids=lambda page: page.name
)
def test_every_page_can_be_found(page: Path) -> None:
    """Something links to each page."""
    assert any(
        f"{page.name})" in other.read_text() or f"{page.name}#" in other.read_text()
        for other in PAGES
    )


def shown_commands(program: str) -> list[str]:
    """Lines of the docs that run a program, and what is in backticks and has arguments."""
    texts = [page.read_text() for page in PAGES]
    lines = [
        line
        for text in texts
        for line in re.findall(r"^    (?:.*\| |\.venv/bin/)?(\S.*)$", text, re.MULTILINE)
    ]
    inline = [code for text in texts for code in re.findall(r"`([^`\n]+)`", text)]
    return sorted({line for line in [*lines, *inline] if line.startswith(f"{program} ")})


@pytest.mark.parametrize("line", shown_commands("alert-router"))
def test_every_command_shown_exists_with_its_options(line: str) -> None:
    """The command line takes what the docs show."""
    command: Any = typer.main.get_command(main)
    name, *arguments = shlex.split(line.partition(" > ")[0], comments=True)
    while hasattr(command, "commands") and arguments and not arguments[0].startswith("-"):
        name, *arguments = arguments
        command = command.commands[name]
    command.make_context(name, [*arguments], resilient_parsing=True)
    options = {option for parameter in command.params for option in parameter.opts}
    assert {argument for argument in arguments if argument.startswith("--")} <= options


def _routes() -> web.Application:
    """All paths that the router serves, with nothing behind them."""
    nothing: Any = None
    app = web.Application()
    parts = dict.fromkeys(("max_body", "recorder", "beats", "forms"), nothing)
    app.add_routes(Webhooks({}, nothing, nothing, nothing, nothing, **parts).routes())
    app.add_routes(Operations(nothing, nothing, nothing, reload=nothing).routes())
    app.add_routes(Probes(nothing).routes())
    app.add_routes(SilenceApi(nothing, nothing, nothing, config=nothing, refresh=nothing).routes())
    for paths in (
        Schedules,
        Overrides,
        Heartbeats,
        HeartbeatApi,
        Drills,
        IncidentApi,
        CommandApi,
        ExplainApi,
        Actions,
        DeploymentApi,
        Announcements,
        Investigation,
        PostMortemPaths,
        ItemPaths,
        Stats,
        Drafts,
        Events,
        SearchApi,
        ReconciliationApi,
        OpenApi,
        TokenApi,
        AuditApi,
    ):
        app.add_routes(
            paths(**dict.fromkeys(inspect.signature(paths).parameters, nothing)).routes()
        )
    return app


@pytest.mark.parametrize("line", shown_commands("curl"))
async def test_every_request_shown_has_somebody_to_answer_it(line: str) -> None:
    """Paths, methods, sources and payloads of the examples with curl exist."""
    words = shlex.split(line)
    url = urlsplit(next(word for word in words if word.startswith(LOCAL)))
    method = (
        words[words.index("-X") + 1]
        if "-X" in words
        else "POST"
        if {"-d", "--data", "--json"} & {*words}
        else "GET"
    )
    found = await _routes().router.resolve(make_mocked_request(method, url.path))
    assert found.http_exception is None
    described = [one for path in openapi()["paths"].values() for one in path.values()]
    known = {parameter["name"] for one in described for parameter in one["parameters"]}
    assert set(parse_qs(url.query)) <= known
    assert not url.path.startswith("/webhooks/") or url.path.split("/")[2] in RECEIVERS
    folders = (ROOT, ROOT / "router/cli/starter")
    for word in words:
        if word.startswith("@"):
            assert any((folder / word[1:]).exists() for folder in folders)


# --- what the README shows


def _block(mark: str) -> str:
    (block,) = blocks("text", mark)
    return block.text


def test_the_readme_shows_the_message_that_its_sample_makes() -> None:
    """The README's message is what its sample results in, except for the time."""
    settings = load(ROOT / "config.example.yaml", {}, TYPES).settings
    source = RECEIVERS["alertmanager"]
    receiver = source.build("alertmanager", source.config()(insecure=True), ReceiverContext())
    body = (ROOT / "deploy/samples/payment-failures.json").read_bytes()
    batch = Batch(
        settings,
        [AlertSeen(SHOWN_AT, alert) for alert in receiver.decode(Incoming({}, body), 0.0).alerts],
    )
    for _ in batch.reads:
        pass
    changes, _ = batch.decide()
    (incident,) = changes.incidents.values()
    queued = next(queued for queued in changes.queued if queued.channel == "log")
    message = Message(
        incident,
        queued.channel,
        1,
        queued.reason,
        SHOWN_AT,
        timeline=tuple(changes.entries),
        url=f"{LOCAL}/incidents/{incident.id}",
        company="VintStreet",
    )
    assert content(message).text == _block("message").strip()


def test_the_readme_shows_what_explain_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whole and in order, except for the omissions at each `…`."""
    monkeypatch.chdir(ROOT)
    (command,) = [
        line
        for line in shown_commands("alert-router")
        if line.startswith("alert-router explain --config")
    ]
    said = CliRunner().invoke(main, shlex.split(command)[1:])
    lines = [line.rstrip() for line in said.stdout.strip().splitlines()]
    shown = [part.splitlines() for part in _block("explain").split("  …\n")]
    assert lines[: len(shown[0])] == shown[0]
    assert lines[-len(shown[-1]) :] == shown[-1]
    for part in shown:
        start = lines.index(part[0])
        assert lines[start : start + len(part)] == part
        lines = lines[start + len(part) :]


# --- tables


def _tables() -> list[tuple[str, list[str]]]:
    """The first cells of each table, with its page and line."""
    found: list[tuple[str, list[str]]] = []
    for page in PAGES:
        inside = False
        for number, line in enumerate(page.read_text().splitlines(), 1):
            if not line.startswith("|"):
                inside = False
            elif not inside:
                inside = True
                found.append((f"{page.relative_to(ROOT)}:{number}", [line]))
            else:
                found[-1][1].append(line)
    return found


@pytest.mark.parametrize("table", _tables(), ids=lambda table: table[0])
def test_no_row_is_twice_in_a_table(table: tuple[str, list[str]]) -> None:
    """Neither as a whole, nor a second row about the same key."""
    lines = table[1]
    assert sorted(line for line in {*lines} if lines.count(line) > 1) == []
    head, *cells = [line.split("|")[1].strip() for line in lines]
    if head in {"key", "metric", "reason", "command", "term", "code"}:
        keys = [cell for cell in cells if cell.startswith("`")]
        assert sorted(key for key in {*keys} if keys.count(key) > 1) == []
