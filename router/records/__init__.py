"""Documents in the store outside the hot path, and the archive of recorded events."""
