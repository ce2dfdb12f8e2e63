"""Answers plain webhooks without aiohttp, which costs most of a small request."""
