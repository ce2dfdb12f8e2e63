"""alert-router: opens incidents for alerts, and notifies people until somebody answers."""

__version__ = "0.1.0"
