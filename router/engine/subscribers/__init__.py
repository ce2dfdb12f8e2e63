"""E-mail to subscribers of the status page: confirmation of the address, and each update once."""
