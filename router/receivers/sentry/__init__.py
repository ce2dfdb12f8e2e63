"""Sentry webhooks."""
