"""On-call: local time, rotations, schedules, overrides, and the recipients behind a target."""
