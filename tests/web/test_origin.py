"""A site that points its own name at the router is refused on every path that needs no secret."""

from collections.abc import Callable

import pytest

from tests.daemon import TOKEN, Daemon, alert, group

Router = Callable[..., Daemon]

SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"  # of "test"
EVIL = {"Host": "evil.example:9095"}


async def test_what_needs_no_secret_is_refused_under_another_name(router: Router) -> None:
    """On the example config: unauthenticated webhooks, heartbeats, metrics, reload, API, pages."""
    open_ones = {"sources": {"alertmanager": {"insecure": True}}}
    heartbeats = {"job": {"every": "1d", "insecure": True}}
    async with router(heartbeats=heartbeats, **open_ones) as daemon:
        for method, path in (
            ("POST", "/webhooks/alertmanager"),
            ("GET", "/heartbeat/job"),
            ("GET", "/metrics"),
            ("POST", "/-/reload"),
            ("GET", "/api/v1/incidents"),
            ("GET", "/incidents"),
            ("GET", "/"),
        ):
            assert (await daemon.ask(method, path, headers=EVIL)).status == 421, path
        assert (
            await daemon.ask("POST", "/webhooks/alertmanager", json=group(alert()))
        ).status == 200
        assert (await daemon.get("/heartbeat/job")).status == 200
        assert (await daemon.get("/metrics")).status == 200


async def test_an_open_source_is_refused_also_with_tokens(router: Router) -> None:
    """Tokens protect the API, and not a source that anybody may send to."""
    tokens = {"ana": {"sha256": SHA256, "role": "admin"}}
    sources = {"alertmanager": {"insecure": True}}
    async with router(auth={"tokens": tokens}, sources=sources) as daemon:
        assert (await daemon.ask("POST", "/webhooks/alertmanager", headers=EVIL)).status == 421
        assert (await daemon.get("/metrics", headers=EVIL)).status == 421
        assert (await daemon.get("/api/v1/incidents", headers=EVIL)).status == 401


async def test_what_is_exposed_on_purpose_answers_to_any_name(router: Router) -> None:
    """Something in front checks who may send; the API is another matter."""
    sources = {"alertmanager": {"insecure": True}}
    async with router(sources=sources, expose_insecure=True) as daemon:
        sent = await daemon.ask("POST", "/webhooks/alertmanager", json=group(alert()), headers=EVIL)
        assert sent.status == 200
        assert (await daemon.get("/api/v1/incidents", headers=EVIL)).status == 421


async def test_a_secret_is_enough_under_any_name(router: Router) -> None:
    """A browser has none to send."""
    heartbeats = {"job": {"every": "1d", "secret": "s3cret-of-job"}}
    async with router(heartbeats=heartbeats) as daemon:
        headers = EVIL | {"Authorization": f"Bearer {TOKEN}"}
        sent = await daemon.ask(
            "POST", "/webhooks/alertmanager", json=group(alert()), headers=headers
        )
        assert sent.status == 200
        assert (await daemon.get("/heartbeat/job/s3cret-of-job", headers=EVIL)).status == 200
        assert (await daemon.get("/-/healthy", headers=EVIL)).status == 200


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("router", 200),
        ("alert-router:9095", 200),
        ("router.monitoring.svc.cluster.local", 200),
        ("metadata.google.internal", 200),
        ("router.localhost", 200),
        ("router.monitoring.svc", 200),
        ("10.0.0.7:9095", 200),
        ("router.local.evil.example", 421),
        ("local", 200),
        ("", 421),
    ],
)
async def test_names_that_no_site_can_have_are_allowed(
    router: Router, host: str, status: int
) -> None:
    """Prometheus scrapes by the name of a service or of a container."""
    async with router() as daemon:
        assert (await daemon.get("/metrics", headers={"Host": host})).status == status
