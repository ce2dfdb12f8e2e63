"""Explain: why somebody was or was not paged."""
