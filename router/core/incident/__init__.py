"""The hot path: read plan, dedup, decide, escalate.

Everything a page depends on is here or below.
"""
