"""The public status page: for browsers, feed readers and programs, and as files."""
