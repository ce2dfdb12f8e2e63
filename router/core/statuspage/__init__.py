"""The public status page: what it says is decided here, from what was published; others only show it."""
