"""Names of people in requests: an unknown one is accepted with a warning."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from router.core.oncall.recipients import People
from router.web.api.names import warnings_about
from tests.cli.test_incidents import SILENT, run
from tests.daemon import Daemon, alert

Router = Callable[..., Daemon]
PEOPLE = People(contacts={"anabel": (), "ben": ()}, called={"ben the great": "ben"})
SO = " of the config, so nobody is notified"
CONFIG: Mapping[str, Any] = {"channels": SILENT, "contacts": {"ana": {}, "ben": {"slack": "U1"}}}


@pytest.mark.parametrize(
    ("name", "people", "found"),
    [
        ("", PEOPLE, []),
        ("ben", PEOPLE, []),
        ("Ben the Great", PEOPLE, []),
        ("cleo", PEOPLE, [f"'cleo' is not a contact{SO}"]),
        (
            "anabell",
            PEOPLE,
            [f"'anabell' is not a contact{SO}, did you mean 'anabel'?"],
        ),
        ("cleo", People(), []),
    ],
)
def test_warnings(name: str, people: People, found: list[str]) -> None:
    """No warning without a name, for a contact's other name, or where the config has no
    contacts.
    """
    assert warnings_about(name, people) == found


async def test_an_unknown_name_is_accepted_with_a_warning(router: Router) -> None:
    """The lead and the owner of an action item are set all the same."""
    async with router(**CONFIG) as daemon:
        await daemon.alert(alert())
        answer = (await daemon.ask("POST", "/api/v1/incidents/1/assign", json={"text": "bem"})).json
        assert (answer["outcome"], answer["incident"]["lead"]) == ("assigned", "bem")
        assert "did you mean 'ben'?" in answer["warnings"][0]
        answer = (await daemon.ask("POST", "/api/v1/incidents/1/assign", json={"text": "ben"})).json
        assert answer["warnings"] == []
        items = "/api/v1/incidents/1/items"
        answer = (
            await daemon.ask("POST", items, json={"text": "Add an index", "owner": "cleo"})
        ).json
        assert (answer["item"]["owner"], len(answer["warnings"])) == ("cleo", 1)
        answer = (await daemon.ask("POST", f"{items}/1", json={"done": True})).json
        assert answer["warnings"] == []


async def test_commands_print_the_warning(router: Router) -> None:
    """Among the errors; the exit code is the one of success."""
    async with router(**CONFIG) as daemon:
        await daemon.alert(alert())
        code, out, err = await run(daemon, "assign", "1", "cleo")
        assert (code, "assigned to cleo" in out) == (0, True)
        assert err.startswith("warning: 'cleo' is not a contact")
        add = ("action-item", "add", "1", "Add an index", "--owner")
        assert (await run(daemon, *add, "cleo"))[2].startswith("warning: 'cleo' is not")
        assert (await run(daemon, *add, "ana"))[2] == ""
