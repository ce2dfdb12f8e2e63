"""Drills: alerts that are due, expectations that are met, the end, and the report."""
