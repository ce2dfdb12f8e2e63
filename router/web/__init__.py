"""The HTTP side: receives webhooks, shows and changes incidents, reports the router's health."""
