"""GitHub's webhooks: deployments, by `deployment_status` events or by pushes.

https://docs.github.com/webhooks/webhook-events-and-payloads. GitHub never repeats a delivery
automatically. Only the body is signed, so the body identifies a repeated delivery, and times are
read from the body.
"""

import hmac
from hashlib import blake2b, sha256
from typing import Any
from urllib.parse import parse_qs

import msgspec
from msgspec import Struct

from router.config.secret import Secret
from router.model.deployment import Deployment, DeployOutcome
from router.ports.errors import InvalidInput, Unauthorized
from router.ports.webhooks import Incoming, Received
from router.receivers.source import MIB, Source, clean, decode, member, same, text
from router.receivers.times import first_epoch

OUTCOMES = {
    "success": DeployOutcome.SUCCESS,
    "failure": DeployOutcome.FAILURE,
    "error": DeployOutcome.FAILURE,
    "pending": DeployOutcome.PENDING,
    "queued": DeployOutcome.PENDING,
    "waiting": DeployOutcome.PENDING,
    "in_progress": DeployOutcome.PENDING,
}
"""The outcome for each state of a deployment.

Other states are ignored, such as `inactive` for a deployment that was replaced.
"""

FORM = "application/x-www-form-urlencoded"
_BODY = msgspec.json.Decoder()


class GitHubConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """secrets: the webhook's secret; several during a rotation, or for several repositories."""

    secrets: tuple[Secret, ...]

    def __post_init__(self) -> None:
        if not self.secrets:
            raise ValueError("secrets is empty: give the secret of the webhook")


class GitHubReceiver(Source):
    """Reports deployments. The config's `deployments` assigns them to services."""

    kind = "github"
    max_body = 8 * MIB  # a push lists up to 2,048 commits

    def __init__(self, name: str, config: GitHubConfig) -> None:
        super().__init__(name)
        self._secrets = config.secrets

    def verify(self, incoming: Incoming, now: float) -> None:
        """Raises: Unauthorized, unless the signature is by one of the secrets."""
        given = incoming.headers.get("x-hub-signature-256", "")
        if not given:
            raise Unauthorized("X-Hub-Signature-256 is missing")
        matches = [same(given, _signature(secret, incoming.body)) for secret in self._secrets]
        if not any(matches):
            raise Unauthorized("X-Hub-Signature-256 is wrong")

    def decode(self, incoming: Incoming, now: float) -> Received:
        """A deployment, or why there is none. Raises: InvalidInput."""
        event = incoming.headers.get("x-github-event", "")
        if event == "ping":
            return Received(ignored="A ping")
        body = decode(_BODY, clean(_json(incoming)))
        match event:
            case "deployment_status":
                found = _deployment_status(body, now)
            case "push":
                found = _push(body, now)
            case _:
                return Received(ignored="Not an event about a deployment")
        if found is None:
            return Received(ignored="Nothing was deployed")
        delivery = blake2b(incoming.body, digest_size=16).hexdigest()
        return Received(deployed=[msgspec.structs.replace(found, deliveries=(delivery,))])


def _signature(secret: Secret, body: bytes) -> str:
    return f"sha256={hmac.new(secret.reveal().encode(), body, sha256).hexdigest()}"


def _json(incoming: Incoming) -> bytes:
    """The JSON of the request: the body, or the form's field `payload`."""
    if not incoming.headers.get("content-type", "").startswith(FORM):
        return incoming.body
    payload = parse_qs(incoming.body.decode("utf-8", "replace")).get("payload", [])
    if not payload:
        raise InvalidInput("the form has no field 'payload'", "/payload")
    return payload[0].encode()


def _deployment_status(body: Any, now: float) -> Deployment | None:
    status, deployment = member(body, "deployment_status"), member(body, "deployment")
    outcome = OUTCOMES.get(text(member(status, "state")))
    number = member(deployment, "id")
    if outcome is None:
        return None
    if not isinstance(number, int):
        raise InvalidInput("expected the deployment's number", "/deployment/id")
    repository = _repository(body)
    return Deployment(
        id=f"github:{repository}:deployment:{number}",
        at=_time(member(status, "updated_at"), now),
        source="github",
        outcome=outcome,
        commit=text(member(deployment, "sha")),
        repository=repository,
        environment=text(member(status, "environment")) or text(member(deployment, "environment")),
        author=text(member(member(deployment, "creator"), "login")),
        url=text(member(status, "log_url")) or text(member(status, "target_url")),
    )


def _push(body: Any, now: float) -> Deployment | None:
    """A new commit on a branch. Its time is the repository's `pushed_at`, which is signed."""
    kind, _, branch = text(member(body, "ref")).partition("refs/heads/")
    commit = text(member(body, "after"))
    if kind or not branch or not commit.strip("0"):
        return None  # a tag, or a deleted branch
    repository, before = _repository(body), text(member(body, "before"))
    return Deployment(
        id=f"github:{repository}:push:{branch}:{commit}",
        at=_time(member(member(body, "repository"), "pushed_at"), now),
        source="github",
        commit=commit,
        previous=before if before.strip("0") else "",
        repository=repository,
        branch=branch,
        author=text(member(member(body, "pusher"), "name")),
        url=text(member(member(body, "head_commit"), "url")),
        compare=text(member(body, "compare")),
    )


def _repository(body: Any) -> str:
    name = text(member(member(body, "repository"), "full_name"))
    if not name:
        raise InvalidInput("the repository's name is missing", "/repository/full_name")
    return name


def _time(value: object, now: float) -> float:
    """A time from GitHub; `now` if it's unreadable or in the future."""
    return min(first_epoch(value) or now, now)
