"""Webhooks as the services make them: bodies and the headers that they sign them with."""

import hmac
import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

from twilio.request_validator import RequestValidator

from router.config.secret import Secret
from router.core.messages.signed_links import Grant, Signer
from router.model.event import Command

SM1, SM2, SM3 = (f"SM{digit * 32}" for digit in "123")
"""Ids of messages at Twilio."""

CA1 = f"CA{'1' * 32}"
"""The id of a call."""

FORM = {"content-type": "application/x-www-form-urlencoded"}


def twilio(url: str, form: Mapping[str, str], token: Secret) -> dict[str, str]:
    """The headers of a form posted to `url`."""
    signature = RequestValidator(token.reveal()).compute_signature(url, dict(form))
    return {**FORM, "x-twilio-signature": signature}


def sentry(body: bytes, secret: Secret, at: float, resource: str) -> dict[str, str]:
    """The headers of a body sent at that time."""
    return {
        "content-type": "application/json",
        "sentry-hook-resource": resource,
        "sentry-hook-timestamp": str(int(at)),
        "sentry-hook-signature": hmac.new(secret.reveal().encode(), body, sha256).hexdigest(),
    }


def github(body: bytes, secret: Secret, event: str, delivery: str = "d-1") -> dict[str, str]:
    """The headers of a body."""
    digest = hmac.new(secret.reveal().encode(), body, sha256).hexdigest()
    return {
        "content-type": "application/json",
        "x-github-event": event,
        "x-github-delivery": delivery,
        "x-hub-signature-256": f"sha256={digest}",
    }


def pagerduty(body: bytes, *secrets: Secret, webhook: str = "W1") -> dict[str, str]:
    """The headers of a body, signed by each of the secrets as while they're rotated."""
    items = [
        f"v1={hmac.new(secret.reveal().encode(), body, sha256).hexdigest()}" for secret in secrets
    ]
    return {
        "content-type": "application/json",
        "x-pagerduty-signature": ", ".join(items),
        "x-webhook-id": webhook,
    }


def slack(body: bytes, secret: Secret, at: float) -> dict[str, str]:
    """The headers of a body sent at that time."""
    digest = hmac.new(secret.reveal().encode(), b"v0:%d:%s" % (at, body), sha256).hexdigest()
    return {**FORM, "x-slack-request-timestamp": str(int(at)), "x-slack-signature": f"v0={digest}"}


def press(
    action: str,
    value: str = "1",
    *,
    user: str = "U1",
    name: str = "ana",
    action_ts: str = "1548426417.840180",
    trigger: str = "12321423423.333649436676.d8c1",
) -> bytes:
    """The body of a click on a button."""
    payload: dict[str, Any] = {
        "type": "block_actions",
        "user": {"id": user, "username": name, "name": name, "team_id": "T1"},
        "container": {"type": "message", "message_ts": "1548261231.000200", "channel_id": "C1"},
        "message": {"type": "message", "ts": "1548261231.000200", "blocks": []},
        "trigger_id": trigger,
        "actions": [
            {"type": "button", "action_id": action, "value": value, "action_ts": action_ts}
        ],
    }
    return urlencode({"payload": json.dumps(payload)}).encode()


def fill_in(
    text: str, about: str = "1", *, view: str = "V1", user: str = "U1", name: str = "ana"
) -> bytes:
    """The body of a form that was sent off."""
    payload = {
        "type": "view_submission",
        "user": {"id": user, "username": name, "name": name, "team_id": "T1"},
        "view": {
            "id": view,
            "type": "modal",
            "callback_id": "note",
            "private_metadata": about,
            "state": {"values": {"note": {"text": {"type": "plain_text_input", "value": text}}}},
        },
    }
    return urlencode({"payload": json.dumps(payload)}).encode()


def said_in_thread(words: str, channel: str, thread: str, **changes: Any) -> bytes:
    """The body of an event: somebody wrote in a thread. `changes` are of the message."""
    message = {
        "type": "message",
        "channel": channel,
        "user": "U1",
        "text": words,
        "ts": "1548261999.000300",
        "thread_ts": thread,
        "parent_user_id": "UBOT",
        "event_ts": "1548261999.000300",
        "channel_type": "channel",
    }
    return json.dumps(
        {
            "type": "event_callback",
            "team_id": "T1",
            "event_id": "Ev1",
            "event": message | changes,
            "authorizations": [{"team_id": "T1", "user_id": "UBOT", "is_bot": True}],
        }
    ).encode()


KEY = "alert-router:INC-1:0"


def pagerduty_note(
    content: str = "rolling back", *, note: str = "PNOTE1", trimmed: bool = False
) -> bytes:
    """Body of a v3 webhook about a note: it has PagerDuty's id of the incident, and not its key."""
    incident = {
        "id": "PGR0VU2",
        "type": "incident_reference",
        "summary": "[P0] Payments",
        "html_url": None,
    }
    data = {
        "id": note,
        "type": "incident_note",
        "content": content,
        "trimmed": trimmed,
        "incident": incident,
    }
    return pagerduty_event("incident.annotated", data=data)


def pagerduty_incident(key: str | None = KEY, **fields: Any) -> dict[str, Any]:
    """The `data` of an event about an incident, with all that PagerDuty says of one."""
    service, policy = (
        {
            "id": f"P{name}",
            "type": f"{name}_reference",
            "summary": name,
            "self": None,
            "html_url": None,
        }
        for name in ("service", "escalation_policy")
    )
    return {
        "id": "PGR0VU2",
        "type": "incident",
        "self": "https://api.pagerduty.com/incidents/PGR0VU2",
        "html_url": "https://acme.pagerduty.com/incidents/PGR0VU2",
        "number": 2,
        "status": "acknowledged",
        "incident_key": key,
        "created_at": "2020-10-02T18:40:27Z",
        "reopened_at": None,
        "title": "[P0] Payments",
        "service": service,
        "assignees": [{"id": "PTUXL6G", "type": "user_reference", "summary": "Ben Okri"}],
        "escalation_policy": policy,
        "teams": [],
        "priority": None,
        "urgency": "high",
        "conference_bridge": None,
        "resolve_reason": None,
    } | fields


def merged_into(summary: str = "[#7] Checkout is down") -> dict[str, Any]:
    """The `data` of an incident that was merged into another."""
    into = {
        "id": "PINTO",
        "type": "incident_reference",
        "summary": summary,
        "html_url": "https://acme.pagerduty.com/incidents/PINTO",
    }
    return pagerduty_incident(
        status="resolved", resolve_reason={"type": "merge_resolve_reason", "incident": into}
    )


def prioritised(name: str | None) -> dict[str, Any]:
    """The `data` of an incident whose priority was set, or taken away."""
    return pagerduty_incident(
        priority=name
        and {"id": "PSO75BM", "type": "priority_reference", "summary": name, "self": None}
    )


def pagerduty_event(
    kind: str = "incident.acknowledged", key: str | None = KEY, **changes: Any
) -> bytes:
    """The body of a v3 webhook; `changes` are of the event."""
    event: dict[str, Any] = {
        "id": "5ac64822-4adc-4fda-ade0-410becf0de4f",
        "event_type": kind,
        "resource_type": "incident",
        "occurred_at": "2020-10-02T18:45:22.169Z",
        "agent": {"id": "PLH1HKV", "type": "user_reference", "summary": "Ben Okri"},
        "client": None,
        "data": pagerduty_incident(key),
    }
    return json.dumps({"event": event | changes}).encode()


def telegram_press(data: str, person: dict[str, Any], query: str = "99") -> dict[str, Any]:
    """An update: a person pressed a button with this data, under a message that has it."""
    keyboard = {"inline_keyboard": [[{"text": "x", "callback_data": data}]]}
    message = {"message_id": 1, "chat": {"id": -100}, "date": 1, "reply_markup": keyboard}
    press = {"id": query, "from": person, "message": message, "data": data}
    return {"update_id": 1, "callback_query": press}


def mattermost_token(
    secret: Secret, at: float, command: Command = Command.ACKNOWLEDGE, reopened: int = 0
) -> str:
    """The token in the context of a button of INC-1."""
    grant = Grant(1, reopened, command, "chat", "", int(at) + 60)
    return Signer(secret.reveal().encode()).token(grant)
