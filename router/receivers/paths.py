"""Fixed paths of other services' APIs. This module is separate because loading it must be cheap."""

HEARTBEATS = "/v2/heartbeats/"
"""Opsgenie's path for a ping: `/v2/heartbeats/NAME/ping`, with any method except DELETE."""

ALERTS = "/v2/alerts"
"""Opsgenie's alerts."""

ENQUEUE, CHANGE = "/v2/enqueue", "/v2/change/enqueue"
"""PagerDuty's events and changes."""

ONCALL = "/integrations/v1/{segment:.+}"
"""Grafana OnCall's integrations."""

POSTED = "/api/v2/alerts"
"""Alertmanager's API for Prometheus, which `path_prefix` can move below `/webhooks/NAME`."""
