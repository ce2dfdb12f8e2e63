"""Atlassian Statuspage."""
