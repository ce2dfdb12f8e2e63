"""Use a client that openapi-python-client generated: run by test_generated_client.py."""

import json
import sys

from generated import Client
from generated.api.alerts import list_alerts
from generated.api.deployments import list_deployments, record_deployment
from generated.api.explain import explain_stored
from generated.api.incidents import (
    acknowledge,
    add_note,
    list_incidents,
    open_incident,
    set_severity,
    show_incident,
    show_postmortem,
)
from generated.api.notifications import list_notifications
from generated.api.schedules import list_overrides, list_schedules, set_override
from generated.api.silences import list_silences, make_silence
from generated.api.stats import show_statistics
from generated.models import (
    CommandBody,
    DeploymentBody,
    NoteBody,
    OverrideBody,
    Problem,
    ReportBody,
    Severity,
    SeverityBody,
    SilenceBody,
)

url, override_end = sys.argv[1:]
found = {}
with Client(base_url=url, raise_on_unexpected_status=True) as client:
    report = ReportBody(title="Checkout is slow", severity=Severity.P2)
    opened = open_incident.sync(client=client, body=report)
    found["opened"] = opened.incident.title
    found["severity"] = set_severity.sync(
        "INC-1", client=client, body=SeverityBody(severity=Severity.P1)
    ).incident.severity
    found["acknowledged"] = str(
        acknowledge.sync("1", client=client, body=CommandBody()).incident.acknowledged_at.tzinfo
    )
    add_note.sync("1", client=client, body=NoteBody(text="rolled back"))
    found["timeline"] = [entry.what for entry in show_incident.sync("1", client=client).timeline]
    page = list_incidents.sync(client=client, open_=True, severity=[Severity.P1], limit=1)
    found["page"] = [page.total, page.next_, page.incidents[0].name]
    found["missing"] = isinstance(show_incident.sync("99", client=client), Problem)
    found["alerts"] = len(list_alerts.sync(client=client).alerts)
    found["messages"] = [
        notification.channel
        for notification in list_notifications.sync(client=client).notifications
    ]
    record_deployment.sync(client=client, body=DeploymentBody(service="api", version="v2"))
    found["deployments"] = [
        deployment.name for deployment in list_deployments.sync(client=client).deployments
    ]
    silence = SilenceBody(match=['alertname="Noise"'], comment="known", for_="2h")
    made = make_silence.sync(client=client, body=silence)
    found["silences"] = [silence.id for silence in list_silences.sync(client=client).silences] == [
        made.silence.id
    ]
    set_override.sync("primary", client=client, body=OverrideBody(contact="ben", to=override_end))
    found["overrides"] = [
        override.changes[0].contact
        for override in list_overrides.sync("primary", client=client).overrides
    ]
    found["on_call"] = list_schedules.sync(client=client).schedules[0].on_call
    found["why"] = explain_stored.sync(client=client, incident="1").account.rule
    found["incidents"] = show_statistics.sync(client=client).total.incidents
    found["postmortem"] = show_postmortem.sync("1", client=client).version
sys.stdout.write(json.dumps(found))
