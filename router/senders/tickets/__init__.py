"""Tickets: an issue for each incident, in the services that keep issues."""
