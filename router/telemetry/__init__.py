"""The router's own health: metrics, logs, and reports of its own errors."""
