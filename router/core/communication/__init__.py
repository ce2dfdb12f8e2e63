"""Public communication: the status page, its mails, and previews of every text."""
