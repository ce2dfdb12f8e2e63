"""The OpenAPI document is complete and correct."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.daemon import Daemon, alert

Router = Callable[..., Daemon]

METHODS = {"get", "post", "put", "delete", "patch"}


async def document(daemon: Daemon) -> dict[str, Any]:
    answer = await daemon.get("/api/v1/openapi.json")
    assert answer.status == 200
    return answer.json  # type: ignore[no-any-return]


async def test_every_route_is_documented_and_every_documented_path_is_one(router: Router) -> None:
    """Neither more nor less."""
    async with router() as daemon:
        registered = {
            (route.method.lower(), route.resource.canonical)
            for route in daemon.app._runner.app.router.routes()
            if route.resource
            and route.resource.canonical.startswith("/api/v1")
            and route.method != "HEAD"
        }
        paths = (await document(daemon))["paths"]
        assert registered == {
            (method, path) for path, operations in paths.items() for method in operations
        }


async def test_the_document_is_in_order(router: Router) -> None:
    """Each operation has a summary and an answer, path parameters are declared, and references lead
    somewhere.
    """
    async with router() as daemon:
        spec = await document(daemon)
    assert spec["openapi"].startswith("3.1")
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            assert method in METHODS
            assert operation["summary"].endswith(".")
            assert {"default"} < operation["responses"].keys()
            names = [(parameter["in"], parameter["name"]) for parameter in operation["parameters"]]
            assert len(names) == len(set(names))
            assert {name for place, name in names if place == "path"} == set(
                re.findall(r"{(\w+)}", path)
            )
    references = set(re.findall(r"'\$ref': '([^']+)'", str(spec)))
    assert references == {f"#/components/schemas/{name}" for name in spec["components"]["schemas"]}


async def test_every_answer_has_a_type_of_its_own(router: Router) -> None:
    """No answer is just an object, each operation has another id, and each field a type."""
    async with router() as daemon:
        spec = await document(daemon)
    described = [
        described_operation
        for path in spec["paths"].values()
        for described_operation in path.values()
    ]
    assert len({described_operation["operationId"] for described_operation in described}) == len(
        described
    )
    for described_operation in described:
        for status, response in described_operation["responses"].items():
            for media, content in response.get("content", {}).items():
                if media.endswith("json") and described_operation["operationId"] != "show_openapi":
                    assert "$ref" in content["schema"], (described_operation["operationId"], status)
    free = {"EntryView.data", "OpenedView.value", "OpenedView.threshold"}
    untyped = {
        f"{name}.{key}"
        for name, schema in spec["components"]["schemas"].items()
        for key, value in schema.get("properties", {}).items()
        if not {"type", "$ref", "anyOf", "enum"} & value.keys() or value == {"type": "object"}
    }
    assert untyped <= free


async def test_the_documented_status_is_the_one_that_is_answered(router: Router) -> None:
    """For a plain call of each operation."""
    turns = {"rotate": "daily", "handover": "09:00", "contacts": ["ana", "ben"]}
    async with router(
        contacts={"ana": {}, "ben": {}}, schedules={"ana": {"layers": [turns]}}, status_page={}
    ) as daemon:
        await daemon.alert(alert())
        (stored,) = (await daemon.get("/api/v1/alerts")).json["alerts"]
        swap = {"between": ["ana", "ben"]}
        override = (await daemon.ask("POST", "/api/v1/schedules/ana/swaps", json=swap)).json[
            "override"
        ]["id"]
        begins, ends = (
            f"{datetime.now(UTC) + timedelta(days=days):%Y-%m-%dT%H:%M:%SZ}" for days in (1, 2)
        )
        work = {"title": "Upgrade", "starts_at": begins, "ends_at": ends}
        announced = (await daemon.ask("POST", "/api/v1/status/maintenance", json=work)).json[
            "maintenance"
        ]["id"]
        quiet = {"match": ["a=b"], "for": "2h", "comment": "why"}
        silence = (await daemon.ask("POST", "/api/v1/silences", json=quiet)).json["silence"]["id"]
        posed = {"kind": "alert", "name": "it fires", "alert": {"labels": {"alertname": "A"}}}
        steps = [posed, {"kind": "reviewed", "name": "review", "items": ["the plan", "the names"]}]
        held, begun = ({"plan": {"name": name, "steps": steps, "time_out": 60}} for name in "ab")
        drill = (await daemon.ask("POST", "/api/v1/drills", json=begun)).json["id"]
        bodies: dict[str, Any] = {
            "drills": held,
            "tick": {"step": 2},
            "silences": quiet,
            "incidents": {"title": "Slow"},
            "note": {"text": "hm"},
            "severity": {"severity": "P2"},
            "status": {"status": "identified"},
            "deployments": {"service": "api"},
            "maintenance": work,
            "items": {"text": "index"},
            "swaps": swap,
            "overrides": {
                "contact": "ana",
                "to": f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-%d %H:%M}",
            },
        }
        for path, operations in sorted(
            (await document(daemon))["paths"].items(), key=lambda path: path[0][::-1]
        ):
            if (
                path.endswith(("/false-positive", "/resolve", "/share", "/announce", "/events"))
                or "{number}" in path
            ):
                continue  # they never end, end the incident, or need missing parts
            for method, operation in operations.items():
                if method == "post" and path.endswith("/actions"):
                    continue  # none is configured
                ids = {
                    "drills": drill,
                    "overrides": override,
                    "maintenance": announced,
                    "silences": silence,
                }
                number = next((ids[part] for part in ids if f"/{part}/" in path), 1)
                url = path.format(id=number, channel="log", name="ana")
                body = bodies.get(
                    path.rpartition("/")[2],
                    {"version": "4", "alerts": []} if "explain" in path else {},
                )
                query = (
                    {"fingerprint": stored["fingerprint"]}
                    if (method, path) == ("get", "/api/v1/explain")
                    else {}
                )
                options = (
                    {"json": body, "headers": {"If-Match": "0"}}
                    if method in {"post", "put"}
                    else {}
                )
                answer = await daemon.ask(method, url, params=query, **options)
                assert str(answer.status) in operation["responses"], (method, path, answer.body)
                assert answer.headers["Content-Type"].split(";")[0] in str(
                    operation["responses"][str(answer.status)]
                )
