"""Suspect deployment: the last successful one of the incident's service shortly before it began."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from router.core.deployments.suspect import (
    DeployedService,
    Deploys,
    is_suspect,
    merged,
    placed,
    services_of,
    suspect,
    suspicion,
)
from router.core.incident.fired import onset_of
from router.core.rules.matcher import parse_matchers
from router.model.deployment import Deployment, DeployOutcome
from router.model.event import Deployed
from router.model.incident import Incident, Severity, Status
from router.model.reason import Reason
from tests.world import NOW, World, alert, rule, settings

API = DeployedService(
    "api", "Acme/Api", ("production",), ("main",), (parse_matchers('alertname="ApiDown"'),)
)
DEPLOYS = Deploys(3600.0, "service", (API,))


def deployment(minutes: float = 7, **changed: Any) -> Deployment:
    """One of the api, so many minutes before NOW."""
    values: dict[str, Any] = {
        "id": f"d{minutes}",
        "source": "github",
        "services": ("api",),
        "commit": "abc1234def",
        "author": "ana",
    }
    return Deployment(at=NOW - 60 * minutes, **(values | changed))


def incident(**changed: Any) -> Incident:
    values: dict[str, Any] = {"labels": {"service": "api"}, "onset": NOW}
    return Incident(
        1,
        "k",
        "r",
        "s",
        "t",
        Severity.P0,
        Status.INVESTIGATING,
        NOW + 60,
        NOW + 60,
        **(values | changed),
    )


@pytest.mark.parametrize(
    ("one", "suspected"),
    [
        (deployment(0), True),
        (deployment(60), True),
        (deployment(61), False),
        (deployment(-0.5), False),
        (deployment(outcome=DeployOutcome.FAILURE), False),
        (deployment(outcome=DeployOutcome.PENDING), False),
        (deployment(services=("web",)), False),
        (deployment(services=("web", "api")), True),
    ],
)
def test_a_suspect_succeeded_for_the_service_shortly_before(
    one: Deployment, suspected: bool
) -> None:
    """Before the incident began, which is earlier than it opened; and not longer before than the
    window.
    """
    assert is_suspect(one, incident(), DEPLOYS) is suspected
    assert suspect(incident(), DEPLOYS.knowing((one,))) == (one if suspected else None)


def test_the_last_of_several_is_suspected() -> None:
    """In any order."""
    all_of = (
        deployment(9),
        deployment(3),
        deployment(20),
        deployment(1, outcome=DeployOutcome.FAILURE),
    )
    assert suspect(incident(), DEPLOYS.knowing(all_of)) == all_of[1]


def test_an_incident_is_of_a_service_by_its_label_or_by_matchers() -> None:
    """Either, or both."""
    assert services_of(incident(), DEPLOYS) == {"api"}
    assert services_of(incident(labels={"alertname": "ApiDown"}), DEPLOYS) == {"api"}
    assert services_of(incident(labels={"service": "web", "alertname": "ApiDown"}), DEPLOYS) == {
        "api",
        "web",
    }
    assert services_of(incident(labels={}), DEPLOYS) == set()


@pytest.mark.parametrize(
    ("changed", "services"),
    [
        ({"environment": "production"}, ("api",)),
        ({"environment": "staging"}, ()),
        ({"branch": "main"}, ("api",)),
        ({"branch": "next"}, ()),
        ({"environment": "production", "repository": "acme/web"}, ()),
        ({"services": ("given",)}, ("given",)),
    ],
)
def test_a_deployment_is_of_the_services_that_the_config_says(changed: Any, services: Any) -> None:
    """The services follow from the repository in any case, with the environment, or with the branch
    of a push.
    """
    reported = deployment(**{"services": (), "repository": "acme/api"} | changed)
    assert placed(reported, DEPLOYS).services == services


def test_a_deployment_is_told_of_in_steps_and_never_goes_back() -> None:
    """Pending, then done; a delivery that comes again says nothing, and neither does an older
    state.
    """
    pending = deployment(9, id="d", outcome=DeployOutcome.PENDING, deliveries=("one",))
    done = deployment(7, id="d", deliveries=("two",))
    first = merged(None, pending, ())
    assert first == pending
    known = merged(first, done, ())
    assert known is not None
    assert (known.outcome, known.deliveries) == (DeployOutcome.SUCCESS, ("one", "two"))
    assert merged(known, pending, ()) is None
    assert merged(known, done, ()) is None
    assert merged(known, replace(done, deliveries=("three",)), ()) is None, (
        "the same by another delivery"
    )


def test_what_ran_before_is_found_and_compared() -> None:
    """The last of the same kind; what is of another environment, or failed, never ran."""
    common: dict[str, Any] = {"repository": "acme/api", "environment": "production"}
    reported = deployment(7, commit="new", **common)
    earlier = (
        deployment(30, commit="old", **common),
        deployment(90, commit="older", **common),
        deployment(20, commit="elsewhere", repository="acme/api", environment="staging"),
        deployment(10, commit="broken", outcome=DeployOutcome.FAILURE, **common),
    )
    known = merged(None, reported, earlier)
    assert known is not None
    assert (known.previous, known.compare) == (
        "old",
        "https://github.com/acme/api/compare/old...new",
    )
    alone = merged(None, reported, ())
    assert alone is not None
    assert alone.compare == "https://github.com/acme/api/commit/new"


def test_it_is_said_in_words() -> None:
    """With who, and how long before."""
    assert suspicion(deployment(7.9), incident()) == "deploy abc1234 by ana, 7 min before onset"
    assert (
        suspicion(deployment(0, version="v1.2", author=""), incident())
        == "deploy v1.2, 0 min before onset"
    )


def test_an_incident_began_when_its_first_alert_did() -> None:
    """If that's believable."""
    assert onset_of(NOW, NOW - 600) == NOW - 600
    assert onset_of(NOW, NOW + 5) == NOW
    assert onset_of(NOW, NOW - 30 * 86_400) == NOW


@given(
    st.lists(
        st.tuples(
            st.floats(-100, 100), st.sampled_from(DeployOutcome), st.sampled_from(["api", "web"])
        )
    )
)
def test_no_later_deployment_was_passed_over(
    given_: list[tuple[float, DeployOutcome, str]],
) -> None:
    """For any deployments."""
    known = tuple(
        deployment(minutes, id=str(number), outcome=outcome, services=(service,))
        for number, (minutes, outcome, service) in enumerate(given_)
    )
    found = suspect(incident(), DEPLOYS.knowing(known))
    may = [one for one in known if is_suspect(one, incident(), DEPLOYS)]
    assert (found is None) == (not may)
    assert all(one.at <= found.at for one in may if found)


# --- in an incident


def world(*known: Deployment) -> World:
    return World(settings(rule(severity="P0"), deployments=DEPLOYS.knowing(known)))


def tell(room: World, reported: Deployment) -> Reason:
    return room.happen(Deployed(room.now, 1, reported))[0]


def test_an_incident_opens_with_its_suspect() -> None:
    """In one decision, so that already the first message has it."""
    room = world(deployment(7))
    room.see(alert())
    assert room.incident.suspect == deployment(7)
    assert room.story()[:2] == [Reason.OPENED, Reason.SUSPECTED]
    entry = next(entry for entry in room.timeline if entry.what is Reason.SUSPECTED)
    assert (entry.by, entry.data["suspect"]) == (
        "source:github",
        "deploy abc1234 by ana, 7 min before onset",
    )


def test_word_that_comes_late_still_names_the_suspect() -> None:
    """It's added once. A later deployment replaces it, an earlier one doesn't; edited messages are
    sent.
    """
    room = world()
    room.see(alert())
    room.deliver()
    room.queued.clear()
    room.now += 300
    assert tell(room, deployment(9)) is Reason.SUSPECTED
    assert [queued.channel for queued in room.queued] == ["slack"]
    assert tell(room, deployment(9)) is Reason.ALREADY_DONE
    assert tell(room, deployment(20)) is Reason.ALREADY_DONE
    assert tell(room, deployment(3)) is Reason.SUSPECTED
    assert tell(room, deployment(1, services=("web",))) is Reason.NOT_SUSPECTED
    assert room.incident.suspect == deployment(3)
    assert room.story().count(Reason.SUSPECTED) == 2
