"""An alertmanager.yml to a config: rules, channels, silences, inhibitions and the report."""

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from router.app import TYPES
from router.config.load import load
from router.config.located import Invalid
from router.importers.alertmanager.config import Converted, convert

SHOP = Path(__file__).with_name("shop.yml")


def converted(**changed: Any) -> Converted:
    """A small config with these changes."""
    whole = {"route": {"receiver": "log"}, "receivers": [{"name": "log"}], **changed}
    return convert(yaml.safe_dump(whole, sort_keys=False), "am.yml")


def config(found: Converted) -> dict[str, Any]:
    made: dict[str, Any] = yaml.safe_load(found.written.files["config.yaml"])
    return made


def rules(found: Converted) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = yaml.safe_load(found.written.files["rules/routes.yaml"])["rules"]
    return listed


def shop() -> Converted:
    return convert(SHOP.read_text(), "shop.yml")


def test_each_route_is_a_rule_with_the_policy_of_its_receivers() -> None:
    """Matchers of the whole path; an archive that continues is part of later policies."""
    by_name = {rule["name"]: rule for rule in rules(shop())}
    assert list(by_name) == ["null", "shop-pager", "shop", "database", "archive"]
    assert by_name["shop-pager"] == {
        "name": "shop-pager",
        "match": ['team="shop"', 'severity="critical"'],
        "severity": "P0",
        "policy": "shop-pager",
        "group_by": ["alertname", "cluster"],
    }
    assert by_name["database"]["policy"] == "archive-and-database"
    policies = config(shop())["policies"]
    assert policies["shop-pager"]["repeat"] == {"every": "1h", "times": 168}
    assert policies["archive-and-database"]["steps"] == [
        {"notify": ["channel:archive", "channel:database"]}
    ]


def test_a_receiver_that_notifies_nobody_is_a_rule_that_ignores() -> None:
    """As `null` is used for Watchdog."""
    (first, *_) = rules(shop())
    assert first == {
        "name": "null",
        "match": ['alertname=~"Watchdog|InfoInhibitor"'],
        "ignore": True,
    }


def test_secrets_are_files_and_not_in_the_config() -> None:
    """Those in files of Alertmanager are copied by the command."""
    found = shop()
    assert {
        name: secret.text or secret.copied_from for name, secret in found.written.secrets.items()
    } == {
        "smtp-password": "pepper",
        "shop-url": "slack-url",
        "shop-pager-pagerduty-key": "0123456789abcdef0123456789abcdef",
        "shop-pager-webhook-url": "http://127.0.0.1:8080/hook",
        "shop-pager-webhook-authorization": "Bearer salt",
        "archive-url": "https://archive.example.com/alerts",
    }
    text = found.written.files["config.yaml"]
    assert not [one for one in ("pepper", "salt", "sugar", "0123456789abcdef") if one in text]


def test_a_muted_route_is_a_silence_of_its_alerts_alone() -> None:
    """Those that a route below it takes are left out of the matchers."""
    assert config(shop())["silences"] == [
        {
            "name": "nights",
            "match": ['team="shop"', 'alertname!~"Watchdog|InfoInhibitor"', 'severity!="critical"'],
            "from": "22:00",
            "time_zone": "Europe/London",
            "comment": "time interval nights of receiver shop",
        },
        {
            "name": "nights-2",
            "match": ['team="shop"', 'alertname!~"Watchdog|InfoInhibitor"', 'severity!="critical"'],
            "to": "06:00",
            "time_zone": "Europe/London",
            "comment": "time interval nights of receiver shop",
        },
    ]


def test_active_intervals_are_silences_of_the_time_outside() -> None:
    found = converted(
        route={
            "receiver": "log",
            "routes": [{"matchers": ["a=b"], "active_time_intervals": ["office"]}],
        },
        time_intervals=[
            {
                "name": "office",
                "time_intervals": [
                    {
                        "weekdays": ["monday:friday"],
                        "times": [{"start_time": "09:00", "end_time": "17:00"}],
                    }
                ],
            }
        ],
    )
    shown = [
        (silence.get("days", []), str(silence.get("from", "")), str(silence.get("to", "")))
        for silence in config(found)["silences"]
    ]
    workdays = ["Mon", "Tue", "Wed", "Thu", "Fri"]
    assert shown == [(workdays, "", "09:00"), (["Sat", "Sun"], "", ""), (workdays, "17:00", "")]


def test_everything_that_is_left_out_has_a_line_in_the_report() -> None:
    """With its place, in the order of the file; here are their lines and first words."""
    shown = [
        f"{remark.place.line} {' '.join(remark.message.split()[:4])}"
        for remark in sorted(shop().report.remarks)
    ]
    assert shown == [
        "3 `resolve_timeout` applies to alerts",
        "9 Go templates aren't converted:",
        "13 `group_wait` isn't needed: the",
        "16 receiver 'null' notifies nobody:",
        "21 `group_interval` isn't needed: alerts",
        "28 can't group by all",
        "29 `group_by` differs from that",
        "29 time interval 'outside-office': a",
        "32 `labels` has no counterpart",
        "37 `html` left out: messages",
        "40 channel #shop: an incoming",
        "41 `send_resolved: false`: the router",
        "46 webhook: the body is",
        "47 `proxy_url` isn't an option",
        "49 victorops: the router has",
        "51 webhook: the body is",
        "57 an inhibition needs matchers",
        "65 `days_of_month`: a silence recurs",
    ]


def test_an_inhibition_keeps_its_matchers_in_either_syntax() -> None:
    assert config(shop())["inhibit"] == [
        {
            "source": ['alertname="DatabaseDown"'],
            "target": ['alertname=~"ErrorRate|Latency"'],
            "equal": ["cluster"],
        }
    ]


@pytest.mark.parametrize(
    ("matchers", "expected"),
    [
        (['severity="page"'], {"severity": "P0"}),
        (['severity="sev9"'], {"severity": "P2"}),
        (
            ['severity=~"critical|warning"'],
            {
                "severity_from": {"label": "severity", "map": {"critical": "P0", "warning": "P2"}},
                "severity": "P2",
            },
        ),
    ],
)
def test_the_severity_is_that_of_the_label(matchers: list[str], expected: dict[str, Any]) -> None:
    """Fixed where the matchers fix the label."""
    found = converted(
        route={"receiver": "hook", "routes": [{"matchers": matchers}]},
        receivers=[{"name": "hook", "webhook_configs": [{"url": "https://example.com"}]}],
    )
    rule = rules(found)[0]
    assert {key: rule[key] for key in ("severity_from", "severity") if key in rule} == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1", "am.yml:1:1: there is no `route`"),
        ("[]", "am.yml:1:1: expected a mapping"),
        ("route: {receiver: a, routes: [{matchers: ['a=~(']}]}", "am.yml:1:32: expected a regular"),
        ("route: {", "am.yml:1:9: "),
    ],
)
def test_what_is_no_alertmanager_yml_is_an_error_with_its_place(text: str, message: str) -> None:
    with pytest.raises(Invalid) as caught:
        convert(text, "am.yml")
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("interval", "message"),
    [
        ({"weekdays": ["someday"]}, "expected a weekday such as Mon"),
        ({"times": [{"start_time": "9", "end_time": "10:00"}]}, "expected a time of day such as"),
        ({"location": "Local"}, "`location: Local` isn't a time zone: this interval is left out"),
    ],
)
def test_an_interval_that_cannot_be_read_is_left_out(
    interval: dict[str, Any], message: str
) -> None:
    found = converted(
        route={"receiver": "log", "routes": [{"matchers": ["a=b"], "mute_time_intervals": ["x"]}]},
        time_intervals=[{"name": "x", "time_intervals": [interval]}],
    )
    assert "silences" not in config(found)
    assert any(message in line for line in found.report.lines)


@pytest.mark.parametrize(
    ("kind", "settings", "expected"),
    [
        (
            "telegram",
            {"bot_token": f"123456789:{'a' * 35}", "chat_id": -100123, "message_thread_id": 7},
            {"type": "telegram", "chat": "-100123", "topic": 7},
        ),
        ("telegram", {"bot_token": "short", "chat_id": 1}, {"type": "console"}),
        ("telegram", {"bot_token": "1:a", "chat_id": "${CHAT}"}, {"type": "console"}),
        (
            "discord",
            {"webhook_url": "https://discord.com/api/webhooks/123456789012345678/abc-DEF"},
            {"type": "discord"},
        ),
        ("discord", {"webhook_url": "https://example.com/"}, {"type": "console"}),
        ("mattermost", {"webhook_url": "https://chat.example.com/hooks/x"}, {"type": "mattermost"}),
        ("pushover", {"token": "a", "user_key": "b"}, {"type": "apprise"}),
        (
            "rocketchat",
            {
                "api_url": "https://chat.example.com",
                "token": "t",
                "token_id": "u",
                "channel": "ops",
            },
            {"type": "apprise"},
        ),
        (
            "rocketchat",
            {"api_url": "https://chat.example.com", "channel": "ops"},
            {"type": "console"},
        ),
        (
            "webex",
            {"room_id": "R", "http_config": {"authorization": {"credentials": "t" * 80}}},
            {"type": "apprise"},
        ),
        (
            "jira",
            {
                "api_url": "https://acme.atlassian.net/rest/api/2/",
                "project": "OPS",
                "issue_type": "Incident",
                "labels": ["alerts", "{{ .CommonLabels.severity }}"],
                "resolve_transition": "Done",
                "http_config": {"basic_auth": {"username": "a@example.com", "password": "p"}},
            },
            {
                "type": "jira",
                "api_url": "https://acme.atlassian.net",
                "email": "a@example.com",
                "project": "OPS",
                "issue_type": "Incident",
                "labels": ["alerts"],
            },
        ),
        (
            "jira",
            {"project": "{{ .X }}", "http_config": {"authorization": {"credentials": "p"}}},
            {"type": "console"},
        ),
        ("incidentio", {"url": "https://api.incident.io/x"}, {"type": "console"}),
    ],
)
def test_an_integration_is_a_channel_of_its_type(
    kind: str, settings: dict[str, Any], expected: dict[str, Any], tmp_path: Path
) -> None:
    """If its settings are those of such a channel, so that the config loads; else it prints."""
    found = converted(receivers=[{"name": "log", f"{kind}_configs": [settings]}])
    (channel,) = config(found)["channels"].values()
    shown = {key: one for key, one in channel.items() if not isinstance(one, dict)}
    shown.pop("urls", None)
    assert shown == expected
    for name, text in found.written.files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "secrets").mkdir()
    for name, secret in found.written.secrets.items():
        (tmp_path / "secrets" / name).write_text(secret.text)
    assert load(tmp_path / "config.yaml", {}, TYPES).channels


def test_the_url_for_apprise_has_all_credentials() -> None:
    """Each part is quoted; a secret in a file of its own has to be put in."""
    settings = {"api_url": "https://chat.example.com/", "token_id": "u/1", "channel": "#ops"}
    for token, url in (
        ({"token": "t@"}, "rockets://u%2F1:t%40@chat.example.com/%23ops"),
        ({"token_file": "x"}, "rockets://replace-me:replace-me@chat.example.com/%23ops"),
    ):
        receivers = [{"name": "chat", "rocketchat_configs": [settings | token]}]
        (secret,) = converted(receivers=receivers).written.secrets.values()
        assert url in {secret.text, secret.placeholder}


def mappings(node: Any) -> Iterator[dict[str, Any]]:
    """Every mapping in a document."""
    if isinstance(node, dict):
        yield node
    for one in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from mappings(one)


def test_no_key_is_dropped_silently() -> None:
    """A key that the importer doesn't know is in the report, in whichever mapping it is."""
    document = yaml.safe_load(SHOP.read_text())
    for at, where in enumerate(mappings(document)):
        changed = copy.deepcopy(document)
        [*mappings(changed)][at]["surprise"] = "x"
        found = convert(yaml.safe_dump(changed), "am.yml")
        is_matcher = 'surprise="x"' in str(found.written.files) or 'surprise=~"x"' in str(
            found.written.files
        )
        left_out = {"api_key", "months", "source_match", "severity", "reason"} & where.keys()
        assert left_out or is_matcher or any("surprise" in line for line in found.report.lines), (
            where
        )


def test_a_variable_in_place_of_a_secret_is_a_secret_to_fill_in() -> None:
    """Something else replaces it before Alertmanager reads the file; elsewhere it stays text."""
    slack = {"api_url": "${SLACK_URL}", "title": "${TITLE}"}
    mail = {"to": "a@example.com", "from": "${X} <b@example.com>", "smarthost": "localhost:25"}
    found = converted(
        receivers=[{"name": "log", "slack_configs": [slack], "email_configs": [mail]}]
    )
    assert [secret.copied_from for secret in found.written.secrets.values()] == ["${SLACK_URL}"]
    assert "from: $${X} <b@example.com>" in found.written.files["config.yaml"]
    assert any("another tool's placeholder" in line for line in found.report.lines)
