"""GitHub's webhooks: whose they are, and what was deployed."""

import hmac
import json
from hashlib import blake2b, sha256
from typing import Any
from urllib.parse import urlencode

import pytest

from router.config.secret import Secret
from router.model.deployment import Deployment, DeployOutcome
from router.ports.errors import InvalidInput, Unauthorized
from router.ports.webhooks import Incoming, Received
from router.receivers.github import GitHubConfig, GitHubReceiver

NOW = 1_790_000_000.0
SECRET = "It's a Secret to Everybody"

STATUS: dict[str, Any] = {
    "action": "created",
    "deployment_status": {
        "id": 9,
        "state": "success",
        "environment": "production",
        "description": "",
        "target_url": "",
        "log_url": "https://github.com/acme/api/actions/runs/5",
        "created_at": "2026-08-22T10:00:00Z",
        "updated_at": "2026-08-22T10:00:30Z",
        "creator": {"login": "github-actions[bot]"},
    },
    "deployment": {
        "id": 42,
        "sha": "abc1234def5678",
        "ref": "main",
        "environment": "production",
        "creator": {"login": "ana"},
    },
    "repository": {"full_name": "acme/api"},
}
PUSH: dict[str, Any] = {
    "ref": "refs/heads/main",
    "before": "1" * 40,
    "after": "2" * 40,
    "compare": "https://github.com/acme/api/compare/111...222",
    "pusher": {"name": "ben"},
    "head_commit": {"url": "https://github.com/acme/api/commit/222"},
    "repository": {"full_name": "acme/api"},
}


def receiver(*secrets: str) -> GitHubReceiver:
    return GitHubReceiver("github", GitHubConfig(secrets=tuple(map(Secret, secrets or (SECRET,)))))


def sign(body: bytes, secret: str = SECRET) -> str:
    return f"sha256={hmac.new(secret.encode(), body, sha256).hexdigest()}"


def decode(event: str, body: object, **headers: str) -> Received:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    given = {"x-github-event": event, "x-github-delivery": "d-1", **headers}
    return receiver().decode(Incoming(given, raw), NOW)


def one(event: str, body: object) -> Deployment:
    (deployment,) = decode(event, body).deployed
    return deployment


def test_the_signature_is_githubs() -> None:
    """GitHub's own test vector passes."""
    body = b"Hello, World!"
    given = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    receiver().verify(Incoming({"x-hub-signature-256": given}, body), NOW)
    receiver("other", SECRET).verify(Incoming({"x-hub-signature-256": given}, body), NOW)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-hub-signature-256": ""},
        {"x-hub-signature-256": sign(b"body", "other")},
        {"x-hub-signature-256": sign(b"bodi")},
        {"x-hub-signature-256": sign(b"body").removeprefix("sha256=")},
        {"x-hub-signature": "sha1=" + hmac.new(SECRET.encode(), b"body", "sha1").hexdigest()},
        {"x-hub-signature-256": "sha256=\udcff"},
    ],
)
def test_a_wrong_or_missing_signature_is_refused(headers: dict[str, str]) -> None:
    """The old one, by SHA-1, isn't enough."""
    with pytest.raises(Unauthorized):
        receiver().verify(Incoming(headers, b"body"), NOW)


def test_a_deployment_status_is_a_deployment() -> None:
    """With the time of its state, who deployed, and where to look."""
    assert one("deployment_status", STATUS) == Deployment(
        id="github:acme/api:deployment:42",
        at=1787392830.0,
        source="github",
        outcome=DeployOutcome.SUCCESS,
        commit="abc1234def5678",
        repository="acme/api",
        environment="production",
        author="ana",
        url="https://github.com/acme/api/actions/runs/5",
        deliveries=(blake2b(json.dumps(STATUS).encode(), digest_size=16).hexdigest(),),
    )


def test_a_delivery_is_known_by_its_body() -> None:
    """Anybody can change X-GitHub-Delivery: it isn't signed."""
    again = decode("deployment_status", STATUS, **{"x-github-delivery": "d-2"}).deployed[0]
    assert again.deliveries == one("deployment_status", STATUS).deliveries
    other = STATUS | {"deployment_status": STATUS["deployment_status"] | {"state": "failure"}}
    assert one("deployment_status", other).deliveries != again.deliveries


def test_a_push_is_dated_by_its_body() -> None:
    """A recorded push that is sent again much later is no deployment of that time."""
    repository = PUSH["repository"] | {"pushed_at": int(NOW) - 86_400}
    assert one("push", PUSH | {"repository": repository}).at == int(NOW) - 86_400
    repository = PUSH["repository"] | {"pushed_at": int(NOW) + 86_400}
    assert one("push", PUSH | {"repository": repository}).at == NOW


@pytest.mark.parametrize(
    ("state", "outcome"),
    [
        ("success", DeployOutcome.SUCCESS),
        ("failure", DeployOutcome.FAILURE),
        ("error", DeployOutcome.FAILURE),
        ("in_progress", DeployOutcome.PENDING),
        ("queued", DeployOutcome.PENDING),
        ("inactive", None),
        ("newly invented", None),
    ],
)
def test_each_state_comes_to_an_outcome(state: str, outcome: DeployOutcome | None) -> None:
    """All states of the schema; an inactive deployment was replaced by another."""
    body = STATUS | {"deployment_status": STATUS["deployment_status"] | {"state": state}}
    found = decode("deployment_status", body)
    assert [deployment.outcome for deployment in found.deployed] == ([outcome] if outcome else [])


def test_a_push_says_what_a_branch_is_at() -> None:
    """And what it was at before."""
    pushed = one("push", PUSH)
    assert (pushed.branch, pushed.commit, pushed.previous) == ("main", "2" * 40, "1" * 40)
    assert (pushed.at, pushed.author, pushed.compare) == (NOW, "ben", PUSH["compare"])
    assert one("push", PUSH | {"before": "0" * 40}).previous == ""


@pytest.mark.parametrize(
    ("event", "body", "why"),
    [
        ("ping", {"zen": "Keep it simple"}, "ping"),
        ("ping", b"not JSON", "ping"),
        ("issues", {}, "Not an event about a deployment"),
        ("push", PUSH | {"ref": "refs/tags/v1"}, "Nothing was deployed"),
        ("push", PUSH | {"after": "0" * 40, "head_commit": None}, "Nothing was deployed"),
    ],
)
def test_what_is_no_deployment_is_ignored(event: str, body: object, why: str) -> None:
    """And never refused."""
    found = decode(event, body)
    assert (found.deployed, why in found.ignored) == ((), True)


def test_a_form_has_its_payload_in_a_field() -> None:
    """The other content type that GitHub's form offers."""
    body = urlencode({"payload": json.dumps(STATUS)}).encode()
    found = decode(
        "deployment_status", body, **{"content-type": "application/x-www-form-urlencoded"}
    )
    assert found.deployed[0].commit == "abc1234def5678"


@pytest.mark.parametrize(
    "body", [b"", b"[", b"{}", STATUS | {"repository": {}}, STATUS | {"deployment": {"id": "x"}}]
)
def test_what_can_not_be_read_is_said(body: object) -> None:
    """An empty state is nothing; the rest names the field."""
    if body == b"{}":
        assert decode("deployment_status", body).ignored
        return
    with pytest.raises(InvalidInput):
        decode("deployment_status", body)


def test_a_time_to_come_is_now() -> None:
    """GitHub's clock isn't ours; and what isn't a time is now, too."""
    for written in ("2099-01-01T00:00:00Z", "yesterday", None, 7e20):
        body = STATUS | {"deployment_status": STATUS["deployment_status"] | {"updated_at": written}}
        assert one("deployment_status", body).at == NOW
