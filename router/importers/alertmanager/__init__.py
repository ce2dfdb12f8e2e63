"""Alertmanager's config: routes, receivers, inhibit rules and time intervals."""
