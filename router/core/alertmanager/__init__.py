"""The router's alerts, groups and rules as Alertmanager's clients see them."""
