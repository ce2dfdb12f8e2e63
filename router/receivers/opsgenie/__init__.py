"""Opsgenie's alert API, as its clients call it."""
