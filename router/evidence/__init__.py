"""Evidence from outside: what Prometheus measured, drawn.

A page doesn't wait for it, and doesn't fail for it.
"""
