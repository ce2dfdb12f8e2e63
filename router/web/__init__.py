"""The HTTP side: takes webhooks in, shows and changes incidents, tells how the router is."""
