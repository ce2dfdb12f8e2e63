"""Post-mortems over the web: the API, the form, and the action items."""
