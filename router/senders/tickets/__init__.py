"""Tickets: an issue for each incident, in issue trackers."""
