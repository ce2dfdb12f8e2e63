"""alert-router: decides how bad an alert is, opens one incident for it, and tells people until
somebody answers.
"""

__version__ = "0.1.0"
