"""Twilio: replies to text messages and keys pressed in calls."""
