"""Plain text, templates and units: what every other part of the core writes with."""
