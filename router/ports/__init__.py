"""Protocols between the layers, by topic: clock, errors, store, channels, webhooks, services."""
