"""Config as a whole: constraints between its parts, with all errors reported together."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from router.app import TYPES, load_config
from router.config.load import Config, load
from router.config.located import Invalid
from router.core.incident.policy import Policy, Step, Unless
from router.model.incident import Severity

ROOT = Path(__file__).parents[2]

CONFIG = """\
rules: [rules.yaml]
sources:
  alertmanager: {insecure: true}
channels:
  log: {type: console}
severities:
  P0: {policy: critical, respond_within: 5m}
  P1: {policy: low}
  P2: {policy: low}
  P3: {policy: low}
policies:
  critical:
    steps:
      - {after: 5m, notify: ["channel:log"], unless: acknowledged}
      - {notify: ["channel:log"]}
    fallback: ["channel:log"]
  low: {steps: [{notify: ["channel:log"]}]}
"""

RULES = """\
rules:
  - name: payment-failures
    match: ['alertname="PaymentFailures"', 'team=~"a|b"']
    thresholds: {P2: "> 0.1%", P0: "> 1%"}
    group_by: [service]
  - name: disk-full
    match: ['alertname="DiskFull"']
    severity: P3
"""


def write(folder: Path, config: str = CONFIG, rules: str = RULES) -> Path:
    (folder / "rules.yaml").write_text(rules)
    (folder / "config.yaml").write_text(config)
    return folder / "config.yaml"


def loaded(
    folder: Path, config: str = CONFIG, rules: str = RULES, env: Mapping[str, str] | None = None
) -> Config:
    return load(write(folder, config, rules), env or {}, TYPES)


def problems(
    folder: Path, config: str = CONFIG, rules: str = RULES, env: Mapping[str, str] | None = None
) -> list[str]:
    """Each problem as `file:line:column: message`, less the folder."""
    with pytest.raises(Invalid) as caught:
        loaded(folder, config, rules, env)
    return [str(problem).removeprefix(f"{folder}/") for problem in sorted(caught.value.problems)]


def changed(old: str, new: str, text: str = CONFIG) -> str:
    assert text.count(old) >= 1
    return text.replace(old, new, 1)


# --- what a good one becomes


def test_a_config_becomes_what_the_core_is_told(tmp_path: Path) -> None:
    """Policies with their steps in order of time, severities, rules in file order with tiers worst
    first.
    """
    config = loaded(tmp_path)
    settings = config.settings
    at_once, later = (
        Step(after=0.0, notify=("log",)),
        Step(after=300.0, notify=("log",), unless=Unless.ACKNOWLEDGED),
    )
    assert settings.policy(Severity.P0) == Policy("critical", (at_once, later), ("log",))
    assert settings.severities[Severity.P0].respond_within == 300.0
    assert [rule.name for rule in settings.rules.rules] == ["payment-failures", "disk-full"]
    rule = settings.rules.named("payment-failures")
    assert [severity for severity, _ in rule.thresholds] == [Severity.P0, Severity.P2]
    assert [str(matcher) for matcher in rule.matchers] == [
        'alertname="PaymentFailures"',
        'team=~"a|b"',
    ]
    assert rule.origin == f"{tmp_path}/rules.yaml:2:5"
    assert settings.rules.named("no-more").name == "default"
    assert (list(config.sources), config.kinds) == (["alertmanager"], {"log": "console"})


def test_a_rule_may_say_otherwise_than_the_config(tmp_path: Path) -> None:
    """Its own quiet time, also none at all, goes before the config's."""
    rules = RULES + "    resolve_after: 0s\n"
    config = loaded(tmp_path, CONFIG + "resolve_after: 5m\n", rules)
    quiet = {
        rule.name: rule.resolve_after
        for rule in (*config.settings.rules.rules, config.settings.rules.default)
    }
    assert quiet == {"payment-failures": 300.0, "disk-full": 0.0, "default": 300.0}


def test_the_revision_tells_changed_rules_from_the_same(tmp_path: Path) -> None:
    """Decisions under other rules are checked again; reloading the same rules changes nothing."""
    revisions = [
        loaded(tmp_path, config, rules).settings.rules.revision
        for config, rules in (
            (CONFIG, RULES),
            (CONFIG, RULES),
            (CONFIG, changed("> 1%", "> 2%", RULES)),
            (CONFIG + "default_rule: {severity: P1}\n", RULES),
        )
    ]
    assert revisions[0] == revisions[1]
    assert len(set(revisions)) == 3


def test_rules_come_from_several_files_in_order(tmp_path: Path) -> None:
    """Files are read in the order of patterns, then names; a file matched twice is read once."""
    for name in ("b", "a"):
        (tmp_path / f"{name}.yml").write_text(
            f"rules: [{{name: {name}, match: ['x=y'], severity: P3}}]\n"
        )
    config = loaded(
        tmp_path, changed("[rules.yaml]", f"[rules.yaml, '*.yml', {tmp_path}/b.yml, 'a*']")
    )
    assert [rule.name for rule in config.settings.rules.rules] == [
        "payment-failures",
        "disk-full",
        "a",
        "b",
    ]


def test_secrets_come_from_the_environment(tmp_path: Path) -> None:
    """And are shown by nothing that shows the config."""
    config = changed("{insecure: true}", '{bearer_token: "${AM_TOKEN}"}')
    found = loaded(tmp_path, config, env={"AM_TOKEN": "s3cr3t"})
    assert found.sources["alertmanager"].bearer_token.reveal() == "s3cr3t"
    assert "s3cr3t" not in repr(found)
    assert problems(tmp_path, config) == [
        "config.yaml:3:32: environment variable 'AM_TOKEN' isn't set"
    ]


def test_the_example_and_the_shipped_rules_load() -> None:
    """As they stand, with nothing set in the environment."""
    config = load(ROOT / "config.example.yaml", {}, TYPES)
    names = {rule.name for rule in config.settings.rules.rules}
    assert {
        "payment-failures",
        "auth-failures",
        "api-latency",
        "error-rate",
        "login-errors",
    } <= names
    origins = {Path(rule.origin.partition(":")[0]).name for rule in config.settings.rules.rules}
    assert origins == {"critical.yaml", "sentry.yaml"}


def test_load_config_reads_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process's environment is used."""
    monkeypatch.setenv("CHANNEL_TYPE", "console")
    config = load_config(write(tmp_path, changed("type: console", "type: '${CHANNEL_TYPE}'")))
    assert config.kinds == {"log": "console"}


# --- what doesn't hold

LISTEN = "the API would be open to everybody"

BAD: dict[str, tuple[str, str, list[str]]] = {
    "an unknown channel": (
        changed('{after: 5m, notify: ["channel:log"]', '{after: 5m, notify: ["channel:lgo"]'),
        RULES,
        ["config.yaml:14:30: unknown channel 'lgo', did you mean 'log'?"],
    ),
    "an unknown fallback": (
        changed('fallback: ["channel:log"]', 'fallback: ["channel:pager"]'),
        RULES,
        ["config.yaml:16:16: unknown channel 'pager'"],
    ),
    "a channel that would tell nobody": (
        changed(
            "log: {type: console}",
            "log: {type: email, smtp: {host: 127.0.0.1, port: 25}, from: r@example.com}",
        ),
        RULES,
        [
            (
                f"config.yaml:{at}: channel 'log' has no address in its 'to': add one, or notify "
                f"a contact, role or schedule"
            )
            for at in ("14:30", "15:19", "16:16", "17:27")
        ],
    ),
    "a step that would tell nobody": (
        changed('{after: 5m, notify: ["channel:log"]', "{after: 5m, notify: []"),
        RULES,
        ["config.yaml:14:9: notify is empty: the step would notify nobody"],
    ),
    "a condition that is none": (
        changed(
            '{after: 5m, notify: ["channel:log"]',
            '{after: 5m, when: "labels.x ==", notify: ["channel:log"]',
        ),
        RULES,
        ["config.yaml:14:27: invalid condition: unexpected end"],
    ),
    "an unknown policy": (
        changed("P1: {policy: low}", "P1: {policy: lo}"),
        RULES,
        ["config.yaml:8:16: unknown policy 'lo', did you mean 'low'?"],
    ),
    "severities that are missing": (
        changed("  P1: {policy: low}\n  P2: {policy: low}\n", ""),
        RULES,
        ["config.yaml:7:3: no policy for P1, P2: each of P0 to P3 needs one"],
    ),
    "an unknown policy beside severities that are missing": (
        changed("  P1: {policy: low}\n  P2: {policy: low}\n", "  P1: {policy: lo}\n"),
        RULES,
        [
            "config.yaml:7:3: no policy for P2: each of P0 to P3 needs one",
            "config.yaml:8:16: unknown policy 'lo', did you mean 'low'?",
        ],
    ),
    "no source": (
        changed("  alertmanager: {insecure: true}\n", "  {}\n"),
        RULES,
        ["config.yaml:3:3: there is no source"],
    ),
    "a target of no kind": (
        changed('fallback: ["channel:log"]', 'fallback: ["log"]'),
        RULES,
        [
            (
                "config.yaml:16:16: expected channel:NAME, contact:NAME, role:NAME or "
                "schedule:NAME, found 'log'"
            )
        ],
    ),
    "a misspelt key": (
        CONFIG + "reopen_withn: 5m\n",
        RULES,
        ["config.yaml:18:1: unknown key 'reopen_withn', did you mean 'reopen_within'?"],
    ),
    "no rule file": (
        changed("[rules.yaml]", "[rules.yaml, 'more/*.yaml']"),
        RULES,
        ["config.yaml:1:21: no file matches 'more/*.yaml'"],
    ),
    "an empty pattern": (
        changed("[rules.yaml]", "[rules.yaml, '']"),
        RULES,
        ["config.yaml:1:21: "],
    ),
    "a folder of rules": (changed("[rules.yaml]", "[.]"), RULES, [":1:1: can't be read"]),
    "an absolute path to nothing": (
        changed("[rules.yaml]", "[/no/such.yaml]"),
        RULES,
        ["config.yaml:1:9: no file matches '/no/such.yaml'"],
    ),
    "two rules of a name": (
        CONFIG,
        changed("disk-full", "payment-failures", RULES),
        ["rules.yaml:6:5: rule 'payment-failures' already exists"],
    ),
    "a rule called default": (
        CONFIG,
        changed("disk-full", "default", RULES),
        ["rules.yaml:6:5: 'default' is the name of default_rule"],
    ),
    "a matcher that takes every alert": (
        CONFIG,
        changed("'alertname=\"DiskFull\"'", "''", RULES),
        ["rules.yaml:7:13: "],
    ),
    "braces that take every alert": (
        CONFIG,
        changed("'alertname=\"DiskFull\"'", "'{}'", RULES),
        ["rules.yaml:7:13: "],
    ),
    "neither thresholds nor a severity": (
        CONFIG,
        changed("    severity: P3\n", "", RULES),
        ["rules.yaml:6:5: rule 'disk-full' needs either thresholds or a severity"],
    ),
    "both thresholds and a severity": (
        CONFIG,
        RULES + '    thresholds: {P0: "> 1"}\n',
        ["rules.yaml:6:5: rule 'disk-full' needs either thresholds or a severity"],
    ),
    "thresholds of two kinds": (
        CONFIG,
        changed('"> 1%"', '"> 1s"', RULES),
        ["rules.yaml:2:5: the thresholds of rule 'payment-failures' measure different things"],
    ),
    "a count of percents": (
        CONFIG,
        changed("    group_by: [service]\n", "    count: {over: 5m}\n", RULES),
        [
            "rules.yaml:2:5: rule 'payment-failures' counts: '> 0.1%' must",
            "rules.yaml:2:5: rule 'payment-failures' counts: '> 1%' must",
        ],
    ),
    "a count too far": (
        CONFIG,
        RULES.replace("    severity: P3", '    count: {over: 5m}\n    thresholds: {P0: "> 10k"}'),
        ["rules.yaml:6:5: rule 'disk-full' counts: '> 10k' must"],
    ),
    "listen without a host": (
        CONFIG + "listen: ':9095'\n",
        RULES,
        ["config.yaml:18:9: expected HOST:PORT"],
    ),
    "listen without a port": (
        CONFIG + "listen: 127.0.0.1\n",
        RULES,
        ["config.yaml:18:9: expected HOST:PORT"],
    ),
    "listen with a strange port": (
        CONFIG + "listen: 127.0.0.1:²\n",
        RULES,
        ["config.yaml:18:9: expected HOST:PORT"],
    ),
    "listen with a port too high": (
        CONFIG + "listen: 127.0.0.1:65536\n",
        RULES,
        ["config.yaml:18:9: expected HOST:PORT"],
    ),
    "an open API": (
        CONFIG + "listen: 0.0.0.0:9095\nexpose_insecure: true\n",
        RULES,
        [f"config.yaml:18:9: {LISTEN}"],
    ),
    "an open API on IPv6": (
        CONFIG + "listen: '[::]:9095'\nexpose_insecure: true\n",
        RULES,
        [f"config.yaml:18:9: {LISTEN}"],
    ),
    "an open API under a name": (
        CONFIG + "listen: router.lan:9095\nexpose_insecure: true\n",
        RULES,
        [f"config.yaml:18:9: {LISTEN}"],
    ),
    "an open API that looks closed": (
        CONFIG + "listen: 0.0.0.0:9095\nauth: {}\nexpose_insecure: true\n",
        RULES,
        [f"config.yaml:18:9: {LISTEN}"],
    ),
    "an open API without tokens": (
        CONFIG
        + "listen: 0.0.0.0:9095\nauth: {tokens: {}, insecure: false}\nexpose_insecure: true\n",
        RULES,
        [f"config.yaml:18:9: {LISTEN}"],
    ),
    "a token that isn't hashed": (
        CONFIG + "auth: {tokens: {ana: {sha256: s3cr3t}}}\n",
        RULES,
        ["config.yaml:18:22: sha256 must be 64 lower-case hex digits"],
    ),
    "a database that isn't known": (
        CONFIG + "storage: mysql://db/router\n",
        RULES,
        ["config.yaml:18:10: "],
    ),
    "an empty file": ("", RULES, ["config.yaml:1:1: expected a mapping, found nothing"]),
    "a list": ("- a\n", RULES, ["config.yaml:1:1: expected a mapping, found a list"]),
    "an empty rule file": (CONFIG, "", ["rules.yaml:1:1: expected a mapping, found nothing"]),
    "YAML that isn't": (CONFIG, "rules: [", ["rules.yaml:1:9: "]),
}


@pytest.mark.parametrize("name", BAD)
def test_what_does_not_hold_is_said_where_it_is(tmp_path: Path, name: str) -> None:
    """The error has file, line and column, a suggestion if possible, and no follow-up errors."""
    config, rules, expected = BAD[name]
    found = problems(tmp_path, config, rules)
    assert len(found) == len(expected), found
    for problem, start in zip(found, expected, strict=True):
        assert start in problem, found


@pytest.mark.parametrize(
    "more",
    [
        "listen: 127.0.0.1:0\n",
        "listen: localhost:9095\n",
        "listen: '[::1]:9095'\n",
        "listen: 0.0.0.0:9095\nauth: {insecure: true}\nexpose_insecure: true\n",
        "listen: 0.0.0.0:9095\nauth: {tokens: {ana: {sha256: "
        + "0" * 64
        + "}}}\nexpose_insecure: true\n",
        "storage: postgresql://u:p@h/db\n",
        "storage: sqlite:////var/lib/router.db\n",
        "storage: sqlite:///router.db\n",
    ],
)
def test_what_is_well_is_not_refused(tmp_path: Path, more: str) -> None:
    """Loopback needs no token, and elsewhere a token or an explicit word will do."""
    assert loaded(tmp_path, CONFIG + more).file


def test_a_matcher_that_is_none_hides_no_other_mistake_of_its_rule(tmp_path: Path) -> None:
    """A name that's taken and a missing severity are said with it; what depends on the matcher
    isn't guessed at.
    """
    rules = RULES + "  - {name: disk-full, match: ['a=~\"(\"']}\n"
    said = "\n".join(problems(tmp_path, rules=rules))
    assert said.count("\n") == 2
    for problem in (
        "rules.yaml:9:31: ",
        "needs either thresholds or a severity",
        "rule 'disk-full' already exists",
    ):
        assert problem in said


def test_what_could_not_be_read_is_no_second_mistake(tmp_path: Path) -> None:
    """Thresholds that are wrong aren't also missing."""
    rules = "rules:\n  - {name: a, match: ['a=b'], thresholds: {P0: '> much'}}\n"
    assert len(problems(tmp_path, rules=rules)) == 1


def test_all_is_said_at_once(tmp_path: Path) -> None:
    """One run of `check` shows every mistake, in the config and in every rule file, each once."""
    config = CONFIG.replace("channel:log", "channel:lgo").replace("  P3: {policy: low}\n", "")
    config = (
        config.replace("policy: critical", "policy: critcal") + "listen: nowhere\nmax_body: huge\n"
    )
    rules = (
        RULES.replace("P3", "P5").replace("payment-failures", "default")
        + "  - {nam: x, severity: P1}\n"
    )
    found = problems(tmp_path, config, rules)
    for part in (
        "unknown channel 'lgo'",
        "unknown policy 'critcal', did you mean 'critical'?",
        "no policy for P3",
        "expected HOST:PORT",
        "max_body|huge",
        "'default' is the name",
        "'P5'",
        "unknown key 'nam', did you mean 'name'?",
    ):
        assert any(re.search(part, problem) for problem in found), part
    assert len(found) == len(set(found)) == 11
    assert all(re.match(r"(config|rules)\.yaml:\d+:\d+: ", problem) for problem in found)


@pytest.mark.parametrize("known", [{}, {"AM_TOKEN": "s3cr3t"}])
def test_no_problem_shows_a_secret(tmp_path: Path, known: dict[str, Any]) -> None:
    """Not from the environment, and not one that was written in the wrong place."""
    config = changed("{insecure: true}", '{bearer_token: "${AM_TOKEN}", insecure: "${AM_TOKEN}"}')
    config += 'max_body: "${AM_TOKEN}"\nresolve_after: "${AM_TOKEN}"\n'
    assert "s3cr3t" not in "\n".join(problems(tmp_path, config, env=known))
