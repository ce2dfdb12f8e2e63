"""Drills: due alerts, expectations, the end, and the report."""
