"""Pagers: people, schedules and escalation policies of Opsgenie, PagerDuty, OnCall and GoAlert."""
