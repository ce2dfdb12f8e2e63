"""Background jobs: calendars, drills, heartbeats, dead man's switch, channel health, gaps."""
