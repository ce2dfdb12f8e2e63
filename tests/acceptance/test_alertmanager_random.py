"""Random requests, from a fixed seed, get the same answers from Alertmanager and the router.

What docs/reference/alertmanager-api.md lists as a difference is not generated.
"""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import urlencode

import pytest

from tests.acceptance.test_alertmanager_api import LATER, UNKNOWN, Both, both

__all__ = ["both"]

pytestmark = pytest.mark.peer

SEED = 14
ROUNDS = 40

TEXTS = [
    "a",
    "A",
    "",
    "é",
    "日本語",
    "🔥",
    "a\nb",
    "a\tb",
    " a ",
    "x" * 2000,
    'q"uote',
    "back\\slash",
]
TEXTS += ['q"uote', "%20", "<b>&amp;</b>", "{{ .x }}", "a=b", "a,b", "\u200b"]
NAMES = ["service", "env", "team", "_x", "A9"]
ZERO = "0001-01-01T00:00:00Z"
STARTS = [
    ZERO,
    "2020-01-01T00:00:00.123456789Z",
    "2020-01-01T02:00:00+02:00",
    "2020-01-01T00:00:00",
]
ENDS = [ZERO, "2090-01-01T00:00:00.5-05:00", LATER, "9998-12-31T00:00:00Z", "2020-01-02T00:00:00Z"]
URLS = ["", "http://p/g", "http://p/é?q=1", "ftp://x", "/relative"]
MATCHERS = r"""
alertname="A"
alertname=A
 alertname != A
alertname =~ "A|B"
alertname=~A
env=""
env!=""
env=~".*"
env=~".+"
service=~"^a$"
service=~"(?i)a"
service=~"a\nb"
service=~"a\\nb"
service="a\nb"
service=~"a.b"
service=~"(?s)a.b"
service=é
service=~"[^a]"
service=~"\\pL+"
service= a\t
n=~"[[:digit:]]+"
alertname=~"(?U)A"
alertname=~"(?P<n>a)"
alertname=~"\\QA\\E"
alertname="\q"
alertname='A'
a=
a=~
a=b,
a=b,c=d
a=b,,c=d
a="b",c="d"
a b=c
alertname="A
alertname=A"
alertname==A
alertname=!A
alertname
=A
,a=b
""".strip("\n").split("\n")
FLAGS = ["true", "false", "", "1", "0", "no", "TRUE", "x"]
VALUES = [*TEXTS, "a|b", ".*", ".+", "a.*", "(?i)A", "\\d", "a{2}"]
BROKEN: list[dict[str, Any]] = [
    {"comment": None},
    {"matchers": []},
    {"endsAt": "2020-01-02T00:00:00Z"},
    {"startsAt": LATER},
    {"id": UNKNOWN},
    {"endsAt": None},
]


class Requests:
    """Random parts of requests. `n` is the label by which the answers of one round are found."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self.n = 0

    def chance(self, of: float) -> bool:
        return self._random.random() < of

    def one(self, values: Any) -> Any:
        return self._random.choice(values)

    def labels(self) -> dict[str, str]:
        count = self._random.randrange(4)
        others = {self.one(NAMES): self.one(TEXTS) for _ in range(count)}
        return {"alertname": self.one(["A", "A", "é"]), "n": str(self.n)} | others

    def alert(self) -> dict[str, Any]:
        alert: dict[str, Any] = {"labels": self.labels()}
        if self.chance(0.5):
            alert["annotations"] = self.one([{}, {"summary": self.one(TEXTS)}, None, {"": "x"}])
        if self.chance(0.7):
            alert["startsAt"] = self.one([*STARTS, _after(300 + 60), _after(-60)])
            alert["endsAt"] = self.one([*ENDS, _after(3600), _after(-30)])
        if alert.get("startsAt") == ZERO:
            del alert["endsAt"]
        if self.chance(0.4):
            alert["generatorURL"] = self.one(URLS)
        return alert

    def query(self, *, flags: bool = True) -> str:
        query = [("filter", f'n="{self.n}"')]
        query += [("filter", self.one(MATCHERS)) for _ in range(self.one([0, 1, 1, 2]))]
        names = ("active", "silenced", "inhibited", "unprocessed")
        query += [(name, self.one(FLAGS)) for name in names if flags and self.chance(0.15)]
        if self.chance(0.2):
            query.append(("receiver", self.one(["all", "al", "a.*", "ALL", "(?i)ALL", "all|x"])))
        self._random.shuffle(query)
        return urlencode(query)

    def silence(self) -> dict[str, Any]:
        matchers = [{"name": "n", "value": str(self.n), "isRegex": False}]
        for _ in range(self._random.randrange(3)):
            matcher = {"name": self.one(NAMES), "value": self.one(VALUES), "isRegex": False}
            matcher |= self.one([{}, {"isEqual": True}, {"isEqual": False}])
            if matcher["value"] != "{{ .x }}":  # RE2 accepts it, Go's own package does not
                matcher["isRegex"] = self.chance(0.4)
            matchers.append(matcher)
        starts = self.one([_after(-60), "2020-01-01T00:00:00", _after(600)])
        silence = {
            "matchers": matchers,
            "startsAt": starts,
            "endsAt": self.one([LATER, _after(900)]),
        }
        silence |= {"createdBy": self.one(["ana", "é", "", 'a"b']), "comment": self.one(TEXTS)}
        return silence | (self.one(BROKEN) if self.chance(0.3) else {})


def _after(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat()


async def test_random_requests(both: Both) -> None:
    """Alerts, filters, flags, and silences that are made, replaced, ended and filtered."""
    given = Requests(SEED)
    for given.n in range(ROUNDS):
        await both.ask("POST", "/alerts", [given.alert()])
        await both.ask("GET", f"/alerts?{urlencode({'filter': f'n={given.n}'})}")
        await both.ask("GET", f"/alerts?{given.query()}")
        await both.ask("GET", f"/alerts/groups?{given.query()}")
        made = await both.ask("POST", "/silences", given.silence(), save=f"s{given.n}")
        if "silenceID" in made:
            await _changes(both, given)


async def _changes(both: Both, given: Requests) -> None:
    """Read the silence, perhaps replace it, perhaps end it; then read it and the alerts again."""
    path = f"/silence/{{s{given.n}}}"
    await both.ask("GET", path)
    if given.chance(0.5):
        change = {"id": f"{{s{given.n}}}", "endsAt": LATER, "startsAt": _after(700)}
        await both.ask("POST", "/silences", given.silence() | change, save=f"t{given.n}")
    if given.chance(0.5):
        await both.ask("DELETE", path)
    await both.ask("GET", path)
    await both.ask("GET", f"/alerts?{urlencode({'filter': f'n={given.n}'})}")
    await both.ask("GET", f"/silences?{given.query(flags=False)}")
