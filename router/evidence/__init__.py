"""Charts of what Prometheus measured. A page neither waits for them nor fails without them."""
