"""Text messages and calls by Twilio."""
