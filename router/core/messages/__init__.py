"""Messages: the texts that channels, callers and commands receive about an incident."""
