"""Replay: recorded alerts under changed rules, and the difference."""
