"""The hot path: read plan, dedup, decide, escalate.

Everything that a page depends on is in this package or in a lower layer.
"""
