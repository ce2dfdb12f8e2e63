"""The search over incidents, people, rules and actions."""

from collections.abc import Callable

from tests.daemon import Daemon, alert
from tests.web.pages.test_incident import text

Router = Callable[..., Daemon]
PEOPLE = {"ana": {"name": "Ana Payne"}, "ben": {}}


async def test_incidents_people_and_rules_are_found_by_words(router: Router) -> None:
    """Open incidents come first; everything with a page has its path."""
    async with router(contacts=PEOPLE) as daemon:
        await daemon.alert(alert(), alert(service="web"))
        await daemon.ask("POST", "/api/v1/incidents/1/resolve", json={})
        found = (await daemon.get("/api/v1/search?q=pay")).json["results"]
        assert [(result["kind"], result["path"]) for result in found] == [
            ("incident", "/incidents/2"),
            ("incident", "/incidents/1"),
            ("person", "/oncall"),
            ("rule", "/rules"),
        ]
        assert found[1]["detail"] == "P0 INC-1, resolved"
        assert (await daemon.get("/api/v1/search?q=nothing+here")).json["results"] == []


async def test_the_results_are_a_page_too(router: Router) -> None:
    """For readers without script."""
    async with router(contacts=PEOPLE) as daemon:
        await daemon.alert(alert())
        assert 'href="/incidents/1">Payment failures' in text(await daemon.get("/search?q=pay"))
        assert "Nothing matches." in text(await daemon.get("/search?q=nothing+here"))
