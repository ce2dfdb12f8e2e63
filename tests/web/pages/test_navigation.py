"""The navigation: entries that have a route, and the current one."""

from aiohttp import web

from router.web.pages.navigation import NAVIGATION, available, menu


async def _page(_request: web.Request) -> web.Response:
    return web.Response()


def test_an_entry_is_shown_where_its_path_has_a_page() -> None:
    """A group without one is left out, and a form's target is no page."""
    app = web.Application()
    app.add_routes([web.get("/incidents", _page), web.get("/stats", _page)])
    app.add_routes([web.post("/silences", _page)])
    found = [(group, [entry.path for entry in entries]) for group, entries in available(app)]
    assert found == [("Respond", ["/incidents"]), ("Learn", ["/stats"])]


def test_the_current_entry_is_that_of_the_page_and_of_pages_below() -> None:
    """A path that only begins with the same letters is another page."""
    for path, current in (("/incidents", True), ("/incidents/7", True), ("/incidents-x", False)):
        shown = [entry for _, entries in menu([*NAVIGATION.items()], path) for entry in entries]
        assert [one.path for one in shown if one.current] == ["/incidents"] * current
