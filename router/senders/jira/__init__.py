"""Jira issues."""
