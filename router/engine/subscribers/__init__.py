"""E-mail for subscribers of the status page: asking, confirming, and each update once."""
