"""Drills: what is due, what is met, when it ends, what it showed."""
