"""The router's health: metrics, logs, and reports of its own errors."""
