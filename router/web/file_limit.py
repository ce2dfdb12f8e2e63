"""The limit of open files, and the number of inbound connections that it allows."""

import resource

WANTED_FILES = 65_536
"""The soft limit of open files that the router sets, unless the hard limit is lower."""

RESERVED_FILES = 256
"""Open files reserved for the store, outgoing connections and everything else."""

MOST_CONNECTIONS = 4096
"""Maximum inbound connections."""


def raise_file_limit() -> int:
    """Raise the soft limit of open files. Returns the current limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = WANTED_FILES if hard == resource.RLIM_INFINITY else min(WANTED_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        return wanted
    return soft


def most_connections() -> int:
    """The number of inbound connections that the limit of open files allows."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return max(16, min(MOST_CONNECTIONS, soft - max(RESERVED_FILES, soft // 4)))
