"""Deployments and past incidents: likely causes of an incident, and what fixed similar ones."""
