"""Plain text, templates and units, used by all other parts of the core."""
