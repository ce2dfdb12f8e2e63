"""Open an incident by hand: the form, its errors, and the first steps of a new router."""

from collections.abc import Callable

import pytest

from router.ports.errors import InvalidInput
from router.web.pages.declare import label
from tests.daemon import Daemon
from tests.web.api.test_incidents import AUTH
from tests.web.pages.test_incident import basic, send, text

Router = Callable[..., Daemon]


async def test_an_incident_is_opened_with_its_severity_and_labels(router: Router) -> None:
    """The form leads to it; the same title again leads to the same incident."""
    async with router() as daemon:
        given = {"title": "Checkout is slow", "severity": "P1", "labels": "team=shop\nregion=eu"}
        for _ in range(2):
            answer = await send(daemon, "/incidents/new", **given, service="web")
            assert answer.headers["Location"] == "/incidents/1"
        found = (await daemon.get("/api/v1/incidents/1")).json
        assert (found["title"], found["severity"]) == ("Checkout is slow", "P1")
        assert {"team": "shop", "region": "eu", "service": "web"}.items() <= found["labels"].items()


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"title": " "}, "give the incident a title"),
        ({"title": "x", "labels": "team"}, "expected name=value, not &#39;team&#39;"),
    ],
)
async def test_a_refused_form_is_shown_again(
    router: Router, given: dict[str, str], error: str
) -> None:
    """With the error beside its field, and everything that was typed."""
    async with router() as daemon:
        answer = await send(daemon, "/incidents/new", **given, service="web")
        page = answer.body.decode()
        assert (answer.status, error in page, 'value="web"' in page) == (422, True, True)
        assert 'aria-invalid="true"' in page


@pytest.mark.parametrize("line", ["team", "=shop", " = "])
def test_a_label_has_a_name_and_a_value(line: str) -> None:
    """Quotes are left out: people copy them from Prometheus."""
    assert label('team = "shop"') == ("team", "shop")
    with pytest.raises(InvalidInput):
        label(line)


async def test_a_new_router_shows_the_first_steps(router: Router) -> None:
    """They are gone once there is an incident; a viewer can take none of them."""
    async with router() as daemon:
        assert "Your first page in three steps" in text(await daemon.get("/incidents"))
        await send(daemon, "/incidents/new", title="x")
        await send(daemon, "/incidents/1/resolve", confirm="yes")
        assert "three steps" not in text(await daemon.get("/incidents"))
    async with router(auth=AUTH) as daemon:
        page = text(await daemon.get("/incidents/new", headers=basic("viewer")))
        assert "needs the role responder" in page
        assert (await send(daemon, "/incidents/new", basic("viewer"), title="x")).status == 403
