"""After the incident: its post-mortem, when that is due, and what is to be done so that it doesn't
come again.
"""
