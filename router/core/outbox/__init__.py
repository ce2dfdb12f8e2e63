"""Outbox rules: rate limits, digests, bundles and retry delays."""
