"""The OpenAPI document of /api/v1/, from one table of what there is."""

from typing import Any

from router import __version__
from router.model.incident import OPEN, Severity, Status
from router.model.notification import NotificationState
from router.model.postmortem import Written

Parameter = dict[str, Any]


def _query(name: str, description: str, **schema: Any) -> Parameter:
    return {
        "name": name,
        "in": "query",
        "description": description,
        "schema": schema or {"type": "string"},
    }


def _path(name: str) -> Parameter:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _many(name: str, values: Any) -> Parameter:
    items = {"type": "string", "enum": [str(value) for value in values]}
    return _query(name, "Repeat it for several.", type="array", items=items)


LIMIT = _query(
    "limit", "How many at the most.", type="integer", minimum=0, maximum=1000, default=100
)
INCIDENT = _query("incident", "Of this incident only, by number.", type="integer", minimum=0)
ID, CHANNEL, NAME = _path("id"), _path("channel"), _path("name")
TOKEN = _query("token", "An API token, for programs that can send no header.")
TEXT = {"type": "string", "maxLength": 10_000, "description": "Goes on the timeline."}
SERVICE = _query("service", "Of this service only.")
BEFORE = _query(
    "before", "Only those before this time (UTC seconds), to page.", type="integer", minimum=0
)
DEPLOYMENT = {
    name: {"type": "string"}
    for name in (
        "service",
        "id",
        "at",
        "outcome",
        "version",
        "commit",
        "previous",
        "repository",
        "environment",
        "branch",
        "author",
        "url",
        "compare",
    )
}
NUMBER = _path("number")
ZONE = _query("zone", "Whose clock times are by, such as `Europe/London`; else the company's.")
COMMAND = {"text": TEXT}
ACTION = {
    "action": {"type": "string", "description": "Its name in the config."},
    "parameters": {"type": "object", "additionalProperties": {"type": ["string", "integer"]}},
    "undo": {
        "type": "integer",
        "description": "The number of the request to take back, instead of an action.",
    },
}
SEVERITY = {"severity": {"type": "string", "enum": [str(severity) for severity in Severity]}}
DAYS = _query("days", "How many of them.", type="integer", minimum=1, maximum=366, default=14)
MOMENT = {
    "type": "string",
    "description": "`2026-12-24 09:00` by the schedule's clock, or with an offset: `2026-12-24T09:00Z`.",
}
OVERRIDE = {
    "contact": {"type": "string", "description": 'Who is on call instead; "" for nobody.'},
    "from": MOMENT | {"description": f"Without it, now. {MOMENT['description']}"},
    "to": MOMENT,
    "replaces": {"type": "string", "description": "Only instead of this contact."},
}
SWAP = {
    "between": {"type": "array", "items": {"type": "string"}, "minItems": 2, "maxItems": 2},
    "after": MOMENT
    | {"description": f"From when on their turns are looked for. {MOMENT['description']}"},
}
REPORT = {
    "title": {
        "type": "string",
        "description": "What is wrong. It's the label `alertname` for the rules.",
    },
    "description": {"type": "string"},
    "labels": {"type": "object", "additionalProperties": {"type": "string"}},
} | SEVERITY
STATUS = {"status": {"type": "string", "enum": [str(status) for status in OPEN]}}
TITLE = {
    "title": {
        "type": "string",
        "description": "What the public knows the incident as, or the mail's subject.",
    }
}
DRILL = {
    "scenario": {"type": "string", "description": "A scenario of the config, by its name."},
    "plan": {
        "type": "object",
        "description": "Or a whole one, as `alert-router drill start FILE` sends it.",
    },
}
CANARY = {
    "to": {
        "type": "array",
        "items": {"type": "string"},
        "description": "Channels, and people as contact:NAME; without any, all channels.",
    }
}
TICK = {
    "step": {"type": "integer", "minimum": 1},
    "item": {"type": "integer", "minimum": 1, "description": "Of the step; the first by default."},
}
SOURCE = _query(
    "source",
    "Whose webhook the body is, by its name under `sources`.",
    type="string",
    default="alertmanager",
)

EXACT = {"type": "string", "format": "date-time"}
MAINTENANCE = {
    "title": {"type": "string"},
    "text": {"type": "string"},
    "components": {"type": "array", "items": {"type": "string"}},
    "starts_at": EXACT,
    "ends_at": EXACT,
}
AT = _query("at", "At this time instead of now, such as `2026-11-28T23:00Z`.")
SILENCE = {
    "match": {
        "type": "array",
        "items": {"type": "string"},
        "description": "Matchers, of which all must hold.",
    },
    "comment": {"type": "string", "description": "Why."},
    "for": {"type": "string", "description": "How long, such as `2h`; or else `to`."},
    "to": {
        "type": "string",
        "description": "Until when, by the company's clock or with an offset.",
    },
    "from": {"type": "string", "description": "From when on; now, if it isn't given."},
}

CHART = _query("chart", "`true`: with its chart as SVG.", type="string", enum=["true", "false"])
SINCE = _query("since", "How far back.", type="string", default="30d")
IF_MATCH = {
    "name": "If-Match",
    "in": "header",
    "required": True,
    "description": "The ETag of what you saw.",
    "schema": {"type": "string"},
}
WRITTEN = {name: {"type": "string"} for name in Written.__struct_fields__}
ITEM = {
    "text": {"type": "string", "description": "What is to be done."},
    "owner": {"type": "string", "description": "Without it, whoever adds it."},
    "due": {"type": "string", "description": "A day, `2026-12-01`, or a time with its offset."},
    "done": {"type": "boolean"},
}

TABLE: list[tuple[str, str, str, list[Parameter], dict[str, Any] | None]] = [
    (
        "get", "/incidents", "Incidents, newest first.",
        [
            _many("status", Status),
            _many("severity", Severity),
            _query("open", "`true`: those that are open.", type="string", enum=["true", "false"]),
            _query("before", "Only those with a lower number, to page.", type="integer", minimum=0),
            LIMIT,
        ],
        None,
    ),
    ("post", "/incidents", "Open one by hand, or join the open one of that title.", [], REPORT),
    ("get", "/incidents/{id}", "An incident with its timeline and messages.", [ID], None),
    ("get", "/incidents/{id}/context", "Where to look, at what, and what was like it before.", [ID], None),
    ("post", "/incidents/{id}/ack", "Acknowledge: somebody is on it.", [ID], COMMAND),
    ("post", "/incidents/{id}/escalate", "Take the policy's next step now.", [ID], COMMAND),
    ("post", "/incidents/{id}/resolve", "Resolve, whatever its alerts say.", [ID], COMMAND),
    ("post", "/incidents/{id}/false-positive", "Close as a false positive.", [ID], COMMAND),
    ("post", "/incidents/{id}/note", "Add a note to the timeline.", [ID], COMMAND),
    ("post", "/incidents/{id}/severity", "Set the severity, up or down.", [ID], COMMAND | SEVERITY),
    ("post", "/incidents/{id}/assign", "Make somebody lead: the one in `text`, or whoever asks.", [ID], COMMAND),
    ("post", "/incidents/{id}/status", "Say how far it is.", [ID], COMMAND | STATUS),
    ("post", "/incidents/{id}/publish", "Tell the public.", [ID], COMMAND | TITLE),
    ("post", "/incidents/{id}/announce", "Mail customers that it's resolved, once.", [ID], COMMAND | TITLE),
    ("get", "/incidents/{id}/drafts", "What would be said of it, by every template.", [ID, ZONE], None),
    ("get", "/incidents/{id}/actions", "What may be run against it, and what was asked for.", [ID], None),
    ("post", "/incidents/{id}/actions", "Ask for an action, or to undo one.", [ID], ACTION),
    ("get", "/incidents/{id}/actions/{number}", "A request, with what its runs said.", [ID, NUMBER], None),
    ("post", "/incidents/{id}/actions/{number}/approve", "Approve: it's run now, once.", [ID, NUMBER], COMMAND),
    ("post", "/incidents/{id}/actions/{number}/decline", "Decline: it isn't run.", [ID, NUMBER], COMMAND),
    ("post", "/incidents/{id}/actions/{number}/confirm", "Confirm a guide's next step.", [ID, NUMBER], COMMAND),
    ("get", "/incidents/{id}/postmortem", "Its post-mortem, also as text/markdown.", [ID, CHART], None),
    ("put", "/incidents/{id}/postmortem", "Write it.", [ID, IF_MATCH], WRITTEN),
    ("get", "/incidents/{id}/postmortem.svg", "What happened when, drawn.", [ID], None),
    ("post", "/incidents/{id}/postmortem/share", "Share it with the channels that are for it.", [ID], {}),
    ("get", "/incidents/{id}/items", "Its action items.", [ID], None),
    ("post", "/incidents/{id}/items", "Add an action item.", [ID], ITEM),
    ("post", "/incidents/{id}/items/{number}", "Change what is given of an action item.", [ID, NUMBER], ITEM),
    (
        "get", "/alerts", "Alerts, with what the rules made of them.",
        [
            _query("fingerprint", "This alert only."),
            INCIDENT,
            _query("status", "Only those.", type="string", enum=["firing", "resolved"]),
            _query("after", "Only those with a later fingerprint, to page."),
            LIMIT,
        ],
        None,
    ),
    (
        "get", "/notifications", "Messages owed, sent and given up.",
        [_many("state", NotificationState), INCIDENT, _query("channel", "Of this channel only."), LIMIT],
        None,
    ),
    ("post", "/notifications/{id}/{channel}/resend", "Send a message again.", [ID, CHANNEL], None),
    ("get", "/deployments", "Deployments, newest first.", [SERVICE, BEFORE, LIMIT], None),
    ("post", "/deployments", "Tell of a deployment.", [], DEPLOYMENT),
    ("get", "/schedules", "Who is on call now, and the shifts and gaps of the coming days.", [DAYS], None),
    ("get", "/schedules/{name}/overrides", "What people have arranged that isn't over.", [NAME], None),
    ("post", "/schedules/{name}/overrides", "Somebody else is on call for a time.", [NAME], OVERRIDE),
    ("delete", "/schedules/{name}/overrides/{id}", "Remove an override, or both of a swap.", [NAME, ID], None),
    ("post", "/schedules/{name}/swaps", "Two people swap their next turns.", [NAME], SWAP),
    ("get", "/schedules/{name}.ics", "The calendar of a schedule, to subscribe to.", [NAME, TOKEN], None),
    ("get", "/contacts/{name}.ics", "The calendar of a person over all schedules.", [NAME, TOKEN], None),
    ("get", "/drills", "Drills that were held, scenarios, and when the regular drill is due.", [], None),
    ("post", "/drills", "Start a drill.", [], DRILL),
    ("post", "/drills/canary", "Prove that channels, or the ways to people, work.", [], CANARY),
    ("get", "/drills/scoreboard", "When each channel and way to a person last worked.", [], None),
    ("get", "/drills/{id}", "A drill: its steps, what came of them, its report as Markdown.", [ID], None),
    ("post", "/drills/{id}/tick", "Tick off an item of a step.", [ID], TICK),
    ("post", "/drills/{id}/stop", "End a drill, and resolve its incidents.", [ID], None),
    ("get", "/heartbeats", "Heartbeats, and how each is.", [], None),
    ("get", "/status/maintenance", "Maintenance that the status page announces.", [], None),
    ("post", "/status/maintenance", "Announce maintenance.", [], MAINTENANCE),
    ("post", "/status/maintenance/{id}/end", "End maintenance now, or call it off before it begins.", [ID], None),
    (
        "get", "/silences", "Silences that people have made and that aren't over, and those of the config.",
        [_query("expired", "`true`: those that are over, too.", type="string", enum=["true", "false"])], None,
    ),
    ("post", "/silences", "Keep alerts quiet for a time.", [], SILENCE),
    ("delete", "/silences/{id}", "End a silence now.", [ID], None),
    (
        "get",
        "/explain",
        "Why somebody was, or wasn't, paged: for a stored alert, an incident or a contact.",
        [
            _query("fingerprint", "The alert."),
            _query("incident", "Or the incident: 142 or INC-142."),
            _query("contact", "Or the person; without `at`, the last time that they were paged."),
            AT,
        ],
        None,
    ),
    ("post", "/explain", "What would become of a webhook's alerts.", [SOURCE, AT], {}),
    ("get", "/stats", "How incidents went over a time.", [SINCE], None),
    ("get", "/openapi.json", "This document.", [], None),
]  # fmt: skip


MAKING = (
    "/schedules/{name}/overrides", "/schedules/{name}/swaps", "/silences", "/incidents/{id}/items", "/drills",
    "/drills/canary",
)  # fmt: skip
"""Where a POST makes something."""

KINDS = {".ics": "text/calendar", ".svg": "image/svg+xml"}
"""What an answer is that isn't JSON, by how the path ends."""


def openapi() -> dict[str, Any]:
    """OpenAPI 3.1."""
    paths: dict[str, dict[str, Any]] = {}
    for method, path, summary, parameters, body in TABLE:
        operation: dict[str, Any] = {
            "summary": summary,
            "parameters": parameters,
            "responses": _responses(method, path),
        }
        if body is not None:
            schema = {"type": "object", "properties": body} if body else {"type": "object"}
            operation["requestBody"] = {"content": {"application/json": {"schema": schema}}}
        paths.setdefault(f"/api/v1{path}", {})[method] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "alert-router",
            "version": __version__,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": paths,
        "components": {
            "schemas": {"Problem": _PROBLEM},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}, {}],
    }


def _responses(method: str, path: str) -> dict[str, Any]:
    accepted = path.endswith("/resend") or (method == "post" and "/actions" in path)
    done = "202" if accepted else "201" if method == "post" and path in MAKING else "200"
    other = next((kind for end, kind in KINDS.items() if path.endswith(end)), None)
    content = {other: {}} if other else {"application/json": {"schema": {"type": "object"}}}
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    opened = (
        {"201": {"description": "Opened.", "content": content}}
        if (method, path) == ("post", "/incidents")
        else {}
    )
    return {
        **opened,
        done: {"description": "Done.", "content": content},
        "default": {"description": "A problem (RFC 9457).", "content": problem},
    }


_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"pointer": {"type": "string"}, "detail": {"type": "string"}},
            },
        },
    },
}
