"""Puts the parts together: HTTP routes, channels and the status page."""
