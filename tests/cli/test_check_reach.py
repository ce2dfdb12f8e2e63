"""`alert-router check --reach`: proves that urgent incidents reach a person, or shows when they
don't.
"""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from router.cli import main
from tests.daemon import Daemon, alert, write_config

HOURS = {
    "rotate": "daily",
    "handover": "09:00",
    "contacts": ["ana"],
    "restrict": [{"from": "09:00", "to": "17:00"}],
}
MAIL = {
    "type": "email",
    "smtp": {"host": "127.0.0.1", "port": 1},
    "from": "router@example.com",
    "to": ["all@example.com"],
}
RULES = [{"name": "payments", "match": ['alertname="PaymentFailures"'], "severity": "P0"}]


def people(folder: Path, layer: dict[str, Any], **changes: Any) -> Path:
    values = {
        "channels": {"log": {"type": "console"}, "mail": MAIL},
        "contacts": {"ana": {"email": "ana@example.com", "reach": [{"via": "mail"}]}},
        "schedules": {"primary": {"time_zone": "UTC", "layers": [layer]}},
        "policies": {
            "all": {
                "steps": [
                    {"notify": ["channel:log"]},
                    {"after": "5m", "notify": ["schedule:primary"]},
                ]
            },
        },
    }
    return write_config(folder, RULES, **(values | changes))


def check(path: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["check", "--reach", "4w", "--config", str(path), *options])


ALWAYS = {key: value for key, value in HOURS.items() if key != "restrict"}


def test_a_proof_is_one_line_with_what_it_assumes(tmp_path: Path) -> None:
    """The config alone is enough if requested."""
    done = check(people(tmp_path, ALWAYS), "--config-only")
    assert done.exit_code == 0, done.output
    proof, *assumed = done.stdout.splitlines()
    said = r"proven: 3 routes x 28d, \d+ intervals: somebody is notified of each incident within 5m"
    assert re.fullmatch(said, proof)
    assert assumed[0].startswith("  assuming that an alert that joins an open incident needs no ")
    assert assumed[1] == "  assuming that every contact method works"
    assert not (tmp_path / "router.db").exists()


def test_without_a_store_nothing_is_proven(tmp_path: Path) -> None:
    """Without a store, an unknown silence or a wrong number may exist, so nothing is proven."""
    done = check(people(tmp_path, ALWAYS))
    assert done.exit_code == 1
    assert f"because the store can't be read (there is no store at {tmp_path}" in done.stdout
    assert done.stdout.splitlines()[0].startswith("not proven (3 routes x 28d, ")


def test_a_counterexample_says_when_and_why_and_what_would_happen(tmp_path: Path) -> None:
    """Each night, by both clocks; the escalation as `simulate` has it; exit code 1."""
    done = check(
        people(tmp_path, HOURS, company={"time_zone": "Europe/Berlin"}), "--config-only", "--all"
    )
    assert done.exit_code == 1
    text = done.stdout
    assert (
        "nobody is notified in time: payments (P0), declared by hand (P0), declared by hand (P1)"
        in text
    )
    assert re.search(r"from .* 17:55 CE?S?T? until .* 09:55 ", text) or "16:55 UTC until" in text
    assert "because schedule:primary: nobody is on call" in text
    assert "more times" in text
    assert re.search(r"\+5m .*Nobody to notify: schedule:primary, nobody is on call", text)
    assert text.splitlines()[0].startswith("not proven (3 routes x 28d, ")


def test_a_cause_is_summed_up_in_an_example(tmp_path: Path) -> None:
    """The verdict comes first; the escalation and the other times are printed on request."""
    done = check(people(tmp_path, HOURS), "--config-only")
    verdict, *lines = done.stdout.splitlines()
    assert verdict.startswith("not proven (3 routes x 28d, ")
    causes = [line for line in lines if line.startswith("nobody is notified in time: ")]
    assert len(causes) == len([line for line in lines if line.startswith("  because ")])
    assert re.search(r"payments \(P0\) \(routes: 3, intervals: (28|29)\)", causes[0])
    assert "more times" not in done.stdout
    assert "+5m" not in done.stdout
    assert lines[-1] == "--all prints every route, time and escalation"


def test_json_is_for_programs(tmp_path: Path) -> None:
    """All routes, each with its trace."""
    done = check(people(tmp_path, HOURS), "--json", "--config-only")
    found = json.loads(done.stdout)
    assert (done.exit_code, found["proven"]) == (1, False)
    found["unreached"] = [one for one in found["unreached"] if one["routes"][0]["rule"]]
    assert len(found["unreached"]) in {28, 29}
    one = found["unreached"][1]
    assert one["routes"][0] == {
        "rule": "payments",
        "opens": "P0",
        "severity": "P0",
        "by_hand": False,
    }
    assert one["from"].endswith("T16:55:00.000Z")
    assert one["trace"]["reasons"] == ["opened"]


async def test_an_open_incident_that_nobody_knows_of_is_a_reason(tmp_path: Path) -> None:
    """Only the log has its message. An acknowledgement tells that a person knows of it."""
    path = people(tmp_path, ALWAYS)
    joins = "INC-1 is open and nobody has been notified about it"
    async with Daemon(path) as daemon:
        await daemon.alert(alert("PaymentFailures"))
        done = await asyncio.to_thread(check, path)
        assert joins in done.stdout
        await daemon.ask("POST", "/api/v1/incidents/1/ack")
        done = await asyncio.to_thread(check, path)
    assert done.exit_code == 1
    assert joins not in done.stdout


async def test_what_is_stored_is_looked_at(tmp_path: Path) -> None:
    """An override that a person has set, and that leaves nobody."""
    path = people(tmp_path, ALWAYS)
    async with Daemon(path) as daemon:
        await daemon.alert(alert("Other"))
        override = {"contact": "", "to": "2027-01-01T00:00Z"}
        answer = await daemon.ask("POST", "/api/v1/schedules/primary/overrides", json=override)
        assert answer.status == 201, answer.body
    done = await asyncio.to_thread(check, path, "--json")
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert found["store"] == "read"
    why = {reason for one in [*found["unreached"], *found["undecided"]] for reason in one["why"]}
    assert "schedule:primary: nobody is on call" in why


async def test_a_way_that_no_delivery_has_proven_is_not_relied_on(tmp_path: Path) -> None:
    """There's a store, and nothing in it came over mail/ana."""
    path = people(tmp_path, ALWAYS)
    async with Daemon(path):
        pass
    done = await asyncio.to_thread(check, path)
    assert done.exit_code == 1
    assert "because mail/ana: no delivery is on record" in done.stdout
    assert "the store can't be read" not in done.stdout


def test_a_channel_that_reaches_a_person_by_itself(tmp_path: Path) -> None:
    """A channel counts as reaching a person if the option says so."""
    path = write_config(tmp_path, RULES)
    done = check(path, "--config-only")
    assert done.exit_code == 1
    assert "because no step of policy 'all' notifies a person" in done.stdout
    assert check(path, "--config-only", "--person", "log").exit_code == 0


CASES = Path(__file__).parent / "reach"


@pytest.mark.parametrize(
    "name", sorted(one.stem for one in CASES.glob("*.yaml") if ".rules" not in one.name)
)
def test_configs_that_must_not_be_proven(name: str) -> None:
    """Each file says in its first line what keeps an urgent incident from everybody."""
    done = check(CASES / f"{name}.yaml", "--config-only")
    assert done.exit_code == 1, done.stdout
    assert done.stdout.splitlines()[0].startswith("not proven")
    wanted = (CASES / f"{name}.yaml").read_text().splitlines()[0].removeprefix("# because ")
    assert wanted in done.stdout


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--reach", "soon"), "--reach: "),
        (("--person", "lgo"), "--person: no channel 'lgo', did you mean 'log'?; there are: log"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, options: tuple[str, ...], said: str) -> None:
    done = check(write_config(tmp_path, RULES), *options)
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr.startswith(said)


def test_a_p0_that_a_person_declares_is_a_route(tmp_path: Path) -> None:
    """Also where no rule is urgent."""
    path = write_config(tmp_path, [{"name": "a", "match": ['alertname="A"'], "severity": "P3"}])
    done = check(path, "--config-only")
    assert (done.exit_code, "nobody is notified in time: declared by hand (P0)" in done.stdout) == (
        1,
        True,
    )


def test_a_silence_that_is_meant_is_allowed(tmp_path: Path) -> None:
    """An allowed silence is given by name; an unknown name is an error."""
    silences = [{"name": "staging", "match": ['env="staging"'], "days": ["Mon-Sun"]}]
    path = people(tmp_path, ALWAYS, silences=silences)
    assert (
        'for an alert with alertname="PaymentFailures", env="staging"'
        in check(path, "--config-only").stdout
    )
    assert check(path, "--config-only", "--allow-silence", "staging").exit_code == 0
    assert (
        "--allow-silence: no silence 'x'"
        in check(path, "--config-only", "--allow-silence", "x").stderr
    )


async def test_a_contact_method_is_proven_only_for_the_address_it_had(tmp_path: Path) -> None:
    """Delivered once, it is proven; with another address of the person it no longer is."""

    def config(name: str) -> Path:
        return people(
            tmp_path,
            ALWAYS,
            channels={"log": {"type": "console"}, "text": {"type": "console"}},
            contacts={"ana": {"name": name, "reach": [{"via": "text"}]}},
            policies={"all": {"steps": [{"notify": ["schedule:primary"]}]}},
        )

    path = config("Ana")
    async with Daemon(path) as daemon:
        await daemon.alert(alert())
        for _ in range(500):
            (message,) = (await daemon.get("/api/v1/notifications")).json["notifications"]
            if message["state"] == "sent":
                break
            await asyncio.sleep(0.01)
    done = await asyncio.to_thread(check, path)
    assert done.exit_code == 0, done.stdout
    done = await asyncio.to_thread(check, config("Anna"))
    assert done.exit_code == 1
    assert "because text/ana: its number, account or URL has changed since the last" in done.stdout
