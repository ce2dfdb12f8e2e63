"""The paths of services whose clients know no others, apart from what is behind them."""

HEARTBEATS = "/v2/heartbeats/"
"""Opsgenie's path of a ping: `/v2/heartbeats/NAME/ping`, of any method but DELETE."""

ALERTS = "/v2/alerts"
"""Opsgenie's alerts."""

ENQUEUE, CHANGE = "/v2/enqueue", "/v2/change/enqueue"
"""PagerDuty's events and changes."""

ONCALL = "/integrations/v1/{segment:.+}"
"""Grafana OnCall's integrations."""

POSTED = "/api/v2/alerts"
"""Alertmanager's API for Prometheus, also below `/webhooks/NAME`: it has a `path_prefix`."""
