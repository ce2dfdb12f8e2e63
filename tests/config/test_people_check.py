"""People, roles, schedules and channels fit together, or the config says where they don't."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from router.app import TYPES
from router.config.load import Config, load
from router.config.located import Invalid
from router.core.oncall.recipients import ContactMethod
from router.core.outbox.rate_limit import Limit
from router.model.incident import Severity

TEXT = {"type": "sms", "account_sid": "AC" + "0" * 32, "auth_token": "x", "from": "+442079460999"}
SMTP = {
    "type": "email",
    "smtp": {"host": "127.0.0.1", "starttls": False},
    "from": "router@example.com",
}
TURNS = {"rotate": "daily", "handover": "09:00", "contacts": ["ana", "ben"]}
STEPS = {"steps": [{"notify": ["channel:log", "contact:ana", "role:cto", "schedule:primary"]}]}

HOOK = {"type": "webhook", "url": "https://example.com/hook"}
WHOLE: dict[str, Any] = {
    "rules": [],
    "sources": {"alertmanager": {"insecure": True}},
    "channels": {"log": {"type": "console"}, "text": TEXT, "mail": SMTP, "hook": HOOK},
    "contacts": {
        "ana": {
            "name": "Ana",
            "phone": "+442079460123",
            "email": "ana@example.com",
            "reach": [{"via": "text", "for": ["P0", "P1"]}, {"via": "mail", "after": "2m"}],
        },
        "ben": {"email": "ben@example.com"},
    },
    "roles": {"cto": ["ana", "ben"]},
    "schedules": {"primary": {"layers": [TURNS]}},
    "company": {"time_zone": "Europe/London"},
    "severities": {name: {"policy": "all"} for name in ("P0", "P1", "P2", "P3")},
    "policies": {"all": STEPS | {"fallback": ["role:cto"]}},
}


def read(folder: Path, **changes: Any) -> Config:
    (folder / "config.yaml").write_text(yaml.safe_dump(WHOLE | changes, sort_keys=False))
    return load(folder / "config.yaml", {}, TYPES)


def test_a_config_with_people_tells_the_core_whom_its_targets_mean(tmp_path: Path) -> None:
    """A channel by its bare name, people by kind; a way without severities is for all of them."""
    config = read(tmp_path)
    people, policy = config.settings.people, config.settings.policy(Severity.P0)
    assert policy.steps[0].notify == ("log", "contact:ana", "role:cto", "schedule:primary")
    assert policy.fallback == ("role:cto",)
    assert people.contacts == {
        "ana": (
            ContactMethod("text", 0.0, frozenset({Severity.P0, Severity.P1})),
            ContactMethod("mail", 120.0),
        ),
        "ben": (),
    }
    assert people.roles == {"cto": ("ana", "ben")}
    assert people.schedules["primary"].time_zone == "Europe/London"


def test_a_channel_knows_the_addresses_of_those_it_reaches(tmp_path: Path) -> None:
    """Text by telephone number, mail by address, the console by name; one that reaches no people
    knows of none.
    """
    config = read(tmp_path)
    assert config.addresses("text") == {"ana": "+442079460123"}
    assert config.addresses("mail") == {"ana": "ana@example.com", "ben": "ben@example.com"}
    assert config.addresses("log") == {"ana": "Ana"}
    assert config.addresses("hook") is None


def reach(*ways: Any, contact: str = "ana") -> dict[str, Any]:
    """The contacts, with these ways for one of them."""
    contacts = WHOLE["contacts"]
    return {"contacts": contacts | {contact: contacts[contact] | {"reach": ways}}}


BAD = [
    (
        {"policies": {"all": {"steps": [{"notify": ["contact:anna"]}]}}},
        "unknown contact 'anna', did you mean 'ana'?",
    ),
    (
        {"policies": {"all": {"steps": [{"notify": ["role:ctoo"]}]}}},
        "unknown role 'ctoo', did you mean 'cto'?",
    ),
    (
        {"policies": {"all": {"steps": [{"notify": ["schedule:primry"]}]}}},
        "unknown schedule 'primry', did you mean",
    ),
    ({"policies": {"all": STEPS | {"fallback": ["schedule:x"]}}}, "unknown schedule 'x'"),
    (
        {"policies": {"all": {"steps": [{"notify": ["team:ana"]}]}}},
        "expected channel:NAME, contact:NAME, role:NAME",
    ),
    (
        {"policies": {"all": {"steps": [{"notify": ["role:"]}]}}},
        "expected channel:NAME, contact:NAME, role:NAME",
    ),
    ({"roles": {"cto": ["anna"]}}, "unknown contact 'anna', did you mean 'ana'?"),
    ({"roles": {"cto": []}}, "nobody has the role 'cto'"),
    (
        {"schedules": {"primary": {"layers": [TURNS | {"contacts": ["ben", "bob"]}]}}},
        "unknown contact 'bob'",
    ),
    (
        {
            "schedules": {
                "primary": {
                    "layers": [TURNS],
                    "overrides": [
                        {"contact": "cy", "from": "2026-01-05 09:00", "to": "2026-01-06 09:00"}
                    ],
                }
            }
        },
        "unknown contact 'cy'",
    ),
    (
        {
            "schedules": {
                "primary": {
                    "layers": [TURNS],
                    "overrides": [
                        {
                            "contact": "",
                            "replaces": "cy",
                            "from": "2026-01-05 09:00",
                            "to": "2026-01-06 09:00",
                        }
                    ],
                }
            }
        },
        "unknown contact 'cy'",
    ),
    (reach({"via": "txt"}), "unknown channel 'txt', did you mean 'text'?"),
    (
        reach({"via": "hook"}),
        "channel 'hook' is of type webhook, which doesn't reach single people",
    ),
    (reach({"via": "text"}, contact="ben"), "'ben' has no phone, which channel 'text' needs"),
    (reach({"via": "text", "for": ["P4"]}), "unknown value 'P4'"),
    (reach({"via": "text", "after": "soon"}), "soon"),
    (
        {"channels": WHOLE["channels"] | {"a/b": {"type": "console"}}},
        "the channel's name 'a/b' can't contain",
    ),
    (
        {"channels": WHOLE["channels"] | {"role:cto": {"type": "console"}}},
        "the channel's name 'role:cto' can't contain",
    ),
]


@pytest.mark.parametrize(("changes", "said"), BAD, ids=[said for _, said in BAD])
def test_what_does_not_fit_is_said_once_where_it_is(
    tmp_path: Path, changes: dict[str, Any], said: str
) -> None:
    """The error has a suggestion where possible."""
    with pytest.raises(Invalid) as raised:
        read(tmp_path, **changes)
    (problem,) = raised.value.problems
    assert said in problem.message
    assert problem.place.line > 1


def test_a_way_over_a_channel_that_is_wrong_itself_is_no_second_mistake(tmp_path: Path) -> None:
    """A channel without its number is reported once."""
    channels = WHOLE["channels"] | {"text": {"type": "sms", "account_sid": "AC1"}}
    with pytest.raises(Invalid) as raised:
        read(tmp_path, channels=channels)
    assert {problem.message.split(":")[0] for problem in raised.value.problems} == {"account_sid"}


@pytest.mark.parametrize(
    ("zone", "start", "end", "key", "message"),
    [
        (
            None,
            "2027-03-28 01:30",
            "2027-03-28 02:00",
            "from",
            "the clock in Europe/London skips 01:30",
        ),
        (
            None,
            "2027-03-28 00:30",
            "2027-03-28 01:15",
            "to",
            "the clock in Europe/London skips 01:15",
        ),
        ("Europe/Berlin", "2027-03-28 02:30", "2027-03-28 03:30", "from", "write 03:00 or later"),
        (None, "0001-01-01 00:00", "2027-01-01 00:00", "from", "between the years 1970 and 3000"),
        (None, "2027-01-01 00:00Z", "3027-01-01 00:00Z", "to", "between the years 1970 and 3000"),
    ],
)
def test_an_override_at_a_time_that_there_is_not_is_refused_at_its_place(  # noqa: PLR0917
    tmp_path: Path, zone: str | None, start: str, end: str, key: str, message: str
) -> None:
    """A time that the clock skips would make the override shorter than it looks, or empty."""
    override = {"contact": "ana", "from": start, "to": end}
    schedule = {"layers": [TURNS], "overrides": [override]} | ({"time_zone": zone} if zone else {})
    with pytest.raises(Invalid) as caught:
        read(tmp_path, schedules={"primary": schedule})
    (problem,) = caught.value.problems
    assert message in problem.message
    lines = (tmp_path / "config.yaml").read_text().splitlines()
    assert lines[problem.place.line - 1].strip().removeprefix("- ").startswith(f"{key}:")


def test_an_override_with_an_offset_may_name_any_time(tmp_path: Path) -> None:
    override = {"contact": "ana", "from": "2027-03-28T01:30Z", "to": "2027-03-28T01:45Z"}
    read(tmp_path, schedules={"primary": {"layers": [TURNS], "overrides": [override]}})


@pytest.mark.parametrize(
    ("channel", "error"),
    [
        (
            HOOK,
            "a channel of type webhook takes no `throttle`: each incident needs its own message",
        ),
        (SMTP, "the channel only reaches people: set `throttle` in their contacts instead"),
    ],
)
def test_a_channel_that_can_send_no_summary_has_no_throttle(
    tmp_path: Path, channel: dict[str, Any], error: str
) -> None:
    """Where a machine reads it, and where there's no room."""
    with pytest.raises(Invalid) as found:
        read(tmp_path, channels=WHOLE["channels"] | {"new": channel | {"throttle": "20/1m"}})
    assert [problem.message for problem in found.value.problems] == [error]


def test_a_throttle_of_a_channel_is_its_own_limit(tmp_path: Path) -> None:
    """For as long as a contact's, and not the limit of people over the channel."""
    mail = SMTP | {"to": ["all@example.com"], "throttle": "20/1m"}
    found = read(tmp_path, channels=WHOLE["channels"] | {"mail": mail}).settings
    assert found.limit_of("mail") == Limit(20, 60.0)
    assert found.limit_of("mail/ana") is None
    with pytest.raises(Invalid, match="a period of at most 60m"):
        read(tmp_path, channels=WHOLE["channels"] | {"mail": mail | {"throttle": "1/2h"}})
