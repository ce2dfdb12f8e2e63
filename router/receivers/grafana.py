"""Fields that Grafana Alerting's webhook has and Alertmanager's doesn't: values, links, failures.

https://grafana.com/docs/grafana/latest/alerting/configure-notifications/manage-contact-points/
"""

import re
from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from router.receivers.wire_alert import WireAlert, scalar

LINKS = {
    "silenceURL": "silence_url",
    "dashboardURL": "dashboard_url",
    "panelURL": "panel_url",
    "imageURL": "image_url",
}
"""Fields of an alert that contain links, with the annotations that they become."""

NO_DATA, ERROR = "DatasourceNoData", "DatasourceError"
"""Names of alerts that Grafana sends instead of the rule's if its query fails or has no data.

https://grafana.com/docs/grafana/latest/alerting/fundamentals/alert-rule-evaluation/
"""

_IN_VALUE_STRING = re.compile(r"\[ *(?:\w+='[^']*' )+labels=\{[^}]*\} value=([^\s\]]+) *\]")
"""A value like `[ var='B' metric='cpu' labels={instance=a} value=97 ]`."""


def with_grafana(alert: WireAlert, content: Mapping[str, Any]) -> WireAlert:
    """Add Grafana's fields as annotations. The rule's own annotations take precedence."""
    added = {name: text for key, name in LINKS.items() if (text := scalar(content.get(key)))}
    if text := scalar(content.get("valueString")):
        added["value_string"] = text
    added |= _values(content.get("values")) or _only_value(added.get("value_string", ""))
    alert = replace(alert, annotations=added | alert.annotations)
    return _with_failure(alert)


def _values(given: object) -> dict[str, str]:
    """Each value by its reference, `value_B`. A single value is also the alert's `value`."""
    pairs = given.items() if isinstance(given, dict) else ()
    values = {f"value_{name}": text for name, value in pairs if (text := scalar(value)) is not None}
    if len(values) == 1:
        values["value"] = next(iter(values.values()))
    return values


def _only_value(value_string: str) -> dict[str, str]:
    """The alert's `value` from a string with one value. Older versions send no `values`."""
    found = set(_IN_VALUE_STRING.findall(value_string))
    return {"value": str(found.pop())} if len(found) == 1 else {}


def _with_failure(alert: WireAlert) -> WireAlert:
    """Replace the summary if the query failed, since it says that the condition is met."""
    reason = _failure(alert)
    if not reason:
        return alert
    annotations = alert.annotations | {"summary": reason}
    if summary := alert.annotations.get("summary"):
        annotations["rule_summary"] = summary
    return replace(alert, annotations=annotations)


def _failure(alert: WireAlert) -> str:
    name = alert.labels.get("alertname", "")
    rule = alert.labels.get("rulename") or name
    error = " ".join(alert.annotations.get("Error", "").split())
    if name == NO_DATA or alert.annotations.get("grafana_state_reason") == "NoData":
        return f"No data: the query of rule '{rule}' returned nothing"
    if name == ERROR or alert.annotations.get("grafana_state_reason") == "Error":
        return f"Grafana can't evaluate rule '{rule}'" + (f": {error}" if error else "")
    return ""
