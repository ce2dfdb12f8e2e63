"""Slack: buttons, forms, the /incident command and threads."""
