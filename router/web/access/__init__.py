"""Sign-in: who sends a request, and with which role."""
