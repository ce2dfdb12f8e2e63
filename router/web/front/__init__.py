"""Answers plain webhooks without aiohttp, which takes most of the time of a small request."""
