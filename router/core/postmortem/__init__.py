"""The post-mortem of an incident: its document, export and statistics."""
