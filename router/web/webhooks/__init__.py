"""Inbound webhooks: verify, decode, commit, answer."""
