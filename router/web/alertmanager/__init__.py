"""Alertmanager's API v2, so that its clients can use the router."""
